//! Hoptrail as an HTTP client: how a client is made, how an answer is read, and how a failure is told.
//!
//! Owns timeouts, the TLS provider, the bound of a body, the words for a cause, percent-encoding, and the waits between
//! attempts. Alone names reqwest. Knows no address, no credential and no format: the caller has them.
//!
//! # Invariants
//!
//! - An error never holds the URL, which may carry a token.
//! - Nothing of a body is kept past its bound.
//! - A wait between attempts is between half of its full length and all of it.

mod backoff;
mod client;
mod encode;
mod error;

pub use backoff::Backoff;
pub use client::{Builder, Client, Request, Response, install_tls};
pub use encode::encode;
pub use error::WebError;

pub use reqwest::{Method, StatusCode};
