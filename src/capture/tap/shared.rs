//! The handles that the supervisors of all vhosts share.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::Notify;

use super::clients::Clients;
use crate::broker::Management;
use crate::config::Config;
use crate::live::Sources;
use crate::model::Event;
use crate::record::Recorder;

/// Settings, and the handles that all supervisors use.
pub(super) struct Shared {
    pub config: Arc<Config>,
    pub recorder: Recorder,
    pub sources: Sources,
    pub clients: Clients,
    pub nudges: Nudges,
    pub management: Option<Management>,
}

impl Shared {
    /// The event belongs to a vhost that is observed, or to none: the event exchange tells of all.
    pub fn is_observed(&self, event: &Event) -> bool {
        event.vhost.as_ref().is_none_or(|vhost| self.config.broker.vhosts.iter().any(|known| **known == **vhost))
    }
}

/// Tells the discovery of a vhost that something has changed there, whichever vhost's tap heard of it.
pub(super) struct Nudges(HashMap<String, Notify>);

impl Nudges {
    /// For these vhosts.
    pub fn new(vhosts: &[String]) -> Self {
        Nudges(vhosts.iter().map(|vhost| (vhost.clone(), Notify::new())).collect())
    }

    /// Something has changed in `vhost`.
    pub fn announce(&self, vhost: &str) {
        if let Some(notify) = self.0.get(vhost) {
            notify.notify_one();
        }
    }

    /// Waits for the next change in `vhost`.
    pub async fn wait(&self, vhost: &str) {
        match self.0.get(vhost) {
            Some(notify) => notify.notified().await,
            None => std::future::pending().await,
        }
    }
}
