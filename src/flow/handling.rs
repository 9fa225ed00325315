//! A consumer's handling of a delivery, in words.

use crate::model::{Settlement, SettlementKind, Str};

use super::leg::Leg;
use super::words::{moment, span};

/// Who was given the latest delivery, by the best name there is.
pub(super) fn who(leg: &Leg) -> Str {
    let consumer = leg.consumer();
    consumer.service.or(consumer.client_name).unwrap_or_else(|| "a consumer".into())
}

/// The same with what tells it from others: `CRM (crm-1, 10.0.0.7:51234 -> 10.0.0.1:5673)`.
pub(super) fn who_exactly(leg: &Leg) -> String {
    let (name, consumer) = (who(leg), leg.consumer());
    let details = [consumer.client_name, consumer.connection];
    let details: Vec<&str> = details.iter().flatten().map(|detail| &**detail).filter(|it| **it != *name).collect();
    if details.is_empty() { name.to_string() } else { format!("{name} ({})", details.join(", ")) }
}

/// How the latest delivery ended, unless it was acknowledged or nobody saw it.
pub(super) fn refusal(leg: &Leg) -> Option<String> {
    let ((_, settlement), taken_at) = (leg.settled()?, leg.delivered_at()?);
    if settlement.is_requeued() {
        return Some(gave_back(leg, settlement));
    }
    let refused = settlement.kind != SettlementKind::Ack;
    refused.then(|| format!("{} took it at {}, {}", who(leg), moment(taken_at), held_and_rejected(leg)))
}

/// `CRM gave it back after 4m (its channel closed)`, where that is how the latest delivery ended.
pub(super) fn return_to_queue(leg: &Leg) -> Option<String> {
    let (_, settlement) = leg.settled()?;
    settlement.is_requeued().then(|| gave_back(leg, settlement))
}

/// What follows "took it at that time": how the delivery ended, as far as it was seen.
pub(super) fn ending(leg: &Leg) -> String {
    match (leg.settled(), leg.is_held()) {
        (None, true) => " and has not acknowledged it yet".to_owned(),
        (None, false) if leg.is_out_of_sight() => ", and its settlement was not observed".to_owned(),
        (None, false) => String::new(),
        (Some((_, settlement)), _) if settlement.is_requeued() => {
            format!(" and gave it back after {}{}", held(leg), why(settlement))
        }
        (Some((_, settlement)), _) if settlement.kind != SettlementKind::Ack => format!(", {}", held_and_rejected(leg)),
        (Some(_), _) if is_automatic(leg) => String::new(),
        (Some(_), _) => format!(" and acknowledged it after {}", held(leg)),
    }
}

/// ` (acknowledged after 4m)`, where a consumer did.
pub(super) fn acknowledged(leg: &Leg) -> String {
    let acknowledged = leg.settled().is_some_and(|(_, settlement)| settlement.kind == SettlementKind::Ack);
    if acknowledged && !is_automatic(leg) { format!(" (acknowledged after {})", held(leg)) } else { String::new() }
}

/// The consumer had asked for deliveries that count as acknowledged at once.
fn is_automatic(leg: &Leg) -> bool {
    leg.held().is_some_and(|held| held.is_zero())
}

fn held(leg: &Leg) -> String {
    leg.held().map(span).unwrap_or_default()
}

fn held_and_rejected(leg: &Leg) -> String {
    format!("held it for {} and rejected it", held(leg))
}

fn gave_back(leg: &Leg, settlement: Settlement) -> String {
    let times = match leg.given_back() {
        0 | 1 => String::new(),
        times => format!(", the last of {times} times"),
    };
    format!("{} gave it back after {}{}{times}", who(leg), held(leg), why(settlement))
}

fn why(settlement: Settlement) -> &'static str {
    match settlement.kind {
        SettlementKind::Close => " (its channel closed)",
        SettlementKind::Recover => " (it recovered its channel)",
        SettlementKind::Ack | SettlementKind::Nack | SettlementKind::Reject => "",
    }
}
