//! A hoptrail that is nothing but a proxy.

use std::path::Path;

use hoptrail::model::api::{EventView, SessionsReport};

use crate::support::eventually;
use crate::support::hoptrail::Hoptrail;
use crate::support::wait::ensure;

pub struct Proxied {
    pub hoptrail: Hoptrail,
    /// Where clients connect to.
    pub port: u16,
}

impl Proxied {
    /// In front of a broker on this port of this machine.
    pub async fn start(dir: &Path, broker: u16) -> Proxied {
        let settings = [
            ("broker.url", format!("amqp://guest:guest@127.0.0.1:{broker}/%2f")),
            ("journal.dir", dir.join("journal").display().to_string()),
            // A stop is not to be waited for.
            ("proxy.drain", "1s".to_owned()),
            ("proxy.broker", format!("127.0.0.1:{broker}")),
            ("proxy.enabled", "true".to_owned()),
            ("proxy.listen", "127.0.0.1:0".to_owned()),
            ("serve.listen", "127.0.0.1:0".to_owned()),
            ("tap.enabled", "false".to_owned()),
        ];
        let settings = settings.map(|(key, value)| (key.to_owned(), value)).to_vec();
        let hoptrail = Hoptrail::start(dir, settings);
        let port = port_of(&hoptrail).await;
        Proxied { hoptrail, port }
    }

    pub async fn sessions(&self) -> SessionsReport {
        self.hoptrail.api("/sessions").await
    }

    /// Waits until so many sessions are live.
    pub async fn wait_sessions(&self, count: u64) -> SessionsReport {
        eventually(&format!("{count} sessions"), async || {
            let report = self.sessions().await;
            if report.total == count { Ok(report) } else { Err(format!("{report:?}")) }
        })
        .await
    }

    /// Waits until so many sessions have ended, in all; the ends, oldest first.
    pub async fn wait_closes(&self, count: usize) -> Vec<EventView> {
        let closes = self.hoptrail.wait_events("&kind=session_close", count).await;
        assert_eq!(closes.len(), count, "more sessions have ended: {closes:?}");
        closes
    }

    /// Waits until these events, and no others of their kinds, are recorded.
    pub async fn wait_recorded(&self, told: &[String]) {
        eventually("the journal agrees", async || {
            let events = self.hoptrail.events("").await;
            let difference = crate::proxy::transcript::difference(told, &crate::proxy::transcript::recorded(&events));
            ensure(difference.is_empty(), || difference.join("\n"))
        })
        .await;
    }

    /// Nothing was missed.
    pub async fn assert_no_gap(&self) {
        let gaps = self.hoptrail.events("&kind=gap").await;
        assert!(gaps.is_empty(), "{:?}", gaps.iter().map(|event| &event.gap).collect::<Vec<_>>());
    }
}

/// The proxy's own port: it says it after the one for questions.
async fn port_of(hoptrail: &Hoptrail) -> u16 {
    eventually("hoptrail says where its proxy listens", async || {
        let log = hoptrail.log();
        let address = log.split(" proxy=").nth(1).and_then(|rest| rest.split_whitespace().next());
        address.and_then(|address| address.rsplit(':').next()?.parse().ok()).ok_or(log)
    })
    .await
}

/// Who ended a session.
pub fn ended_by(close: &EventView) -> String {
    close.close.as_ref().unwrap()["by"].as_str().unwrap().to_owned()
}
