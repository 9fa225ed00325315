//! The search of events.

use clap::Args;
use serde::{Deserialize, Serialize};

use super::format::{Format, Order};

/// A search of events. Absent parameters match everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Args)]
#[serde(default, deny_unknown_fields)]
#[group(skip)]
pub struct Events {
    /// Kind: publish, deliver, settle, dead_letter, unroutable, gap, …
    #[arg(long)]
    pub kind: Option<String>,
    /// Exchange
    #[arg(long)]
    pub exchange: Option<String>,
    /// Queue
    #[arg(long)]
    pub queue: Option<String>,
    /// Service
    #[arg(long)]
    pub service: Option<String>,
    /// Order id
    #[arg(long, value_name = "ID")]
    pub order_id: Option<String>,
    /// Message id, or fingerprint
    #[arg(long, value_name = "ID")]
    pub message_id: Option<String>,
    /// Correlation id
    #[arg(long, value_name = "ID")]
    pub correlation_id: Option<String>,
    /// Source: binding, dead_letter, firehose, events or proxy
    #[arg(long)]
    pub source: Option<String>,
    /// Virtual host
    #[arg(long)]
    pub vhost: Option<String>,
    /// Order status
    #[arg(long)]
    pub status: Option<String>,
    /// From this moment on: 2026-11-20T09:30:00Z, epoch seconds, or now-1h
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// Until this moment, exclusive
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
    /// The most events to show
    #[arg(long, default_value = "100")]
    pub limit: Option<usize>,
    /// Go on after the previous page
    #[arg(long)]
    pub cursor: Option<String>,
    /// Newest or oldest first; the command line has `--oldest-first`.
    #[arg(skip)]
    pub order: Option<Order>,
    /// The form of the answer; the command line has `--output`.
    #[arg(skip)]
    pub format: Option<Format>,
}
