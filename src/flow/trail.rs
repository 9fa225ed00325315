//! A trail as the API shows it, built from events.

use crate::config;
use crate::model::api::{self, DeathView, EventView, GapView, LegState, State, Trail};
use crate::model::{Event, Settlement, SettlementKind, Timestamp};

use super::hop::{Answer, Hop};
use super::leg::{Consumer, Leg, gives_back};
use super::message::Message;
use super::order::{Messages, Status, is_final};
use super::sight::OutOfSight;
use super::stalled::hop_state;
use super::verdict::judge;

/// What a trail is about.
pub(super) enum Subject<'a> {
    Order(&'a str),
    Message(String),
}

/// Builds the trail from the subject's events, in journal order.
pub(super) fn build(
    subject: &Subject<'_>,
    events: &[Event],
    out_of_sight: &OutOfSight,
    settings: &config::Flow,
    now: Timestamp,
) -> Trail {
    let mut messages = Messages::join(events);
    messages.lose_sight(out_of_sight);
    let statuses = messages.statuses(settings);
    let mut trail = Trail {
        customer_id: events.iter().find_map(|event| event.customer_id.clone()),
        statuses: status_changes(&statuses, settings, now),
        events: events.iter().map(EventView::brief).collect(),
        ..Trail::default()
    };
    match subject {
        Subject::Order(id) => {
            trail.order_id = Some((*id).into());
            messages.resolve(&statuses);
            (trail.state, trail.verdict) = judge(&messages, &statuses, settings, now);
        }
        Subject::Message(id) => {
            trail.message_id = Some(id.clone());
            (trail.state, trail.verdict) = judge(&messages, &[], settings, now);
        }
    }
    trail.hops = messages.hops().into_iter().map(|(message, hop)| hop_view(message, hop, settings, now)).collect();
    trail
}

/// The time a trail spans: until now while it is not over.
pub(super) fn span(trail: &Trail, events: &[Event], now: Timestamp) -> Option<(Timestamp, Timestamp)> {
    let (first, last) = (events.first()?.at, events.last()?.at);
    Some((first, if trail.state == State::Completed { last } else { now.max(last) }))
}

/// Adds the gaps of the trail's time.
pub(super) fn add_gaps(trail: &mut Trail, gaps: &[Event]) {
    trail.gaps = gaps.iter().filter_map(|event| Some(GapView::new(event.seq, event.gap.as_ref()?))).collect();
    if !trail.gaps.is_empty() {
        trail.verdict.push_str(" Part of this time was not observed; see the gaps.");
    }
}

/// Says that not all events were looked at.
pub(super) fn mark_truncated(trail: &mut Trail) {
    trail.truncated = true;
    trail.verdict.push_str(" There are more events than one trail may hold; this is told from the oldest.");
}

fn status_changes(statuses: &[Status], settings: &config::Flow, now: Timestamp) -> Vec<api::StatusChange> {
    let ends = statuses.iter().skip(1).map(|next| Some(next.at)).chain([None]);
    let change = |(status, end): (&Status, Option<Timestamp>)| {
        let end = end.or_else(|| (!is_final(&status.status, settings)).then_some(now));
        api::StatusChange {
            status: status.status.clone(),
            at: status.at.to_string(),
            service: status.service.clone(),
            seq: status.seq.0,
            seconds: end.map(|end| end.since(status.at).as_secs_f64()),
        }
    };
    statuses.iter().zip(ends).map(change).collect()
}

fn hop_view(message: &Message, hop: &Hop, settings: &config::Flow, now: Timestamp) -> api::Hop {
    let (answered_at, is_refused) = match hop.answer {
        Answer::Confirmed(at) => (Some(at), false),
        Answer::Refused(at) => (Some(at), true),
        Answer::Unknown | Answer::Awaited => (None, false),
    };
    api::Hop {
        message: message.key.to_string(),
        published_at: hop.published_at.map(|at| at.to_string()),
        service: hop.service.clone(),
        client_name: hop.client_name.clone(),
        vhost: hop.vhost.clone(),
        exchange: hop.exchange.clone(),
        routing_key: hop.routing_key.clone(),
        dead_lettered_from: hop.dead_lettered_from.clone(),
        status: hop.status.clone(),
        sources: hop.sources.iter().map(|source| source.name().to_owned()).collect(),
        state: hop_state(message, hop, settings, now),
        confirmed_at: answered_at.filter(|_| !is_refused).map(|at| at.to_string()),
        refused_at: answered_at.filter(|_| is_refused).map(|at| at.to_string()),
        seconds_to_confirm: seconds(hop.published_at, answered_at),
        unconfirmed: hop.answer == Answer::Awaited,
        returned_at: hop.returned.map(|(at, _)| at.to_string()),
        queues: hop.legs.iter().map(|leg| leg_view(hop, leg, now)).collect(),
        events: hop.events.iter().map(|seq| seq.0).collect(),
    }
}

fn leg_view(hop: &Hop, leg: &Leg, now: Timestamp) -> api::Leg {
    let (state, settled, consumer) = (leg.state(), leg.settled(), leg.consumer());
    let until_now = Some(now).filter(|_| state == LegState::Waiting && leg.deliveries() == 0);
    let settled_at = settled.map(|(at, _)| at);
    api::Leg {
        queue: leg.queue.clone(),
        state,
        deliveries: leg.deliveries(),
        delivered_at: leg.delivered_at().map(|at| at.to_string()),
        service: consumer.service,
        client_name: consumer.client_name,
        connection: consumer.connection,
        user: consumer.user,
        consumer_tag: consumer.consumer_tag,
        redelivered: leg.redelivered,
        settled_at: settled_at.map(|at| at.to_string()),
        settlement: settled.map(|(_, settlement)| settlement_name(settlement)),
        given_back: leg.given_back(),
        seconds_in_queue: seconds(hop.published_at, leg.first_delivered_at().or(until_now)),
        seconds_held: seconds(leg.delivered_at(), settled_at.or((state == LegState::Unsettled).then_some(now))),
        death: leg.death.as_deref().map(|(at, death)| DeathView { at: Some(at.to_string()), ..DeathView::from(death) }),
        resolved: leg.resolved,
    }
}

pub(super) fn consumer_view(consumer: Consumer) -> api::Consumer {
    let Consumer { service, client_name, connection, user, consumer_tag } = consumer;
    api::Consumer { service, client_name, connection, user, consumer_tag }
}

fn seconds(from: Option<Timestamp>, to: Option<Timestamp>) -> Option<f64> {
    Some(to?.since(from?).as_secs_f64())
}

fn settlement_name(settlement: Settlement) -> String {
    let name = match settlement.kind {
        SettlementKind::Ack => "ack",
        SettlementKind::Nack => "nack",
        SettlementKind::Reject => "reject",
        SettlementKind::Recover => "recover",
        SettlementKind::Close => "close",
    };
    if gives_back(settlement) { format!("{name} (requeue)") } else { name.to_owned() }
}
