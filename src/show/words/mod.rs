//! Words, by [Project Fluent](https://projectfluent.org). The texts of a language are the files of a folder in `i18n/`,
//! compiled in.
//!
//! Every message is declared once, in `messages`, with its arguments and their kinds. A declaration without a use, or
//! with other arguments, does not compile. The tests hold the files to the declarations. Each declared message has a
//! text. Each text is declared, or is part of a declared one. Arguments and choices agree.
//!
//! | file | owns |
//! |---|---|
//! | `language` | the texts of a language, read once |
//! | `messages` | the messages and their arguments |
//! | `verdict` | headlines: the message for each verdict |
//! | `facts` | whose turn it is, and the next step |
//! | `time` | moments and lengths |

mod facts;
mod language;
mod messages;
mod time;
mod verdict;

pub use language::Words;

#[cfg(test)]
mod tests;
