//! The broker as hoptrail speaks to it: connections by AMQP, and the management API.
//!
//! Owns opening and closing of connections, by TCP or TLS, the notice of their end, and bindings. Also owns the waits
//! between connections ([`Reconnect`]) and the requests to the management API ([`Management`]). Names lapin, as `capture`
//! does. Knows nothing of queues that are read, of events, and of recording.
//!
//! # Invariants
//!
//! - A refusal ends one channel, never the connection.
//! - Every error names the event, its object and the remedy; none prints a password.
//! - Every wait and every answer is bounded.

mod binding;
mod connection;
mod error;
mod management;
mod reconnect;
mod transport;

pub use binding::{Bind, Binder, check_exchange};
pub use connection::{ConnectError, Ending, PRODUCT, close, connect};
pub use error::{ACCESS_REFUSED, AmqpError, NOT_FOUND, PRECONDITION_FAILED};
pub use management::{
    Binding, ClientConnection, Exchange, Management, ManagementError, Overview, Policy, Queue, Vhost, WhoAmI,
};
pub use reconnect::Reconnect;
