//! Tracing that others switch off.

use crate::stopping::is_traced;
use crate::support::{Scene, on_each_broker};

#[test]
fn tracing_that_is_switched_off_is_switched_on_again_and_the_gap_is_recorded() {
    on_each_broker(async |scene: Scene| {
        scene.exchange("orders", "topic").await;
        let hoptrail = scene.hoptrail(&[]).await;
        let client = scene.client().await;
        client.publish("orders", "k", "before", "ring").await;
        hoptrail.wait_events("&source=firehose&message_id=before", 1).await;
        scene.node.ctl(&["trace_off", "-p", &scene.vhost]);
        let gap = hoptrail.wait_gap("tracing had been switched off").await.gap.unwrap();
        assert_eq!(gap.source.as_ref(), "firehose");
        assert!(gap.from < gap.to, "{gap:?}");
        assert!(is_traced(&scene).await);
        client.publish("orders", "k", "after", "ring").await;
        hoptrail.wait_events("&source=firehose&message_id=after", 1).await;
    });
}
