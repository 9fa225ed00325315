//! The history of an order or a message. It takes in events one by one, and keeps the first and the newest.
//!
//! State and verdict are those of the whole history, at any length.

use std::collections::VecDeque;

use crate::config;
use crate::model::{Event, Str, Timestamp};

use super::join::{Join, Joined};

/// Events shown from the beginning of a long history.
pub(super) const FIRST_MAX: usize = 200;
/// Events shown from its end. All shown events together take some megabytes.
pub(super) const NEWEST_MAX: usize = 1_800;

/// Removes the middle of a long list, and keeps the first and the newest items. Returns the number of removed items.
pub(super) fn keep_ends<T>(list: &mut Vec<T>) -> u64 {
    let middle = list.len().saturating_sub(FIRST_MAX + NEWEST_MAX);
    if middle > 0 {
        list.drain(FIRST_MAX..FIRST_MAX + middle);
    }
    middle as u64
}

/// A history that still takes in events.
pub(super) struct History<'a> {
    join: Join<'a>,
    customer_id: Option<Str>,
    first: Vec<Event>,
    newest: VecDeque<Event>,
    left_out: Option<LeftOut>,
}

/// The events between the first and the newest ones. They are not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LeftOut {
    pub(super) events: u64,
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
}

/// A complete history.
pub(super) struct Whole {
    pub(super) joined: Joined,
    pub(super) customer_id: Option<Str>,
    /// The first and the newest events, in journal order, without their bodies.
    pub(super) events: Vec<Event>,
    pub(super) left_out: Option<LeftOut>,
}

impl<'a> History<'a> {
    pub(super) fn new(settings: &'a config::Flow) -> Self {
        History {
            join: Join::new(settings),
            customer_id: None,
            first: Vec::new(),
            newest: VecDeque::new(),
            left_out: None,
        }
    }

    /// The history of these events.
    #[cfg(test)]
    pub(super) fn of(events: &[Event], settings: &'a config::Flow) -> Self {
        let mut history = History::new(settings);
        events.iter().for_each(|event| history.apply(event.clone()));
        history
    }

    /// Takes in the next event, in journal order.
    pub(super) fn apply(&mut self, event: Event) {
        self.join.apply(&event);
        self.show(event);
    }

    /// Takes in the next event of a message that is not judged.
    pub(super) fn show(&mut self, mut event: Event) {
        if self.customer_id.is_none() {
            self.customer_id.clone_from(&event.customer_id);
        }
        if let Some(body) = &mut event.body {
            body.data = Vec::new();
        }
        if self.first.len() < FIRST_MAX {
            return self.first.push(event);
        }
        self.newest.push_back(event);
        if self.newest.len() > NEWEST_MAX
            && let Some(Event { at, .. }) = self.newest.pop_front()
        {
            let known = self.left_out.unwrap_or(LeftOut { events: 0, from: at, to: at });
            self.left_out = Some(LeftOut { events: known.events + 1, to: at, ..known });
        }
    }

    /// Counts messages that are not judged.
    pub(super) fn leave_out(&mut self, messages: u64) {
        self.join.unjudged += messages;
    }

    /// The times of the first event and of the newest one; `None` if the history has no event.
    pub(super) fn span(&self) -> Option<(Timestamp, Timestamp)> {
        let first = self.first.first()?;
        Some((first.at, self.newest.back().or(self.first.last())?.at))
    }

    /// The numbers of events and messages kept.
    #[cfg(test)]
    pub(super) fn kept(&self) -> (usize, usize) {
        (self.first.len() + self.newest.len(), self.join.held())
    }

    /// Completes the history.
    pub(super) fn finish(self) -> Whole {
        let mut events = self.first;
        events.extend(self.newest);
        Whole { joined: self.join.finish(), customer_id: self.customer_id, events, left_out: self.left_out }
    }
}
