//! The looks of values, for every reader: the command line, the API, alerts. Pure: values in, text out.
//!
//! Owns the words: sentences, moments and lengths. Does not know the origin of a value, and the use of the text.
//! Terminals and pages make text from messages harmless by themselves.

mod words;

pub use words::Words;
