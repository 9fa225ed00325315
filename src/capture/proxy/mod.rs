//! The proxy: stands between clients and the broker, passes their bytes on unchanged, and lets them be observed.
//!
//! Owns the clients' connections and those to the broker, and the order in which bytes reach the observer. Does not
//! know the journal. Of AMQP it knows the login only.
//!
//! It has few threads, because wake-ups cost more than parsing on two cores that also carry the broker. The relay
//! ([`listen`], [`relay`]) has every session, and copies the bytes that it passes on into batches ([`backlog`]). The
//! observer ([`observe`]) takes whole batches, has [`wire`](crate::wire) follow each session, and hands events to
//! `record` ([`handover`]). A third thread packs batches that have to wait. The relay never waits for the observer,
//! unless `record.on_full` says so.

mod backlog;
mod bind;
mod connect;
mod copier;
mod handover;
mod listen;
mod observe;
mod pace;
mod proxy_protocol;
mod relay;
mod run;
mod running;
mod session;
mod stream;
mod tls;

pub use bind::{BindError, Proxy, bind};
pub use run::run;
pub use tls::TlsError;
