//! A trail for a person to read: the state, the statuses, the way, and the gaps.

use crate::model::api::{GapView, Trail};
use crate::model::trail::{Hop, Leg, NotShown, StatusChange};
use crate::model::{LegState, MessageKey, State, Timestamp};
use crate::show::Words;

use super::text::{Mark, Paint, length, moment, plain};

/// The whole trail.
pub(super) fn render(trail: &Trail, paint: Paint) -> String {
    let mut lines = vec![headline(trail, paint), plain(&trail.verdict)];
    lines.extend(facts(trail));
    if !trail.gaps.is_empty() {
        lines.push("  Part of this time was not observed; see below.".to_owned());
    }
    section(&mut lines, "Statuses (UTC)", statuses(&trail.statuses), paint);
    section(&mut lines, "Way (UTC)", trail.hops.iter().flat_map(|hop| way(hop, paint)).collect(), paint);
    section(&mut lines, "Not observed (UTC)", trail.gaps.iter().map(gap).collect(), paint);
    if let Some(not_shown) = &trail.not_shown {
        lines.push(String::new());
        lines.extend(left_out(not_shown));
    }
    lines.join("\n") + "\n"
}

fn left_out(not_shown: &NotShown) -> Vec<String> {
    let NotShown { events, from, to, hops, unjudged_messages } = not_shown;
    let (from, to) = (moment(*from), moment(*to));
    let mut lines = vec![format!("Not shown: {events} events from {from} to {to}, and {hops} hops of the way.")];
    if *unjudged_messages > 0 {
        lines.push(format!("The order has too many messages: the verdict leaves {unjudged_messages} of them out."));
    }
    lines
}

fn headline(trail: &Trail, paint: Paint) -> String {
    let (what, id) = match (&trail.order_id, &trail.message_id) {
        (Some(id), _) => ("order", plain(id)),
        (None, Some(id)) => ("message", plain(id)),
        (None, None) => ("trail", String::new()),
    };
    let customer = trail.customer_id.as_ref().map(|id| format!(", customer {}", plain(id))).unwrap_or_default();
    format!("{what} {}: {}{customer}", paint.mark(Mark::Strong, &id), paint.state(trail.state))
}

/// The beginning of the state, its limit, whose turn it is and the next step, each where it is known.
fn facts(trail: &Trail) -> impl Iterator<Item = String> {
    let words = Words::english();
    let facts = [
        ("Since", trail.since.map(|at| words.moment(at))),
        ("Limit", trail.limit.map(|limit| words.length(limit))),
        ("Whose turn", trail.whose_turn.as_deref().map(plain)),
        ("Next", trail.next.as_deref().map(plain)),
    ];
    facts.into_iter().filter_map(|(name, text)| Some(format!("  {name:<10}  {}", text?)))
}

fn section(lines: &mut Vec<String>, title: &str, body: Vec<String>, paint: Paint) {
    if !body.is_empty() {
        lines.push(String::new());
        lines.push(paint.mark(Mark::Strong, title));
        lines.extend(body);
    }
}

fn statuses(statuses: &[StatusChange]) -> Vec<String> {
    let width = statuses.iter().map(|change| plain(&change.status).chars().count()).max().unwrap_or(0);
    let line = |change: &StatusChange| {
        let service = change.service.as_ref().map(|service| format!("  by {}", plain(service))).unwrap_or_default();
        let stayed = change.stayed.map(|stayed| format!("  for {}", length(stayed))).unwrap_or_default();
        format!("  {}  {:<width$}{service}{stayed}", moment(change.at), plain(&change.status)).trim_end().to_owned()
    };
    statuses.iter().map(line).collect()
}

fn way(hop: &Hop, paint: Paint) -> Vec<String> {
    let at = hop.published_at.map_or_else(|| "(publish not observed)".to_owned(), moment);
    let who = match (&hop.dead_lettered_from, hop.service.as_ref().or(hop.client_name.as_ref())) {
        (Some(queue), _) => format!("the broker, from queue {},", plain(queue)),
        (None, Some(who)) => plain(who),
        (None, None) => "somebody".to_owned(),
    };
    let exchange = match hop.exchange.as_deref() {
        Some("") => "default exchange".to_owned(),
        Some(exchange) => plain(exchange),
        None => "unknown exchange".to_owned(),
    };
    let key = hop.routing_key.as_ref().map(|key| format!("/{}", plain(key))).unwrap_or_default();
    let status = hop.status.as_ref().map(|status| format!("  [{}]", plain(status))).unwrap_or_default();
    let mut lines = vec![format!("  {at}  {who} → {exchange}{key}{status}")];
    if hop.message != MessageKey::default() {
        let message = plain(&hop.message.to_string());
        lines.push(paint.mark(Mark::Faint, &format!("    message {message}{}", confirmed(hop))));
    }
    lines.extend(answered(hop).map(|text| format!("    {}", paint.mark(Mark::Bad, &text))));
    let last = hop.queues.len().saturating_sub(1);
    for (index, leg) in hop.queues.iter().enumerate() {
        let branch = if index == last { "└─" } else { "├─" };
        lines.push(format!("    {branch} {}: {}", plain(&leg.queue), became(leg, paint)));
    }
    if hop.queues.is_empty() {
        let text = if hop.state == State::Unroutable { "no queue took it" } else { "its queues are not known" };
        let mark = if hop.state == State::Unroutable { Mark::Bad } else { Mark::Faint };
        lines.push(format!("    └─ {}", paint.mark(mark, text)));
    }
    lines
}

/// The time that the broker took to confirm the publish.
fn confirmed(hop: &Hop) -> String {
    match (hop.confirmed_at, hop.answered_after) {
        (Some(_), Some(after)) => format!(", confirmed after {}", length(after)),
        (Some(at), None) => format!(", confirmed at {}", moment(at)),
        (None, _) => String::new(),
    }
}

/// The bad news about a publish: returned, refused or not confirmed.
fn answered(hop: &Hop) -> impl Iterator<Item = String> {
    let returned = hop.returned_at.map(|at| format!("returned to its publisher at {}", moment(at)));
    let refused = hop.refused_at.map(|at| format!("refused by the broker at {}", moment(at)));
    let unconfirmed = hop.unconfirmed.then(|| "not confirmed by the broker".to_owned());
    returned.into_iter().chain(refused).chain(unconfirmed)
}

/// The outcome of a message in one queue.
fn became(leg: &Leg, paint: Paint) -> String {
    let delivered = delivered(leg);
    let mut text = match leg.state {
        LegState::Waiting if leg.settlement.is_some() => {
            paint.mark(Mark::Calm, &format!("waiting again; {delivered}; {}", settled(leg)))
        }
        LegState::Waiting => paint.mark(Mark::Calm, &format!("waiting{}", waiting_for(leg))),
        LegState::Delivered => paint.mark(Mark::Good, &delivered),
        LegState::Unsettled => {
            let since = leg.held.map(|held| format!(", for {}", length(held))).unwrap_or_default();
            paint.mark(Mark::Calm, &format!("{delivered}, not settled since{since}"))
        }
        LegState::Settled => paint.mark(Mark::Good, &format!("{delivered}; {}", settled(leg))),
        LegState::DeadLettered => {
            let reason = leg.death.as_ref().map(|death| format!(" ({})", plain(&death.reason))).unwrap_or_default();
            let when = time(leg.death.as_ref().and_then(|death| death.at));
            let mark = if leg.resolved { Mark::Faint } else { Mark::Bad };
            let before =
                if leg.settlement.is_some() { format!("{delivered}; {}; ", settled(leg)) } else { String::new() };
            paint.mark(mark, &format!("{before}dead-lettered{reason}{when}"))
        }
        LegState::Dropped => paint.mark(Mark::Bad, &format!("{delivered}; {}; dropped", settled(leg))),
    };
    if leg.resolved {
        text += ", made good since";
    }
    if leg.deliveries > 1 || leg.redelivered {
        text += &format!(", {} deliveries", leg.deliveries.max(2));
    }
    if leg.given_back > 1 {
        text += &format!(", given back {} times", leg.given_back);
    }
    text
}

/// The delivery: its consumer, and its time.
fn delivered(leg: &Leg) -> String {
    let to = match (&leg.consumer.service, &leg.consumer.client_name) {
        (Some(service), Some(client)) if service != client => format!(" to {} ({})", plain(service), plain(client)),
        (Some(one), _) | (None, Some(one)) => format!(" to {}", plain(one)),
        (None, None) => String::new(),
    };
    let waited = leg.waited.map(|waited| format!(", waited {}", length(waited))).unwrap_or_default();
    format!("delivered{to}{}{waited}", time(leg.delivered_at))
}

/// The settlement: its kind, and its time.
fn settled(leg: &Leg) -> String {
    let how = leg.settlement.map_or_else(|| "settled".to_owned(), |settlement| settlement.to_string());
    let held = leg.held.map(|held| format!(", held {}", length(held))).unwrap_or_default();
    format!("{how}{}{held}", time(leg.settled_at))
}

fn time(time: Option<Timestamp>) -> String {
    time.map(|time| format!(" at {}", moment(time))).unwrap_or_default()
}

fn waiting_for(leg: &Leg) -> String {
    leg.waited.map(|waited| format!(" {}", length(waited))).unwrap_or_default()
}

fn gap(gap: &GapView) -> String {
    let count = gap.count.map(|count| format!(", {count} missing")).unwrap_or_default();
    let (from, to) = (moment(gap.from), moment(gap.to));
    format!("  {from} to {to}  {}{count}: {}", plain(gap.source.as_ref()), plain(&gap.cause))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    use crate::model::Open;
    use crate::model::trail::{Consumer, DeathView};

    fn at(time: &str) -> Timestamp {
        format!("2026-11-20T{time}.123456Z").parse().unwrap()
    }

    fn seconds(seconds: f64) -> Option<Duration> {
        Some(Duration::from_secs_f64(seconds))
    }

    fn consumer(service: Option<&str>, client: Option<&str>) -> Consumer {
        let text = |text: &str| text.into();
        Consumer { service: service.map(text), client_name: client.map(text), ..Consumer::default() }
    }

    fn trail() -> Trail {
        let death = DeathView { reason: "rejected".into(), at: Some(at("10:36:20")), ..DeathView::default() };
        let legs = vec![
            Leg {
                queue: "crm.orders".into(),
                state: LegState::Settled,
                deliveries: 2,
                delivered_at: Some(at("10:32:09")),
                consumer: consumer(Some("CRM"), None),
                settled_at: Some(at("10:32:10")),
                settlement: "ack".parse().ok(),
                waited: seconds(2.0),
                held: seconds(0.25),
                ..Leg::default()
            },
            Leg { queue: "mes.orders".into(), state: LegState::DeadLettered, death: Some(death), ..Leg::default() },
        ];
        let first = Hop {
            message: MessageKey::parse("m-1"),
            published_at: Some(at("10:32:07")),
            service: Some("Shop".into()),
            exchange: Some("orders".into()),
            routing_key: Some("order.submitted".into()),
            status: Some("SUBMITTED".into()),
            queues: legs,
            ..Hop::default()
        };
        let waiting = Leg { queue: "mes.prices".into(), waited: seconds(720.0), ..Leg::default() };
        let second = Hop {
            message: MessageKey::parse("fp:00"),
            client_name: Some("crm-1".into()),
            exchange: Some("".into()),
            routing_key: Some("mes.prices".into()),
            queues: vec![waiting],
            ..Hop::default()
        };
        let third = Hop { exchange: Some("audit".into()), state: State::Unroutable, ..Hop::default() };
        let status = |status: &str, time, stayed| StatusChange {
            status: status.into(),
            at: at(time),
            service: Some("Shop".into()),
            stayed,
            ..StatusChange::default()
        };
        let gap = GapView {
            source: Open::Other("firehose".into()),
            from: at("10:40:00"),
            to: at("10:41:00"),
            count: Some(3),
            cause: "the broker was away".into(),
            ..GapView::default()
        };
        Trail {
            order_id: Some("A-17".into()),
            customer_id: Some("C-4".into()),
            state: State::DeadLettered,
            verdict: "MES refused it.".into(),
            since: Some(at("10:36:20")),
            limit: seconds(600.0),
            whose_turn: Some("MES".into()),
            next: Some("Publish it again.".into()),
            statuses: vec![status("SUBMITTED", "10:32:07", seconds(250.0)), status("PAID", "10:36:17", None)],
            hops: vec![first, second, third],
            gaps: vec![gap],
            ..Trail::default()
        }
    }

    #[test]
    fn a_trail_is_told_from_the_verdict_to_the_gaps() {
        let expected = "\
order A-17: dead lettered, customer C-4
MES refused it.
  Since       20 Nov 2026, 10:36:20 UTC
  Limit       10 min
  Whose turn  MES
  Next        Publish it again.
  Part of this time was not observed; see below.

Statuses (UTC)
  20 Nov 2026, 10:32:07.123  SUBMITTED  by Shop  for 4 min 10 s
  20 Nov 2026, 10:36:17.123  PAID       by Shop

Way (UTC)
  20 Nov 2026, 10:32:07.123  Shop → orders/order.submitted  [SUBMITTED]
    message m-1
    ├─ crm.orders: delivered to CRM at 20 Nov 2026, 10:32:09.123, waited 2 s; ack at 20 Nov 2026, 10:32:10.123, held \
250 ms, 2 deliveries
    └─ mes.orders: dead-lettered (rejected) at 20 Nov 2026, 10:36:20.123
  (publish not observed)  crm-1 → default exchange/mes.prices
    message fp:00
    └─ mes.prices: waiting 12 min
  (publish not observed)  somebody → audit
    └─ no queue took it

Not observed (UTC)
  20 Nov 2026, 10:40:00.123 to 20 Nov 2026, 10:41:00.123  firehose, 3 missing: the broker was away
";
        assert_eq!(render(&trail(), Paint::Bare), expected);
    }

    #[test]
    fn nothing_from_a_message_reaches_the_terminal_raw() {
        let evil = "\u{1b}]0;x\u{7}\r\u{202e}";
        let mut trail = trail();
        trail.order_id = Some(evil.into());
        trail.customer_id = Some(evil.into());
        trail.verdict = evil.to_owned();
        (trail.whose_turn, trail.next) = (Some(evil.to_owned()), Some(evil.to_owned()));
        for change in &mut trail.statuses {
            change.status = evil.into();
            change.service = Some(evil.into());
        }
        for hop in &mut trail.hops {
            hop.message = MessageKey::parse(evil);
            hop.service = Some(evil.into());
            hop.exchange = Some(evil.into());
            hop.routing_key = Some(evil.into());
            hop.status = Some(evil.into());
            for leg in &mut hop.queues {
                leg.queue = evil.into();
                leg.consumer = consumer(Some(evil), Some("crm"));
            }
        }
        trail.gaps[0].cause = evil.to_owned();
        trail.gaps[0].source = Open::Other(evil.into());
        let text = render(&trail, Paint::Bare);
        assert!(!text.contains(|c: char| c != '\n' && (c.is_control() || c == '\u{202e}')), "{text:?}");
        assert!(render(&trail, Paint::Colours).matches('\u{1b}').count().is_multiple_of(2), "only whole marks");
    }

    #[test]
    fn what_the_proxy_saw_is_told_of_each_publish_and_each_queue() {
        let mut hop = trail().hops.remove(0);
        (hop.confirmed_at, hop.answered_after) = (Some(at("10:32:07")), seconds(0.003));
        let taken = Leg { consumer: consumer(Some("CRM"), Some("crm-1")), ..hop.queues[0].clone() };
        let held = Leg { state: LegState::Unsettled, held: seconds(250.0), ..taken.clone() };
        let back = Leg {
            state: LegState::Waiting,
            settlement: "close (requeue)".parse().ok(),
            given_back: 2,
            held: seconds(240.0),
            ..taken.clone()
        };
        let dropped = Leg {
            state: LegState::Dropped,
            settlement: "reject".parse().ok(),
            deliveries: 1,
            held: seconds(240.0),
            ..taken.clone()
        };
        let dead = Leg { state: LegState::DeadLettered, death: hop.queues[1].death.clone(), ..dropped.clone() };
        hop.queues = vec![held, back, dropped, dead];
        let unlucky = Hop {
            message: MessageKey::parse("m-2"),
            returned_at: Some(at("10:33:00")),
            refused_at: Some(at("10:33:01")),
            unconfirmed: true,
            state: State::Unroutable,
            ..Hop::default()
        };
        let trail = Trail { hops: vec![hop, unlucky], ..Trail::default() };
        let took = "delivered to CRM (crm-1) at 20 Nov 2026, 10:32:09.123, waited 2 s";
        let ended = "at 20 Nov 2026, 10:32:10.123, held 4 min";
        let expected = format!(
            "\
Way (UTC)
  20 Nov 2026, 10:32:07.123  Shop → orders/order.submitted  [SUBMITTED]
    message m-1, confirmed after 3 ms
    ├─ crm.orders: {took}, not settled since, for 4 min 10 s, 2 deliveries
    ├─ crm.orders: waiting again; {took}; close (requeue) {ended}, 2 deliveries, given back 2 times
    ├─ crm.orders: {took}; reject {ended}; dropped
    └─ crm.orders: {took}; reject {ended}; dead-lettered (rejected) at 20 Nov 2026, 10:36:20.123
  (publish not observed)  somebody → unknown exchange
    message m-2
    returned to its publisher at 20 Nov 2026, 10:33:00.123
    refused by the broker at 20 Nov 2026, 10:33:01.123
    not confirmed by the broker
    └─ no queue took it
"
        );
        let text = render(&trail, Paint::Bare);
        assert!(text.ends_with(&expected), "{text}");
    }

    #[test]
    fn a_death_made_good_and_a_truncated_trail_are_said() {
        let mut trail = trail();
        trail.hops[0].queues[1].resolved = true;
        let (from, to) = (at("10:32:07"), at("10:33:00"));
        trail.not_shown = Some(NotShown { events: 48_000, from, to, hops: 12_000, unjudged_messages: 7 });
        let text = render(&trail, Paint::Bare);
        assert!(text.contains("dead-lettered (rejected) at 20 Nov 2026, 10:36:20.123, made good since"), "{text}");
        let not_shown = "
Not shown: 48000 events from 20 Nov 2026, 10:32:07.123 to 20 Nov 2026, 10:33:00.123, and 12000 hops of the way.
The order has too many messages: the verdict leaves 7 of them out.
";
        assert!(text.ends_with(not_shown), "{text}");
    }
}
