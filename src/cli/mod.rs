//! The command line: its arguments, and the commands that ask a running hoptrail.
//!
//! The room owns the words of the command line (`args`), the way to the server (`client`), and the looks of answers
//! (`trail`, `table`, `text`). The parameters of questions are those of [`crate::question`]. Rendering is pure: a view
//! goes in, text comes out. Every text from a message passes [`text::plain`] on its way to a terminal. The room knows
//! no journal and no broker. Other rooms carry out `run`, `check` and `journal`, and print by a [`Page`].

mod args;
mod ask;
mod client;
mod coverage;
mod events;
mod output;
mod page;
mod reports;
mod sessions;
mod statistics;
mod table;
mod text;
mod trail;

pub use args::{Args, Ask, Check, Color, Command, Form, Format, Journal, Run};
pub use ask::run;
pub use page::{Page, print_json};
