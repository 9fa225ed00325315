//! The notifier against receivers with all kinds of answers, on a port of this machine.

use std::sync::Mutex;

use axum::extract::State;
use axum::http::StatusCode;

use super::*;
use crate::config::Secret;
use crate::model::api::AlertView;

/// Short times, so that the tests do not wait.
const IMPATIENT: Patience = Patience {
    backoff_min: Duration::from_millis(1),
    backoff_max: Duration::from_millis(4),
    give_up_after: Duration::from_millis(40),
    drain: Duration::from_millis(500),
};

/// A receiver that answers with these statuses in turn, and repeats the last for ever. `None` is no answer.
struct Receiver {
    port: u16,
    seen: Arc<Mutex<Vec<serde_json::Value>>>,
}

type Script = Arc<(Vec<Option<u16>>, Arc<Mutex<Vec<serde_json::Value>>>)>;

async fn answer(State(script): State<Script>, body: axum::Json<serde_json::Value>) -> StatusCode {
    let turn = {
        let mut seen = script.1.lock().expect("lock");
        seen.push(body.0);
        seen.len() - 1
    };
    let status = script.0.get(turn).or(script.0.last()).expect("a status");
    match status {
        Some(status) => StatusCode::from_u16(*status).expect("a status"),
        None => std::future::pending().await,
    }
}

async fn receiver(script: &[Option<u16>]) -> Receiver {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let state: Script = Arc::new((script.to_vec(), Arc::clone(&seen)));
    let router = axum::Router::new().route("/hook", axum::routing::post(answer)).with_state(state);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio_util::task::TaskTracker::new().spawn(std::future::IntoFuture::into_future(axum::serve(listener, router)));
    Receiver { port, seen }
}

fn notifier(port: u16, timeout: Duration) -> (Outbox, Notifier) {
    let url = Secret::new(format!("http://127.0.0.1:{port}/hook?token=s3cret"));
    let (outbox, notifier) = Notifier::new(Some(&config::Webhook { url, timeout })).expect("a client");
    (outbox, notifier.with_patience(IMPATIENT))
}

fn alert(id: &str) -> Alert {
    Alert { id: id.into(), rule: "r".into(), ..Alert::default() }
}

/// Queues alerts, runs the notifier until none is left, and compares its counts and requests with the expected ones.
async fn check(script: &[Option<u16>], alerts: usize, expected: (u64, u64), requests: usize) {
    let receiver = receiver(script).await;
    let (outbox, notifier) = notifier(receiver.port, Duration::from_millis(200));
    (0..alerts).for_each(|n| outbox.tell(alert(&n.to_string())));
    let counts = Arc::clone(&outbox.counts);
    // The notifier ends by itself when no outbox is left.
    drop(outbox);
    notifier.run(CancellationToken::new()).await;
    let counts = (counts.sent.load(Ordering::Relaxed), counts.failed.load(Ordering::Relaxed));
    assert_eq!(counts, expected, "{script:?}");
    assert_eq!(receiver.seen.lock().expect("lock").len(), requests, "{script:?}");
}

#[tokio::test]
async fn an_alert_is_posted_as_json() {
    let receiver = receiver(&[Some(204)]).await;
    let (outbox, notifier) = notifier(receiver.port, Duration::from_secs(5));
    outbox.tell(alert("a"));
    let counts = Arc::clone(&outbox.counts);
    drop(outbox);
    notifier.run(CancellationToken::new()).await;
    let seen = receiver.seen.lock().expect("lock").clone();
    let read: Vec<AlertView> = seen.into_iter().map(|json| serde_json::from_value(json).expect("an alert")).collect();
    assert_eq!(read, [AlertView::new(&alert("a"), read[0].summary.clone())]);
    assert_eq!(counts.sent.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_receiver_in_trouble_is_tried_again() {
    check(&[Some(500), Some(503), Some(200)], 1, (1, 0), 3).await;
    check(&[Some(429), Some(408), Some(200)], 1, (1, 0), 3).await;
}

#[tokio::test]
async fn a_receiver_that_refuses_is_not_tried_again() {
    check(&[Some(400), Some(200)], 2, (1, 1), 2).await;
    check(&[Some(404)], 1, (0, 1), 1).await;
    check(&[Some(302)], 1, (0, 1), 1).await;
}

#[tokio::test]
async fn an_answer_that_never_comes_is_given_up_and_the_next_is_told() {
    check(&[None, Some(200)], 2, (1, 1), 2).await;
}

#[tokio::test]
async fn a_receiver_that_stays_in_trouble_is_given_up() {
    let receiver = receiver(&[Some(500)]).await;
    let (outbox, notifier) = notifier(receiver.port, Duration::from_secs(5));
    outbox.tell(alert("a"));
    let counts = Arc::clone(&outbox.counts);
    drop(outbox);
    notifier.run(CancellationToken::new()).await;
    assert_eq!(counts.failed.load(Ordering::Relaxed), 1);
    assert!(receiver.seen.lock().expect("lock").len() > 1);
}

#[tokio::test]
async fn nobody_listening_is_a_failure_without_the_url_in_its_text() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = free.local_addr().expect("an address").port();
    drop(free);
    let settings = config::Webhook {
        url: Secret::new(format!("http://127.0.0.1:{port}/hook?token=s3cret")),
        timeout: Duration::from_secs(5),
    };
    let attempt = Webhook::new(&settings).expect("a client").send(&alert("a")).await;
    let Attempt::Retry(why) = attempt else { panic!("{attempt:?}") };
    assert!(!why.contains("s3cret") && !why.contains("hook"), "{why}");
    assert!(!format!("{settings:?}").contains("s3cret"));
}

#[tokio::test]
async fn what_is_queued_at_the_end_is_still_delivered() {
    let receiver = receiver(&[Some(200)]).await;
    let (outbox, notifier) = notifier(receiver.port, Duration::from_secs(5));
    (0..3).for_each(|n| outbox.tell(alert(&n.to_string())));
    let cancel = CancellationToken::new();
    cancel.cancel();
    notifier.run(cancel).await;
    assert_eq!(outbox.counts(), (3, 0));
}

#[tokio::test]
async fn a_receiver_that_hangs_does_not_hold_up_the_end() {
    let receiver = receiver(&[None]).await;
    let (outbox, notifier) = notifier(receiver.port, Duration::from_secs(600));
    (0..3).for_each(|n| outbox.tell(alert(&n.to_string())));
    let cancel = CancellationToken::new();
    cancel.cancel();
    notifier.run(cancel).await;
    assert_eq!(outbox.counts(), (0, 3));
}

#[tokio::test]
async fn without_a_webhook_the_task_ends_at_once() {
    let (outbox, notifier) = Notifier::new(None).expect("nothing to set up");
    outbox.tell(alert("a"));
    notifier.run(CancellationToken::new()).await;
    assert_eq!(outbox.counts(), (0, 0));
}
