//! Whether the proxy of the run before ended in good order. If it was killed, observations that it had not recorded are
//! lost.

use std::fs;
use std::path::PathBuf;

use tracing::warn;

use crate::clock;
use crate::config::Config;
use crate::model::{Event, Source};
use crate::record::{Observation, Recorder};

/// In the journal's directory, as long as a proxy observes.
const FILE: &str = "proxy.running";

/// The mark that a proxy observes.
pub(super) struct Running(PathBuf);

impl Running {
    /// Makes the mark. One that is there already was left by a proxy that was killed: a gap tells of it.
    pub(super) fn begin(config: &Config, recorder: &Recorder) -> Running {
        let path = config.journal.dir.join(FILE);
        if path.exists() && recorder.try_record(Box::new(Observation::new(gap(config, recorder)))).is_err() {
            warn!("the proxy was killed before; the gap that it left could not be recorded");
        }
        if let Err(error) = fs::write(&path, b"") {
            warn!(file = %path.display(), %error, "if the proxy is killed, the next start will not tell of it");
        }
        Running(path)
    }

    /// Everything that passed has been handed over, and is recorded.
    pub(super) fn end(self) {
        if let Err(error) = fs::remove_file(&self.0) {
            warn!(file = %self.0.display(), %error, "the next start will tell of a gap that is none");
        }
    }
}

/// From the last event that was recorded until now. Without session and count: how any session ended was not seen.
fn gap(config: &Config, recorder: &Recorder) -> Event {
    let marks = config.broker.vhosts.iter().filter_map(|vhost| recorder.mark(vhost, Source::Proxy));
    let to = clock::now();
    let from = marks.map(|mark| mark.at).max().unwrap_or(to);
    let cause = "hoptrail ended without closing the proxy's sessions; what passed in its last moments may not be \
                 recorded, and the ends of sessions and of what they held are not";
    Event::gap(Source::Proxy, (from, to), None, cause)
}
