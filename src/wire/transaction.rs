//! A channel's transactions: publishes and settlements happen when the broker has committed them (AMQP 0-9-1, class
//! `tx`).

use std::collections::VecDeque;

use super::Observed;
use super::held::Held;
use crate::model::Settlement;

/// The most commits and rollbacks that await their answer. Clients wait for each answer.
const ENDING_MAX: usize = 1024;

/// A step that would happen with a commit.
#[derive(Debug)]
pub(super) enum Step {
    Publish(Box<Observed>, Held),
    Settle(Vec<(u64, Held)>, Settlement),
}

/// The end of a transaction, as the client requests it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Commit,
    Rollback,
}

/// The open transaction of a channel, and the ended ones that the broker has still to answer.
#[derive(Debug, Default)]
pub(super) struct Transaction {
    steps: Vec<Step>,
    ending: VecDeque<(Outcome, Vec<Step>)>,
}

impl Transaction {
    pub(super) fn add(&mut self, step: Step) {
        self.steps.push(step);
    }

    /// The client requests the end of the transaction; the next begins. Returns the steps if too many ends await an
    /// answer.
    pub(super) fn end(&mut self, outcome: Outcome) -> Option<Vec<Step>> {
        let steps = std::mem::take(&mut self.steps);
        if self.ending.len() >= ENDING_MAX {
            return Some(steps);
        }
        self.ending.push_back((outcome, steps));
        None
    }

    /// The broker answered. Returns the steps of the oldest transaction, if its requested end is this one.
    pub(super) fn ended(&mut self, outcome: Outcome) -> Vec<Step> {
        match self.ending.pop_front() {
            Some((asked, steps)) if asked == outcome => steps,
            Some(other) => {
                self.ending.push_front(other);
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    /// All steps that never happened.
    pub(super) fn abandon(self) -> Vec<Step> {
        self.ending.into_iter().flat_map(|(_, steps)| steps).chain(self.steps).collect()
    }
}
