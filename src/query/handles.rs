//! The handles that every answer comes from.

use crate::alert::Alerts;
use crate::flow::Flow;
use crate::follow::Progress;
use crate::journal::Reader;
use crate::live::Live;
use crate::record::Recorder;

/// The handles that every answer comes from. They are cheap to clone.
#[derive(Clone)]
pub struct Handles {
    /// Committed events.
    pub reader: Reader,
    /// Trails and stalls.
    pub flow: Flow,
    /// The progress of stalls and alerts.
    pub progress: Progress,
    /// Firing and recent alerts.
    pub alerts: Alerts,
    /// The writer's figures.
    pub recorder: Recorder,
    /// The sources, the sessions, and the proxy's figures.
    pub live: Live,
}
