//! How values look to a reader, whoever shows them: the command line, the API, alerts. Pure: values in, text out.
//!
//! Owns the words: sentences, moments and lengths. Does not know where values come from, and what is done with the
//! text: a terminal and a page each make harmless what stands in it.

mod words;

pub use words::Words;
