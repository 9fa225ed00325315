//! The end: captures stop first, then the writer, then the readers.

use std::fmt;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use crate::record::{Recorder, WriterHandle};

/// The time for captures to acknowledge durable messages and to close their connections.
const CAPTURES_GRACE: Duration = Duration::from_secs(10);
/// The time for the writer. A full queue is written in well under a second; a dying disk may never finish.
const WRITER_GRACE: Duration = Duration::from_secs(30);
/// The time for services. Running requests have five seconds of their own, and so have webhooks.
const SERVICES_GRACE: Duration = Duration::from_secs(10);

/// The running parts, in the order in which they stop.
pub struct Running {
    pub(super) recorder: Recorder,
    pub(super) writer: WriterHandle,
    /// The additional time of the captures, for sessions to end.
    pub(super) drain: Duration,
    pub(super) captures: (TaskTracker, CancellationToken),
    pub(super) services: (TaskTracker, CancellationToken),
}

impl Running {
    /// Stops everything in order; the log names what does not stop in time.
    pub async fn stop(self) {
        finish("captures", &self.captures, CAPTURES_GRACE + self.drain).await;
        self.recorder.stop().await;
        let join = tokio::task::spawn_blocking(move || self.writer.join());
        match tokio::time::timeout(WRITER_GRACE, join).await {
            Ok(Ok(true)) => info!("the journal is closed"),
            Ok(_) => warn!("the writer ended by a panic"),
            Err(_) => warn!(part = "writer", seconds = WRITER_GRACE.as_secs(), "did not stop in time"),
        }
        finish("services", &self.services, SERVICES_GRACE).await;
    }
}

/// The reason why the program ends.
pub(super) enum Reason {
    /// A signal, by its name.
    Signal(&'static str),
    /// Recording failed for good.
    Failed(String),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Signal(name) => f.write_str(name),
            Reason::Failed(cause) => write!(f, "recording failed: {cause}"),
        }
    }
}

/// The signals that end the program. Once this is made, they no longer end the program by themselves.
pub(super) struct Signals {
    interrupt: Option<Signal>,
    terminate: Option<Signal>,
}

impl Signals {
    pub(super) fn listen() -> Signals {
        Signals { interrupt: listen(SignalKind::interrupt()), terminate: listen(SignalKind::terminate()) }
    }

    /// Waits for a reason to end.
    pub(super) async fn wait(mut self, recorder: &Recorder) -> Reason {
        tokio::select! {
            () = received(&mut self.interrupt) => Reason::Signal("SIGINT"),
            () = received(&mut self.terminate) => Reason::Signal("SIGTERM"),
            () = recorder.failed() => Reason::Failed(recorder.stats().ended.unwrap_or_default()),
        }
    }
}

fn listen(kind: SignalKind) -> Option<Signal> {
    signal(kind).inspect_err(|error| warn!(%error, "a signal cannot be waited for")).ok()
}

async fn received(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}

async fn finish(part: &str, (tracker, cancel): &(TaskTracker, CancellationToken), grace: Duration) {
    tracker.close();
    cancel.cancel();
    if tokio::time::timeout(grace, tracker.wait()).await.is_err() {
        warn!(part, tasks = tracker.len(), seconds = grace.as_secs(), "did not stop in time");
    }
}
