//! Both registries together, as `app` hands them out.

use crate::config;

use super::sessions::Sessions;
use super::sources::Sources;

/// The registries. A cheap handle.
#[derive(Clone, Default)]
pub struct Live {
    /// The sources with their states.
    pub sources: Sources,
    /// The sessions through the proxy, and its counters.
    pub sessions: Sessions,
}

impl Live {
    /// No source and no session yet.
    #[must_use]
    pub fn new(proxy: &config::Proxy) -> Self {
        Live { sources: Sources::default(), sessions: Sessions::new(proxy) }
    }
}
