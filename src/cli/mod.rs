//! The command line: its arguments, and the commands that ask a running hoptrail.
//!
//! Owns the words of the command line (`args`), the way to the server (`client`), and how answers look (`trail`,
//! `tables`, `text`). Rendering is pure: a view goes in, text comes out. Everything that came out of a message passes
//! [`text::plain`] on its way to a terminal. Knows no journal and no broker; `run` and `check` are carried out elsewhere.

mod args;
mod ask;
mod client;
mod coverage;
mod events;
mod output;
mod reports;
mod table;
mod text;
mod trail;

pub use args::{Args, Ask, Check, Color, Command, Format, Run};
pub use ask::run;
pub use client::install_tls;
