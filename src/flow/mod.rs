//! Trails and stalls: what became of each message and each order, told from committed events only.
//!
//! The core is [`message`]: it joins the events of one message into hops (a publish with its deliveries and
//! settlements by queue), whichever source saw what and whichever event came first. A trail runs it over the events of
//! one order, read from the journal when somebody asks; the [`engine`] runs it over everything that is under way, to
//! know what is past its deadline. Both are pure: events and the time go in, answers come out. Around them, [`Flow`]
//! is the handle that reads the journal, and that is given every committed event.
//!
//! Everything here can be rebuilt from the journal, and is, at every start. Knows no broker, no socket and no HTTP.

mod engine;
mod handle;
mod handling;
mod hop;
mod leg;
mod message;
mod order;
mod report;
mod sight;
mod stalled;
mod table;
mod trail;
mod verdict;
mod words;

pub use handle::{Flow, StalledQuery};

#[cfg(test)]
mod tests;
