//! Commands that need no recorded day: help texts, the journal of a stopped hoptrail, and tables of what a replay cannot
//! have.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;

use super::shown::shown;
use super::snapshots::Snapshots;
use super::stage::unpack;

const COMMANDS: [&str; 17] = [
    "",
    "run",
    "check",
    "journal",
    "journal stat",
    "journal check",
    "journal salvage",
    "journal compact",
    "order",
    "message",
    "events",
    "stalled",
    "dead-letters",
    "statistics",
    "sessions",
    "alerts",
    "coverage",
];

#[test]
fn help_texts() {
    let mut snapshots = Snapshots::of("help");
    for command in COMMANDS {
        let words: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
        let name = if command.is_empty() { "hoptrail".to_owned() } else { command.replace(' ', "-") };
        snapshots.check(&name, &shown(&words));
    }
    snapshots.check("nothing", &shown(&[]));
    snapshots.check("unknown-command", &shown(&["find"]));
    snapshots.check("no-such-file", &shown(&["check", "--config", "/nowhere/hoptrail.toml"]));
    snapshots.check("no-hoptrail", &shown(&["alerts", "--url", "http://127.0.0.1:1"]));
    snapshots.finish();
}

/// The partition of `fixtures/journal/v1` that is damaged.
const DAMAGED: &str = "2026-11-24-0001";

#[test]
fn journals_of_a_stopped_hoptrail() {
    let mut snapshots = Snapshots::of("journal");
    for (name, archive, below) in [
        ("tap", "answers/journals/tap.tar.zst", "journal"),
        ("proxy", "answers/journals/proxy.tar.zst", "journal"),
        ("v1", "journal/v1/journal.tar.zst", ""),
        ("damaged", "journal/v1/journal.tar.zst", ""),
    ] {
        let unpacked = unpack(archive);
        let dir = unpacked.path().join(below);
        if name == "damaged" {
            damage(&dir.join(DAMAGED).join("db"));
        }
        let place = dir.to_str().unwrap().trim_end_matches('/');
        for command in ["stat", "check", "salvage"] {
            for form in ["table", "json"] {
                let words = ["journal", command, "--dir", place, "-o", form];
                snapshots.check(&format!("{name}-{command}-{form}"), &shown(&words).replace(place, "DIR"));
            }
        }
    }
    snapshots.finish();
}

/// Flips a bit in each copy of the first block's payload.
fn damage(database: &Path) {
    let mut bytes = std::fs::read(database).unwrap();
    let is_block = |at: &usize| bytes[*at..].starts_with(b"\x89HTB");
    let blocks: Vec<usize> = (0..bytes.len()).filter(is_block).collect();
    let number = |at: usize| u64::from_le_bytes(bytes[at + 8..at + 16].try_into().unwrap());
    let first = blocks.iter().map(|at| number(*at)).min().unwrap();
    let copies: Vec<usize> = blocks.into_iter().filter(|at| number(*at) == first).collect();
    copies.into_iter().for_each(|at| bytes[at + 120] ^= 1);
    std::fs::write(database, bytes).unwrap();
}

/// Live sessions, and an alert that is over: no replay has them.
const SESSIONS: &str = r#"{
    "at": "2026-11-29T01:19:00Z", "enabled": true, "total": 3,
    "sessions": [
        {
            "connection": "10.0.0.7:51234 -> 10.0.0.1:5673", "address": "10.0.0.7:51234",
            "broker_connection": "10.0.0.1:53504 -> 10.0.0.2:5672", "tls": true, "since": "2026-11-29T01:15:46.799984Z",
            "state": "running", "service": "CRM", "user": "crm", "client_name": "CRM 7", "vhost": "/", "channels": 2,
            "published": 5, "delivered": 30000, "publish_rate": 0.25, "deliver_rate": 121.34,
            "bytes_from_client": 574, "bytes_from_broker": 123456789, "unconfirmed": 1, "unsettled": 4,
            "oldest_unsettled_at": "2026-11-29T01:15:46.858414Z", "oldest_unsettled_seconds": 193.141586
        },
        {
            "connection": "10.0.0.8:40000 -> 10.0.0.1:5673", "address": "10.0.0.8:40000", "tls": false,
            "since": "2026-11-27T01:15:46Z", "state": "unobserved", "channels": 0, "published": 0, "delivered": 0,
            "publish_rate": 0.0, "deliver_rate": 0.0, "bytes_from_client": 8, "bytes_from_broker": 8, "unconfirmed": 0,
            "unsettled": 0, "gap": "it speaks AMQP 1.0, which passes and is not read"
        }
    ]
}"#;
const ALERTS: &str = r#"{
    "alerts": [
        {
            "id": "00112233445566778899aabbccddeeff", "rule": "burst", "detector": "dead_letter_spike", "state": "resolved",
            "summary": "Over: Queue q dead-lettered 12 messages (rejected) within 5m; 10 are a spike.",
            "labels": { "vhost": "/", "queue": "q", "reason": "rejected" }, "value": 12.0, "threshold": 10.0,
            "window_seconds": 300.0, "since": "2026-11-29T01:00:00.5Z", "resolved_at": "2026-11-29T01:10:00Z",
            "orders": ["JW-1", "JW-2"], "events": [7, 6]
        }
    ]
}"#;

#[test]
fn tables_of_what_a_replay_cannot_have() {
    let mut snapshots = Snapshots::of("told");
    for (name, words, answer) in [
        ("sessions", &["sessions"][..], SESSIONS),
        ("sessions-limited", &["sessions", "--service", "CRM", "--limit", "1"], SESSIONS),
        ("sessions-off", &["sessions"], r#"{"at":"2026-11-29T01:19:00Z","enabled":false,"sessions":[],"total":0}"#),
        ("sessions-none", &["sessions"], r#"{"at":"2026-11-29T01:19:00Z","enabled":true,"sessions":[],"total":0}"#),
        ("alert-over", &["alerts"], ALERTS),
        ("no-alerts", &["alerts"], r#"{"alerts":[]}"#),
    ] {
        let url = answering(answer);
        let words = [words, &["--url", &url]].concat();
        snapshots.check(name, &shown(&words).replace(&url, "URL"));
    }
    snapshots.finish();
}

/// The address of a server that gives one answer, once.
fn answering(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let head = BufReader::new(stream.try_clone().unwrap()).lines();
        head.map(Result::unwrap).take_while(|line| !line.is_empty()).for_each(drop);
        let headers = format!("content-type: application/json\r\ncontent-length: {}", answer.len());
        write!(stream, "HTTP/1.1 200 OK\r\n{headers}\r\nconnection: close\r\n\r\n{answer}").unwrap();
    });
    url
}
