//! Words, by [Project Fluent](https://projectfluent.org): the texts of a language are the files of a folder in `i18n/`,
//! compiled in.
//!
//! Every message is declared once, in `messages`, with its arguments and their kinds: a declaration that nobody uses, or
//! that is used with other arguments, does not compile. The tests hold the files to the declarations: each message that
//! is declared is there, each that is there is declared or part of one that is, and arguments and choices agree.
//!
//! | file | owns |
//! |---|---|
//! | `language` | the texts of a language, read once |
//! | `messages` | the messages and their arguments |
//! | `verdict` | headlines: which message tells which verdict |
//! | `facts` | whose turn it is, and what comes next |
//! | `time` | moments and lengths |

mod facts;
mod language;
mod messages;
mod time;
mod verdict;

pub use language::Words;

#[cfg(test)]
mod tests;
