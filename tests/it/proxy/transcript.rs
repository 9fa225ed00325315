//! What a client tells of its conversation, and what the journal says of the same.

use hoptrail::model::Settlement;
use hoptrail::model::api::EventView;
use regex::Regex;
use serde_json::Value;

/// The lines that the journal has to hold.
const KINDS: [&str; 5] = ["publish", "confirm", "return", "deliver", "settle"];

/// Without what the broker makes up anew each time.
pub fn normalised(text: &str, vhost: &str) -> String {
    let generated = Regex::new(r"amq\.gen-[A-Za-z0-9_-]+").unwrap();
    generated.replace_all(text, "<generated>").replace(&format!("'{vhost}'"), "<vhost>")
}

/// The lines of a transcript that are events, sorted.
pub fn told(transcript: &str) -> Vec<String> {
    let is_event = |line: &&str| KINDS.iter().any(|kind| line.starts_with(&format!("{kind} ")));
    let mut lines: Vec<String> = transcript.lines().filter(is_event).map(str::to_owned).collect();
    lines.sort();
    lines
}

/// The events as such lines, sorted.
pub fn recorded(events: &[EventView]) -> Vec<String> {
    let mut lines: Vec<String> = events.iter().filter_map(line).collect();
    lines.sort();
    lines
}

/// What stands in only one of two sorted lists.
pub fn difference(told: &[String], recorded: &[String]) -> Vec<String> {
    let mut left = recorded.to_vec();
    let mut found = Vec::new();
    for line in told {
        match left.binary_search(line) {
            Ok(at) => drop(left.remove(at)),
            Err(_) => found.push(format!("not recorded: {line}")),
        }
    }
    found.extend(left.iter().map(|line| format!("only recorded: {line}")));
    found
}

fn line(event: &EventView) -> Option<String> {
    let text = |text: &Option<hoptrail::model::Str>| text.as_deref().unwrap_or("?").to_owned();
    let id = text(&event.message_id);
    let bytes = event.body.as_ref().map_or(0, |body| body.bytes);
    let place = format!("{}|{}|{id}", text(&event.exchange), text(&event.routing_key));
    let kind = event.settlement.map_or("none", |settlement| settlement.kind.name());
    let settled = |part: fn(Settlement) -> bool| event.settlement.map_or(Value::Null, |it| part(it).into());
    let (requeue, multiple) = (settled(|it| it.requeue), settled(|it| it.multiple));
    Some(match event.kind.as_ref() {
        "publish" => format!("publish {place}|{bytes}"),
        "confirm" => format!("confirm {kind} {id}"),
        "return" => {
            let code = event.returned.as_ref().map_or(Value::Null, |returned| returned["code"].clone());
            format!("return {code} {place}|{bytes}")
        }
        "deliver" => {
            let (tag, redelivered) = (event.delivery_tag.unwrap_or(0), event.redelivered.unwrap_or(false));
            let no_ack = event.settlement.is_some();
            format!("deliver {}|{tag}|{redelivered}|{place}|{bytes}|{no_ack}", text(&event.queue))
        }
        "settle" if matches!(kind, "recover" | "close") => format!("settle {kind} {requeue}|{id}"),
        "settle" => format!("settle {kind} {requeue}|{multiple}|{id}"),
        _ => return None,
    })
}
