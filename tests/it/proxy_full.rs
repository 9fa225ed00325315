//! The proxy while nothing can be recorded: what `record.on_full` promises.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;

use crate::support::chance::Chance;
use crate::support::client::Client;
use crate::support::disk::Disk;
use crate::support::proxied::Proxied;
use crate::support::wait::ensure;
use crate::support::{Scene, eventually, on_each_broker};

const BODY: usize = 16 << 10;
/// Each passes twice, to the broker and back; packed, they take twice what may wait.
const MESSAGES: u64 = 1200;
/// What may wait to be observed. With its last eighth observations are dropped one by one; it is large enough that the
/// observer gets to that on a machine with much else to do, before bytes would have to pass unobserved.
const BACKLOG: u32 = 8 << 20;
/// More than there is room for in the queue of observations, and so little that nobody is held up.
const FEW: u64 = 20;
const QUEUE: &str = "full";
const KINDS: [&str; 6] = ["publish", "confirm", "deliver", "settle", "session_open", "session_close"];

/// hoptrail on a disk that can be filled, with little room for what is not recorded yet.
async fn squeezed(scene: &Scene, dir: &Path, disk: &Disk, on_full: &str) -> Proxied {
    scene.queue(QUEUE, json!({})).await;
    let journal = disk.journal().display().to_string();
    let backlog = BACKLOG.to_string();
    let settings = [
        ("journal.dir", &*journal),
        ("journal.min_free", "0"),
        ("journal.retention.high_water", "1.0"),
        ("record.queue_len_max", "16"),
        ("record.on_full", on_full),
        ("proxy.backlog_bytes_max", &backlog),
        ("proxy.drain", "0s"),
    ];
    Proxied::launch_in(dir, scene, disk.launcher(), &settings).await
}

/// Fills the disk; a client comes and goes until that is noticed. How many did.
async fn paused(scene: &Scene, proxy: &Proxied, disk: &Disk) -> u64 {
    disk.fill(0);
    let mut visitors = 0;
    eventually("recording pauses", async || {
        if visitors < 5 {
            Client::named(&proxy.url(scene), "visitor").await.close().await;
            visitors += 1;
        }
        let paused = proxy.hoptrail.metric("hoptrail_journal_paused").await;
        ensure(paused == 1.0, || format!("{visitors} visitors"))
    })
    .await;
    visitors
}

/// Publishes and takes again, each after the other's answer.
async fn pass(client: &Client, numbers: std::ops::Range<u64>, done: &AtomicU64) {
    for number in numbers {
        // Nothing that would pack well.
        let mut chance = Chance::new(number);
        let body: String = (0..BODY).map(|_| char::from(b' ' + chance.below(90) as u8)).collect();
        client.publish("", QUEUE, &format!("full-{number}"), &body).await;
        let message = client.take(QUEUE).await;
        client.ack(message.delivery_tag).await;
        done.fetch_add(1, Ordering::Relaxed);
    }
}

/// What is recorded of each kind, and what gaps say is not.
async fn counts(proxy: &Proxied) -> (BTreeMap<String, u64>, BTreeMap<String, u64>) {
    let (mut recorded, mut dropped) = (BTreeMap::new(), BTreeMap::new());
    for event in proxy.hoptrail.events("").await {
        if event.source.as_ref() == "proxy" {
            *recorded.entry(event.kind.to_string()).or_default() += 1;
        } else if let Some(gap) = event.gap
            && let Some((_, rest)) = gap.cause.split_once(" observations of kind ")
        {
            assert!(gap.from <= gap.to && gap.source.as_ref() == "proxy", "{gap:?}");
            let kind = rest.split_whitespace().next().unwrap();
            *dropped.entry(kind.to_owned()).or_default() += gap.count.unwrap();
        }
    }
    (recorded, dropped)
}

#[test]
fn with_gap_clients_go_on_and_what_was_not_recorded_is_counted_exactly() {
    on_each_broker(async |scene: Scene| {
        let disk = Disk::small(scene.dir());
        let proxy = squeezed(&scene, scene.dir(), &disk, "gap").await;
        let client = Client::named(&proxy.url(&scene), "publisher").await;
        let done = AtomicU64::new(0);
        pass(&client, 0..10, &done).await;
        proxy.hoptrail.wait_events("&kind=settle", 10).await;
        let visitors = paused(&scene, &proxy, &disk).await;
        let seq = proxy.hoptrail.coverage().await.last_seq;
        pass(&client, 10..MESSAGES, &done).await;
        // All of it has passed while nothing was recorded.
        assert_eq!(proxy.hoptrail.coverage().await.last_seq, seq);
        assert_eq!(proxy.hoptrail.metric("hoptrail_journal_paused").await, 1.0);
        disk.empty();
        proxy.hoptrail.wait_gap("observations of kind publish were not recorded").await;
        pass(&client, MESSAGES..MESSAGES + 1, &done).await;
        client.close().await;

        let messages = MESSAGES + 1;
        let sessions = visitors + 1;
        let expected = [messages, messages, messages, messages, sessions, sessions];
        let expected: BTreeMap<String, u64> = KINDS.map(str::to_owned).into_iter().zip(expected).collect();
        let dropped = eventually("recorded and dropped add up", async || {
            let (mut sum, dropped) = counts(&proxy).await;
            for (kind, count) in &dropped {
                *sum.entry(kind.clone()).or_default() += count;
            }
            if sum == expected { Ok(dropped) } else { Err(format!("{sum:?}, of them dropped: {dropped:?}")) }
        })
        .await;
        println!("dropped: {dropped:?}");
        assert!(dropped["publish"] > MESSAGES / 4 && dropped["settle"] > 0, "{dropped:?}");
        let unseen = proxy.hoptrail.wait_gap("settlements were not recorded").await;
        assert_eq!(unseen.gap.unwrap().count, None, "nobody is said to hold what was given before");
        for kind in KINDS {
            let told = format!("hoptrail_proxy_observations_dropped_total{{kind=\"{kind}\"}}");
            let told = proxy.hoptrail.metric(&told).await;
            assert_eq!(told as u64, dropped.get(kind).copied().unwrap_or(0), "{kind}");
        }
        assert_eq!(proxy.hoptrail.metric("hoptrail_proxy_unobserved_bytes_total").await, 0.0);
        let last = format!("&kind=publish&message_id=full-{MESSAGES}");
        assert_eq!(proxy.hoptrail.events(&last).await.len(), 1, "it goes on by itself");
    });
}

#[test]
fn with_wait_clients_are_held_up_and_nothing_is_lost() {
    on_each_broker(async |scene: Scene| {
        let disk = Disk::small(scene.dir());
        let proxy = squeezed(&scene, scene.dir(), &disk, "wait").await;
        let client = Client::named(&proxy.url(&scene), "publisher").await;
        let done = AtomicU64::new(0);
        pass(&client, 0..10, &done).await;
        proxy.hoptrail.wait_events("&kind=settle", 10).await;
        paused(&scene, &proxy, &disk).await;
        let meanwhile = async {
            let mut before = u64::MAX;
            let held = eventually("the publisher is held up", async || {
                let backlog = proxy.hoptrail.metric("hoptrail_proxy_backlog_bytes").await;
                let done = done.load(Ordering::Relaxed);
                let still = std::mem::replace(&mut before, done) == done;
                if still && backlog >= f64::from(BACKLOG) { Ok(done) } else { Err(format!("{done}, {backlog}")) }
            });
            let held = held.await;
            assert!(held < MESSAGES, "{held} went through");
            disk.empty();
        };
        tokio::join!(pass(&client, 10..MESSAGES, &done), meanwhile);
        client.close().await;
        proxy.session_close("publisher").await;
        let (recorded, dropped) = counts(&proxy).await;
        assert!(dropped.is_empty(), "{dropped:?}");
        for kind in ["publish", "confirm", "deliver", "settle"] {
            assert_eq!(recorded[kind], MESSAGES, "{recorded:?}");
        }
        assert_eq!(proxy.hoptrail.metric("hoptrail_proxy_unobserved_bytes_total").await, 0.0);
    });
}

#[test]
fn stopped_while_nothing_can_be_recorded_it_ends_all_the_same() {
    on_each_broker(async |scene: Scene| {
        tokio::join!(stopped(&scene, "gap"), stopped(&scene, "wait"));
    });
}

async fn stopped(scene: &Scene, on_full: &str) {
    let dir = scene.dir().join(on_full);
    std::fs::create_dir(&dir).unwrap();
    let disk = Disk::small(&dir);
    let mut proxy = squeezed(scene, &dir, &disk, on_full).await;
    let visitors = paused(scene, &proxy, &disk).await;
    let client = Client::named(&proxy.url(scene), "publisher").await;
    for number in 0..FEW {
        client.publish("", QUEUE, &format!("{on_full}-{number}"), "").await;
    }
    client.close().await;
    proxy.hoptrail.terminate();
    let ending = move || {
        let status = proxy.hoptrail.wait_end();
        (status, proxy)
    };
    let (status, mut proxy) = tokio::task::spawn_blocking(ending).await.unwrap();
    let log = proxy.hoptrail.log();
    assert!(status.code().is_some() && log.contains("the journal is closed"), "{status}: {log}");

    // What was not recorded is told: in the log how much, and by a gap of the next start.
    let lost = log.lines().filter(|line| line.contains(" lost: hoptrail "));
    let lost: u64 = lost.map(|line| line.rsplit('=').next().unwrap().parse::<u64>().unwrap()).sum();
    disk.empty();
    proxy.hoptrail.restart();
    let (recorded, _) = counts(&proxy).await;
    let all = 2 * FEW + 2 * (visitors + 1);
    assert_eq!(recorded.values().sum::<u64>() + lost, all, "{recorded:?}, {lost} lost: {log}");
    proxy.hoptrail.wait_gap("hoptrail ended without closing the proxy's sessions").await;
}
