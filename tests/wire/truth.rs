//! What happened in a conversation, as events, and whether that is what was observed.

use std::sync::{Arc, OnceLock};

use hoptrail::model::{Event, Keys, Kind, Link, Source, Timestamp};
use hoptrail::wire::Observed;

/// An event that an observer should tell.
#[derive(Clone, Debug)]
pub struct Truth {
    pub event: Event,
    /// The event before it that had its message's content.
    pub content_of: Option<usize>,
}

/// An event about nothing yet.
pub fn event(kind: Kind) -> Event {
    let source = if kind == Kind::Gap { Source::Hoptrail } else { Source::Proxy };
    Event::new(kind, source, Timestamp::default())
}

/// Says where the two lists part, if they do.
pub fn compare(truth: &[Truth], observed: &[Observed]) -> Result<(), String> {
    for (at, pair) in truth.iter().zip(observed).enumerate() {
        let (expected, seen) = (&pair.0.event, comparable(&pair.1.event));
        if *expected != seen {
            let (own, other) = (differing(expected, &seen), differing(&seen, expected));
            let (expected, seen) = (brief(expected), brief(&seen));
            return Err(format!("event {at}, true:{own}\nobserved:{other}\n  true     {expected}\n  observed {seen}"));
        }
        if let Some(origin) = pair.0.content_of
            && !same_message(&observed[origin], pair.1)
        {
            let (origin, event) = (brief(&observed[origin].event), brief(&seen));
            return Err(format!("event {at} takes its keys from elsewhere:\n  content  {origin}\n  observed {event}"));
        }
    }
    match (truth.get(observed.len()), observed.get(truth.len())) {
        (Some(missing), _) => Err(format!("event {}:\n  missing  {}", observed.len(), brief(&missing.event))),
        (_, Some(more)) => Err(format!("event {}:\n  invented {}", truth.len(), brief(&more.event))),
        (None, None) => Ok(()),
    }
}

/// Without its time, which is checked where it is known.
fn comparable(event: &Event) -> Event {
    Event { at: Timestamp::default(), ..event.clone() }
}

fn same_message(content: &Observed, later: &Observed) -> bool {
    let keys = |observed: &Observed, gives: bool| -> Option<Arc<OnceLock<Keys>>> {
        match &observed.link {
            Some(Link::Gives(keys)) if gives => Some(Arc::clone(keys)),
            Some(Link::Takes(keys)) if !gives => Some(Arc::clone(keys)),
            _ => None,
        }
    };
    match (keys(content, true), keys(later, false)) {
        (Some(given), Some(taken)) => Arc::ptr_eq(&given, &taken),
        _ => false,
    }
}

/// The event's fields, each as text; without what is empty: a person has to read it.
fn fields(event: &Event) -> Vec<String> {
    let text = format!("{event:?}");
    let (mut fields, mut depth, mut field) = (Vec::new(), 0_usize, String::new());
    for c in text.chars() {
        depth = match c {
            '{' | '[' | '(' => depth + 1,
            '}' | ']' | ')' => depth.saturating_sub(1),
            _ => depth,
        };
        field.push(c);
        if c == ',' && depth == 1 {
            fields.push(std::mem::take(&mut field));
        }
    }
    fields.push(field);
    fields.retain(|field| !(field.ends_with(": None,") || field.ends_with(": [],")));
    fields
}

fn brief(event: &Event) -> String {
    fields(event).concat().chars().take(1500).collect()
}

/// The fields of `event` that `other` does not have.
fn differing(event: &Event, other: &Event) -> String {
    let others = fields(other);
    let own: Vec<String> = fields(event).into_iter().filter(|field| !others.contains(field)).collect();
    own.concat().chars().take(600).collect()
}
