//! Trails and stalls: the fate of each message and each order, from committed events only.
//!
//! The core is [`message`]. It joins the events of one message into hops: a publish with its deliveries and settlements
//! by queue. The result does not depend on the source of an event, nor on the lag of a source. A trail runs it over the
//! events of one order, which are read from the journal on request. The [`engine`] runs it over all events, to find
//! messages and orders past their limit. Both are pure: events and the time go in, answers come out. [`Flow`] is the
//! handle around them. It reads the journal, and gets every committed event.
//!
//! The room makes all of its state again from the journal at every start. It knows no broker, no socket and no HTTP.

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

pub use engine::Tracked;
pub use handle::Flow;
pub use stalled_query::StalledQuery;

#[cfg(test)]
mod tests;
