//! The reasons that stall a message. This is the one place that decides, for trails and for the report.

use std::time::Duration;

use crate::config;
use crate::model::{Consumer, Death, LegState, StalledReason, State, Str, Timestamp};

use super::hop::Hop;
use super::leg::Leg;
use super::message::Message;

/// A trouble of a message: a missing step past its deadline, a death, or a publish without a queue.
#[derive(Clone, Debug)]
pub(super) enum Trouble<'a> {
    /// A queue has not delivered the message in time.
    Undelivered { hop: &'a Hop, leg: &'a Leg, since: Timestamp, deadline: Duration },
    /// A consumer has held the message for too long.
    Unsettled { hop: &'a Hop, leg: &'a Leg, since: Timestamp, deadline: Duration },
    /// A queue dead-lettered the message.
    Dead { hop: &'a Hop, leg: &'a Leg, since: Timestamp, death: &'a Death },
    /// No queue took the message.
    Unroutable { hop: &'a Hop, since: Timestamp },
}

impl Trouble<'_> {
    /// The state that the trouble puts a message into.
    pub(super) fn state(&self) -> State {
        match self {
            Trouble::Undelivered { .. } | Trouble::Unsettled { .. } => State::Stalled,
            Trouble::Dead { .. } => State::DeadLettered,
            Trouble::Unroutable { .. } => State::Unroutable,
        }
    }

    /// The reason in the stalled report.
    pub(super) fn reason(&self) -> StalledReason {
        match self {
            Trouble::Undelivered { .. } => StalledReason::Undelivered,
            Trouble::Unsettled { .. } => StalledReason::Unsettled,
            Trouble::Dead { .. } => StalledReason::DeadLettered,
            Trouble::Unroutable { .. } => StalledReason::Unroutable,
        }
    }

    /// The beginning of the trouble.
    pub(super) fn since(&self) -> Timestamp {
        match self {
            Trouble::Undelivered { since, .. }
            | Trouble::Unsettled { since, .. }
            | Trouble::Dead { since, .. }
            | Trouble::Unroutable { since, .. } => *since,
        }
    }

    /// The hop that the trouble concerns.
    pub(super) fn hop(&self) -> &Hop {
        match self {
            Trouble::Undelivered { hop, .. }
            | Trouble::Unsettled { hop, .. }
            | Trouble::Dead { hop, .. }
            | Trouble::Unroutable { hop, .. } => hop,
        }
    }

    /// The consumer that holds the message.
    pub(super) fn holder(&self) -> Option<Consumer> {
        match self {
            Trouble::Unsettled { leg, .. } => Some(leg.consumer()),
            Trouble::Undelivered { .. } | Trouble::Dead { .. } | Trouble::Unroutable { .. } => None,
        }
    }

    /// The queue that the trouble concerns.
    pub(super) fn queue(&self) -> Option<&Str> {
        match self {
            Trouble::Undelivered { leg, .. } | Trouble::Unsettled { leg, .. } | Trouble::Dead { leg, .. } => {
                Some(&leg.queue)
            }
            Trouble::Unroutable { .. } => None,
        }
    }
}

/// All troubles of a message at `now`.
pub(super) fn troubles<'a>(
    message: &'a Message,
    settings: &'a config::Flow,
    now: Timestamp,
) -> impl Iterator<Item = Trouble<'a>> {
    let newest = message.hops.iter().rposition(|hop| hop.dead_lettered_from.is_none());
    message.hops.iter().enumerate().flat_map(move |(index, hop)| {
        // An unroutable publish is resolved when the message is published again.
        let lost = is_lost(hop, index, newest)
            .then(|| Trouble::Unroutable { hop, since: hop.published_at.unwrap_or(hop.first_at) });
        lost.into_iter().chain(hop.legs.iter().filter_map(move |leg| trouble(message, hop, leg, settings, now)))
    })
}

fn trouble<'a>(
    message: &'a Message,
    hop: &'a Hop,
    leg: &'a Leg,
    settings: &config::Flow,
    now: Timestamp,
) -> Option<Trouble<'a>> {
    if let Some((since, death)) = leg.death.as_deref() {
        return (!leg.resolved).then_some(Trouble::Dead { hop, leg, since: *since, death });
    }
    match leg.state() {
        // A message in a dead-letter queue is known to be dead. No consumer is expected to take it.
        LegState::Waiting if hop.dead_lettered_from.is_none() && !message.is_made_up_for(hop, leg) => {
            let published = hop.published_at.unwrap_or(hop.first_at);
            let since = leg.settled().map_or(published, |(at, _)| at);
            let deadline = settings.undelivered_after;
            (now.since(since) > deadline).then_some(Trouble::Undelivered { hop, leg, since, deadline })
        }
        LegState::Unsettled => {
            let since = leg.delivered_at()?;
            let deadline = settings.unsettled_after;
            (now.since(since) > deadline).then_some(Trouble::Unsettled { hop, leg, since, deadline })
        }
        _ => None,
    }
}

/// No queue took the hop, and the message was not published again.
fn is_lost(hop: &Hop, index: usize, newest: Option<usize>) -> bool {
    hop.unroutable && !hop.resolved && hop.legs.is_empty() && newest.is_none_or(|newest| newest <= index)
}

/// No further event of the message is expected, as far as the sources can see.
pub(super) fn is_finished(message: &Message) -> bool {
    let newest = message.hops.iter().rposition(|hop| hop.dead_lettered_from.is_none());
    message.hops.iter().enumerate().all(|(index, hop)| {
        let settled = |leg: &Leg| match leg.state() {
            LegState::Waiting => hop.dead_lettered_from.is_some() || message.is_made_up_for(hop, leg),
            LegState::Unsettled => false,
            LegState::DeadLettered => leg.resolved,
            LegState::Delivered | LegState::Settled | LegState::Dropped => true,
        };
        !is_lost(hop, index, newest) && hop.legs.iter().all(settled)
    })
}

/// The state of one hop, over all its queues.
pub(super) fn hop_state(message: &Message, hop: &Hop, settings: &config::Flow, now: Timestamp) -> State {
    let own = troubles(message, settings, now).filter(|trouble| std::ptr::eq(trouble.hop(), hop));
    if let Some(worst) = own.map(|trouble| trouble.state()).max_by_key(|state| severity(*state)) {
        return worst;
    }
    if hop.legs.is_empty() {
        return if hop.unroutable { State::Unroutable } else { State::Unknown };
    }
    let nobody_s = |leg: &Leg| leg.state() == LegState::Waiting && message.is_made_up_for(hop, leg);
    if hop.legs.iter().any(nobody_s) {
        return State::Unknown;
    }
    if hop.legs.iter().any(Leg::is_out_of_sight) {
        return State::Unknown;
    }
    let done = |leg: &Leg| !matches!(leg.state(), LegState::Waiting | LegState::Unsettled);
    if hop.legs.iter().all(done) { State::Completed } else { State::InFlight }
}

/// The rank of a state. The trouble with the highest rank becomes the verdict.
pub(super) fn severity(state: State) -> u8 {
    match state {
        State::DeadLettered => 3,
        State::Unroutable => 2,
        State::Stalled => 1,
        _ => 0,
    }
}
