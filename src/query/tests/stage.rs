//! A hoptrail without captures.

use std::sync::Mutex;

use tempfile::TempDir;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::alert::Alerts;
use crate::config;
use crate::flow::Flow;
use crate::follow::{Follower, Update};
use crate::live::Live;
use crate::model::{Event, Timestamp};
use crate::query::Handles;
use crate::record::{self, Opened};

use super::filled::{Filled, path};

/// A hoptrail over a journal in a directory of its own. Nothing is recorded in it.
pub(crate) struct Stage {
    /// The handles to ask.
    pub(crate) handles: Handles,
    follower: Mutex<Option<Follower<Sink>>>,
    dir: TempDir,
    cancel: CancellationToken,
}

type Sink = Box<dyn FnMut(Update<'_>) + Send>;

impl Stage {
    /// A hoptrail over these events, in their order.
    pub(crate) fn new(events: Vec<Event>) -> Self {
        Stage::over(Filled::new(events), &[])
    }

    /// A hoptrail over that journal, with settings besides.
    pub(crate) fn over(journal: Filled, settings: &[(&str, &str)]) -> Self {
        let dir = journal.close();
        let path = path(&dir).display().to_string();
        let settings = [("journal.dir", path.as_str())].into_iter().chain(settings.iter().copied());
        let settings = settings.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        let config = config::load(None, [], &settings).unwrap();
        let live = Live::new(&config.proxy);
        let Opened { recorder, reader, .. } = record::open(&config, live.sources.clone()).unwrap();
        let flow = Flow::new(reader.clone(), config.flow.clone());
        let (alerts, _) = Alerts::new(&config.alert).unwrap();
        let stalls = flow.clone();
        let sink: Sink = Box::new(move |update| {
            if let Update::Events(events) = update {
                stalls.apply(events);
            }
        });
        let follower = Follower::new(reader.clone(), &recorder.tail(), Timestamp::default, sink);
        let handles = Handles { reader, flow, progress: follower.progress(), alerts, recorder, live };
        Stage { handles, follower: Mutex::new(Some(follower)), dir, cancel: CancellationToken::new() }
    }

    /// The journal's path.
    pub(crate) fn journal(&self) -> std::path::PathBuf {
        path(&self.dir)
    }

    /// Waits until trails and stalls know all events.
    pub(crate) async fn follow(&self) {
        let follower = self.follower.lock().unwrap().take().unwrap();
        let (runtime, cancel) = (Handle::current(), self.cancel.clone());
        std::thread::spawn(move || follower.run("follow", &runtime, &cancel));
        let caught_up = async {
            while self.handles.progress.lag() > 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(20), caught_up).await.unwrap();
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}
