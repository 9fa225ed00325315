//! Nothing is lost without a word: hoptrail and the broker are killed while clients publish.

use crate::support::hoptrail::Hoptrail;
use crate::support::ledger::{self, Missing};
use crate::support::play::{self, Play};
use crate::support::wait::ensure;
use crate::support::{Scene, eventually, on_each_broker, on_own_brokers};

/// Events between one kill and the next: some of each batch are recorded, some acknowledged, some neither.
const EVENTS_BETWEEN_KILLS: u64 = 150;

#[test]
fn killed_again_and_again_hoptrail_records_every_message_once() {
    on_each_broker(async |scene: Scene| {
        play::declare(&scene);
        let mut hoptrail = scene.hoptrail(&[]).await;
        let mut play = Play::start(&scene, 5, &[]);
        let mut kills = 0;
        while play.is_running() {
            let last = last_seq(&hoptrail).await;
            let more = eventually("more events, or the end", async || {
                let recorded = last_seq(&hoptrail).await > last + EVENTS_BETWEEN_KILLS;
                ensure(recorded || !play.is_running(), || "the clients go on, and nothing is recorded".to_owned())?;
                Ok(recorded)
            });
            if more.await {
                hoptrail.kill();
                hoptrail.restart();
                kills += 1;
            }
        }
        assert!(kills >= 3, "killed {kills} times only");
        let ledger = play.finish();
        hoptrail.wait_live().await;
        for source in ["binding", "firehose"] {
            // The broker kept what hoptrail had not acknowledged, so that here a gap is no excuse.
            let complete = settled(&hoptrail, &ledger, source, |missing| missing.in_gaps.is_empty()).await;
            assert!(complete.checked > 400, "{} messages only", complete.checked);
        }
    });
}

#[test]
fn a_broker_that_is_killed_and_comes_back_leaves_every_message_recorded_once_or_inside_a_gap() {
    on_own_brokers(async |scene: Scene| {
        play::declare(&scene);
        let hoptrail = scene.hoptrail(&[]).await;
        let mut play = Play::start(&scene, 3, &["--tolerant"]);
        eventually("some messages", async || ensure(play.published() > 100, || format!("{}", play.published()))).await;
        assert!(play.is_running(), "the broker has to be killed while clients publish");
        scene.node.kill();
        scene.node.resume();
        let ledger = play.finish();
        hoptrail.wait_live().await;
        hoptrail.wait_gap("the connection to the broker was lost").await;
        // Persistent messages that the broker has confirmed wait on its disk, in the tap's queue too.
        settled(&hoptrail, &ledger, "binding", |missing| missing.in_gaps.is_empty()).await;
        settled(&hoptrail, &ledger, "firehose", |_| true).await;
    });
}

async fn last_seq(hoptrail: &Hoptrail) -> u64 {
    hoptrail.coverage().await.last_seq
}

/// Waits until nothing is missing without explanation, and what else is asked for holds.
async fn settled(hoptrail: &Hoptrail, ledger: &str, source: &str, also: impl Fn(&Missing) -> bool) -> Missing {
    eventually(&format!("{source} has recorded everything"), async || {
        let events = hoptrail.events("").await;
        ledger::assert_dense(&events);
        let missing = ledger::missing(ledger, &events, source);
        let complete = missing.unexplained.is_empty() && also(&missing);
        if complete { Ok(missing) } else { Err(format!("{missing:?}")) }
    })
    .await
}
