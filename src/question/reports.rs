//! The questions about stalls, dead letters, statistics and sessions.

use clap::Args;
use serde::{Deserialize, Serialize};

use super::format::Format;

/// Messages and orders that are past their deadline.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Args)]
#[serde(default, deny_unknown_fields)]
#[group(skip)]
pub struct Stalled {
    /// messages or orders; both by default
    #[arg(long, value_name = "WHAT")]
    pub what: Option<String>,
    /// The current status of orders
    #[arg(long)]
    pub status: Option<String>,
    /// Another name for `status`: a step of a flow is named after the status that begins it.
    #[arg(skip)]
    pub step: Option<String>,
    /// Service
    #[arg(long)]
    pub service: Option<String>,
    /// Queue
    #[arg(long)]
    pub queue: Option<String>,
    /// The most items to show
    #[arg(long, default_value = "100")]
    pub limit: Option<usize>,
}

/// Dead letters, counted by queue, reason, exchange or service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Args)]
#[serde(default, deny_unknown_fields)]
#[group(skip)]
pub struct DeadLetters {
    /// Group by queue, reason, exchange or service
    #[arg(long, default_value = "queue", value_name = "WHAT")]
    pub group_by: Option<String>,
    /// From this moment on: 2026-11-20T09:30:00Z, epoch seconds, or now-1h
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// Until this moment, exclusive
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
}

/// How many events were recorded, also of those that are no longer kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Args)]
#[serde(default, deny_unknown_fields)]
#[group(skip)]
pub struct Statistics {
    /// Group by day, kind, service or queue; by default each combination has a row
    #[arg(long, value_name = "WHAT")]
    pub group_by: Option<String>,
    /// From the day of this moment on: 2026-11-20T09:30:00Z, epoch seconds, or now-30days
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// Days that begin before this moment
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
}

/// The clients that are connected through the proxy now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Args)]
#[serde(default, deny_unknown_fields)]
#[group(skip)]
pub struct Sessions {
    /// Service
    #[arg(long)]
    pub service: Option<String>,
    /// User
    #[arg(long)]
    pub user: Option<String>,
    /// Virtual host
    #[arg(long)]
    pub vhost: Option<String>,
    /// The most items to show
    #[arg(long, default_value = "100")]
    pub limit: Option<usize>,
    /// The form of the answer; the command line has `--output`.
    #[arg(skip)]
    pub format: Option<Format>,
}
