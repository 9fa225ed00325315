//! The text of values, for every reader: the command line, the API, alerts. The room is pure: values go in, text comes
//! out.
//!
//! It owns the words: sentences, moments and lengths. It does not know the origin of a value, nor the use of the text.
//! Terminals and pages make text from messages harmless by themselves.

mod words;

pub use words::Words;
