//! A trail, built from events.

use std::time::Duration;

use crate::config;
use crate::model::trail::{self, DeathView, NotShown, StatusChange};
use crate::model::{Event, LegState, Subject, Timestamp, Trail};

use super::history::{History, LeftOut, Whole, keep_ends};
use super::hop::{Answer, Hop};
use super::join::Joined;
use super::leg::Leg;
use super::message::Message;
use super::order::{Status, is_final};
use super::sight::OutOfSight;
use super::stalled::hop_state;
use super::verdict::judge;

/// Builds the trail from the subject's history.
pub(super) fn build(
    subject: Subject,
    history: History<'_>,
    out_of_sight: &OutOfSight,
    settings: &config::Flow,
    now: Timestamp,
) -> Trail {
    let Whole { joined, customer_id, events, left_out } = history.finish();
    let Joined { mut messages, evicted_hops, unjudged } = joined;
    messages.lose_sight(out_of_sight);
    let statuses = messages.statuses(settings);
    let announced: &[Status] = match &subject {
        Subject::Order(_) => {
            messages.resolve(&statuses);
            &statuses
        }
        Subject::Message(_) => &[],
    };
    let verdict = judge(&subject, &messages, announced, settings, now);
    let (mut hops, mut statuses) = (messages.hops(), status_changes(&statuses, settings, now));
    let not_shown = left_out.map(|LeftOut { events, from, to }| {
        keep_ends(&mut statuses);
        NotShown { events, from, to, hops: evicted_hops + keep_ends(&mut hops), unjudged_messages: unjudged }
    });
    Trail {
        customer_id,
        verdict,
        statuses,
        hops: hops.into_iter().map(|(message, hop)| hop_view(message, hop, settings, now)).collect(),
        subject,
        events,
        gaps: Vec::new(),
        not_shown,
    }
}

/// Adds the gaps of the trail's time.
pub(super) fn add_gaps(trail: &mut Trail, gaps: Vec<Event>) {
    trail.gaps = gaps;
}

fn status_changes(statuses: &[Status], settings: &config::Flow, now: Timestamp) -> Vec<StatusChange> {
    let ends = statuses.iter().skip(1).map(|next| Some(next.at)).chain([None]);
    let change = |(status, end): (&Status, Option<Timestamp>)| {
        let end = end.or_else(|| (!is_final(&status.status, settings)).then_some(now));
        StatusChange {
            status: status.status.clone(),
            at: status.at,
            service: status.service.clone(),
            seq: status.seq,
            stayed: end.map(|end| end.since(status.at)),
        }
    };
    statuses.iter().zip(ends).map(change).collect()
}

fn hop_view(message: &Message, hop: &Hop, settings: &config::Flow, now: Timestamp) -> trail::Hop {
    let (answered_at, is_refused) = match hop.answer {
        Answer::Confirmed(at) => (Some(at), false),
        Answer::Refused(at) => (Some(at), true),
        Answer::Unknown | Answer::Awaited => (None, false),
    };
    trail::Hop {
        message: message.key.clone(),
        published_at: hop.published_at,
        service: hop.service.clone(),
        client_name: hop.client_name.clone(),
        vhost: hop.vhost.clone(),
        exchange: hop.exchange.clone(),
        routing_key: hop.routing_key.clone(),
        dead_lettered_from: hop.dead_lettered_from.clone(),
        status: hop.status.clone(),
        sources: hop.sources.clone(),
        state: hop_state(message, hop, settings, now),
        confirmed_at: answered_at.filter(|_| !is_refused),
        refused_at: answered_at.filter(|_| is_refused),
        answered_after: between(hop.published_at, answered_at),
        unconfirmed: hop.answer == Answer::Awaited,
        returned_at: hop.returned.map(|(at, _)| at),
        queues: hop.legs.iter().map(|leg| leg_view(hop, leg, now)).collect(),
        events: hop.events.clone(),
    }
}

fn leg_view(hop: &Hop, leg: &Leg, now: Timestamp) -> trail::Leg {
    let (state, settled) = (leg.state(), leg.settled());
    let until_now = Some(now).filter(|_| state == LegState::Waiting && leg.deliveries() == 0);
    let settled_at = settled.map(|(at, _)| at);
    trail::Leg {
        queue: leg.queue.clone(),
        state,
        deliveries: leg.deliveries(),
        delivered_at: leg.delivered_at(),
        consumer: leg.consumer(),
        redelivered: leg.redelivered,
        settled_at,
        settlement: settled.map(|(_, settlement)| settlement),
        given_back: leg.given_back(),
        waited: between(hop.published_at, leg.first_delivered_at().or(until_now)),
        held: between(leg.delivered_at(), settled_at.or((state == LegState::Unsettled).then_some(now))),
        death: leg.death.as_deref().map(|(at, death)| DeathView { at: Some(*at), ..DeathView::from(death) }),
        resolved: leg.resolved,
    }
}

fn between(from: Option<Timestamp>, to: Option<Timestamp>) -> Option<Duration> {
    Some(to?.since(from?))
}
