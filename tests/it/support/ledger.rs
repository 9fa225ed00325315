//! What was published, against what the journal holds of it.

use std::collections::HashMap;

use hoptrail::model::Timestamp;
use hoptrail::model::api::EventView;
use serde::Deserialize;

/// A publish, as its client knows it.
#[derive(Debug, Deserialize)]
struct Line {
    message_id: Option<String>,
    exchange: String,
    published_at: f64,
    confirmed: bool,
}

/// What is not in the journal though the broker confirmed it.
#[derive(Debug, Default)]
pub struct Missing {
    /// Publishes outside of every gap: there must be none.
    pub unexplained: Vec<String>,
    /// Publishes inside of a gap.
    pub in_gaps: Vec<String>,
    /// Publishes looked at.
    pub checked: usize,
}

/// The events are numbered from 1 without a hole.
pub fn assert_dense(events: &[EventView]) {
    for (event, expected) in events.iter().zip(1..) {
        assert_eq!(event.seq, expected, "a number is missing, or there twice");
    }
    assert!(!events.is_empty(), "no events");
}

/// Compares what `source` recorded with the ledger. Panics where a publish was recorded twice.
pub fn missing(ledger: &str, events: &[EventView], source: &str) -> Missing {
    let lines: Vec<Line> = ledger.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let publishes = || {
        events
            .iter()
            .filter(|event| event.source.as_ref() == source && matches!(event.kind.as_ref(), "publish" | "unroutable"))
    };
    let mut recorded: HashMap<&str, usize> = HashMap::new();
    for id in publishes().filter_map(|event| event.message_id.as_deref()) {
        *recorded.entry(id).or_default() += 1;
    }
    let gaps: Vec<(f64, f64)> = events
        .iter()
        .filter_map(|event| event.gap.as_ref())
        .filter(|gap| gap.source.as_ref() == source)
        .map(|gap| (seconds(gap.from), seconds(gap.to)))
        .collect();
    let mut missing = Missing::default();
    for (index, line) in lines.iter().enumerate().filter(|(_, line)| !line.exchange.is_empty()) {
        let Some(id) = &line.message_id else { continue };
        let count = recorded.get(id.as_str()).copied().unwrap_or(0);
        assert!(count <= 1, "{source} recorded {id} {count} times");
        if !line.confirmed {
            continue;
        }
        missing.checked += 1;
        if count == 1 {
            continue;
        }
        // It was published after this line's time, and before the next line's: the client publishes one by one.
        let before = lines.get(index + 1).map_or(f64::INFINITY, |next| next.published_at);
        let explained = gaps.iter().any(|(from, to)| line.published_at <= *to && before >= *from);
        let list = if explained { &mut missing.in_gaps } else { &mut missing.unexplained };
        list.push(format!("{id} to {} at {}", line.exchange, line.published_at));
    }
    assert_nameless(&lines, publishes().filter(|event| event.message_id.is_none()).count(), source);
    missing
}

/// Messages without an id cannot be told one by one; there must not be more of them than were sent.
fn assert_nameless(lines: &[Line], recorded: usize, source: &str) {
    let sent = lines.iter().filter(|line| line.message_id.is_none()).count();
    assert!(recorded <= sent, "{source} recorded {recorded} messages without an id, and {sent} were sent");
}

fn seconds(at: Timestamp) -> f64 {
    at.as_micros() as f64 / 1e6
}
