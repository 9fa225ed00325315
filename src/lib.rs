//! hoptrail, the flight recorder for RabbitMQ.
//!
//! The modules in the order an event passes through them. `docs/architecture.md` is the page to read first;
//! `tests/house` holds the code to its table of rooms.

pub mod model;

pub mod clock;
pub mod config;
pub mod logging;
pub mod question;
pub mod show;
pub mod task;
pub mod web;

pub mod broker;
pub mod capture;
pub mod wire;

pub mod correlate;
pub mod live;
pub mod record;
pub mod redact;

pub mod journal;

pub mod follow;

pub mod alert;
pub mod flow;

pub mod query;

pub mod serve;

pub mod cli;

pub mod app;
pub mod inspect;
