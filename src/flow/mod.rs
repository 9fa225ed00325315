//! Trails and stalls: the fate of each message and each order, from committed events only.
//!
//! The core is [`message`]. It joins the events of one message into hops: a publish with its deliveries and settlements
//! by queue. It does not matter which source saw an event, and which event came first. A trail runs it over the events
//! of one order, read from the journal when somebody asks. The [`engine`] runs it over everything that is under way, to
//! find messages and orders past their limit. Both are pure: events and the time go in, answers come out. [`Flow`] is
//! the handle around them; it reads the journal, and gets every committed event.
//!
//! Everything here can be made again from the journal, and is, at every start. Knows no broker, no socket and no HTTP.

mod engine;
mod handle;
mod history;
mod hop;
mod join;
mod leg;
mod message;
mod order;
mod report;
mod sight;
mod stalled;
mod stalled_query;
mod table;
mod trail;
mod verdict;

pub use handle::Flow;
pub use stalled_query::StalledQuery;

#[cfg(test)]
mod tests;
