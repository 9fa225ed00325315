//! The broker's HTTP API: its topology, its connections, and the switch for tracing.
//!
//! Owns requests, paging and the wording of failures. Every answer is bounded in size.

mod answers;
mod client;
mod error;

pub use answers::{Binding, ClientConnection, Exchange, Overview, Policy, Queue, Vhost, WhoAmI};
pub use client::Management;
pub use error::ManagementError;
