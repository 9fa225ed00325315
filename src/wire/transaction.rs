//! A channel's transactions: publishes and settlements happen when the broker has committed them (AMQP 0-9-1, class tx).

use std::collections::VecDeque;

use super::Observed;
use super::held::Held;
use crate::model::Settlement;

/// Commits and rollbacks that may wait for their answer: clients wait for each.
const ENDING_MAX: usize = 1024;

/// Something that a commit would make happen.
#[derive(Debug)]
pub(super) enum Step {
    Publish(Box<Observed>, Held),
    Settle(Vec<(u64, Held)>, Settlement),
}

/// How a transaction was asked to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Commit,
    Rollback,
}

/// The open transaction of a channel, and those whose end the broker has still to answer.
#[derive(Debug, Default)]
pub(super) struct Transaction {
    steps: Vec<Step>,
    ending: VecDeque<(Outcome, Vec<Step>)>,
}

impl Transaction {
    pub(super) fn add(&mut self, step: Step) {
        self.steps.push(step);
    }

    /// The client asked for its end; the next begins. Gives the steps back where too many wait for an answer.
    pub(super) fn end(&mut self, outcome: Outcome) -> Option<Vec<Step>> {
        let steps = std::mem::take(&mut self.steps);
        if self.ending.len() >= ENDING_MAX {
            return Some(steps);
        }
        self.ending.push_back((outcome, steps));
        None
    }

    /// The broker answered: the steps of the oldest that was asked to end so.
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

    /// Everything that never happened.
    pub(super) fn abandon(self) -> Vec<Step> {
        self.ending.into_iter().flat_map(|(_, steps)| steps).chain(self.steps).collect()
    }
}
