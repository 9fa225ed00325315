//! The reasons that stall a message: the one place that decides, for trails and for the report.

use std::time::Duration;

use crate::config;
use crate::model::{Consumer, Death, LegState, StalledReason, State, Str, Timestamp};

use super::hop::Hop;
use super::leg::Leg;
use super::message::Message;

/// Something a message waits for, or died of.
#[derive(Clone, Debug)]
pub(super) enum Trouble<'a> {
    /// A queue has not delivered it in time.
    Undelivered { hop: &'a Hop, leg: &'a Leg, since: Timestamp, deadline: Duration },
    /// A consumer holds it for too long.
    Unsettled { hop: &'a Hop, leg: &'a Leg, since: Timestamp, deadline: Duration },
    /// A queue gave it up.
    Dead { hop: &'a Hop, leg: &'a Leg, since: Timestamp, death: &'a Death },
    /// No queue took it.
    Unroutable { hop: &'a Hop, since: Timestamp },
}

impl Trouble<'_> {
    /// The state that this puts a message into.
    pub(super) fn state(&self) -> State {
        match self {
            Trouble::Undelivered { .. } | Trouble::Unsettled { .. } => State::Stalled,
            Trouble::Dead { .. } => State::DeadLettered,
            Trouble::Unroutable { .. } => State::Unroutable,
        }
    }

    /// Why the message is stalled.
    pub(super) fn reason(&self) -> StalledReason {
        match self {
            Trouble::Undelivered { .. } => StalledReason::Undelivered,
            Trouble::Unsettled { .. } => StalledReason::Unsettled,
            Trouble::Dead { .. } => StalledReason::DeadLettered,
            Trouble::Unroutable { .. } => StalledReason::Unroutable,
        }
    }

    /// When it began.
    pub(super) fn since(&self) -> Timestamp {
        match self {
            Trouble::Undelivered { since, .. }
            | Trouble::Unsettled { since, .. }
            | Trouble::Dead { since, .. }
            | Trouble::Unroutable { since, .. } => *since,
        }
    }

    /// The publish it concerns.
    pub(super) fn hop(&self) -> &Hop {
        match self {
            Trouble::Undelivered { hop, .. }
            | Trouble::Unsettled { hop, .. }
            | Trouble::Dead { hop, .. }
            | Trouble::Unroutable { hop, .. } => hop,
        }
    }

    /// The consumer that holds it.
    pub(super) fn holder(&self) -> Option<Consumer> {
        match self {
            Trouble::Unsettled { leg, .. } => Some(leg.consumer()),
            Trouble::Undelivered { .. } | Trouble::Dead { .. } | Trouble::Unroutable { .. } => None,
        }
    }

    /// The queue it concerns.
    pub(super) fn queue(&self) -> Option<&Str> {
        match self {
            Trouble::Undelivered { leg, .. } | Trouble::Unsettled { leg, .. } | Trouble::Dead { leg, .. } => {
                Some(&leg.queue)
            }
            Trouble::Unroutable { .. } => None,
        }
    }
}

/// Everything that is wrong with a message at `now`.
pub(super) fn troubles<'a>(
    message: &'a Message,
    settings: &'a config::Flow,
    now: Timestamp,
) -> impl Iterator<Item = Trouble<'a>> {
    let newest = message.hops.iter().rposition(|hop| hop.dead_lettered_from.is_none());
    message.hops.iter().enumerate().flat_map(move |(index, hop)| {
        // What went nowhere was made good when it was published again.
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
        // What lies in a dead-letter queue is known to be dead; nobody is expected to take it.
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

/// No queue took the hop, and nothing was published after it.
fn is_lost(hop: &Hop, index: usize, newest: Option<usize>) -> bool {
    hop.unroutable && !hop.resolved && hop.legs.is_empty() && newest.is_none_or(|newest| newest <= index)
}

/// Nothing is expected to happen to the message any more, as far as the sources can tell.
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

/// Where one hop stands, all its queues taken together.
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

/// Which of two troubles is told first.
pub(super) fn severity(state: State) -> u8 {
    match state {
        State::DeadLettered => 3,
        State::Unroutable => 2,
        State::Stalled => 1,
        _ => 0,
    }
}
