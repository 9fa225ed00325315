//! Transactions of a channel: their steps happen when the broker has committed them.

use super::state::Channel;
use crate::model::{Event, Kind, Settlement, SettlementKind};
use crate::wire::holes::Why;
use crate::wire::scene::Scene;
use crate::wire::telling::Telling;
use crate::wire::transaction::{Outcome, Step};

/// Bytes of a publish in a transaction, besides its body and its headers.
const STEP_BYTES: usize = 1024;

/// Bytes of a publish in a transaction.
pub(super) fn step_bytes(event: &Event) -> usize {
    event.weight() + STEP_BYTES
}

impl Channel {
    pub(super) fn end_transaction(&mut self, outcome: Outcome, telling: &mut Telling<'_>) {
        let Some(transaction) = &mut self.transaction else { return };
        if let Some(unfollowed) = transaction.end(outcome) {
            telling.miss(self.number, Why::Transaction);
            self.undo(unfollowed, telling.scene);
        }
    }

    pub(super) fn committed(&mut self, telling: &mut Telling<'_>) {
        let Some(transaction) = &mut self.transaction else { return };
        let how = Settlement { kind: SettlementKind::Ack, requeue: false, multiple: false };
        for step in transaction.ended(Outcome::Commit) {
            match step {
                Step::Publish(mut publish, held) => {
                    telling.scene.published += 1;
                    telling.scene.bytes = telling.scene.bytes.saturating_sub(step_bytes(&publish.event));
                    publish.event.at = telling.at;
                    telling.push(*publish);
                    let event = telling.event(Kind::Confirm, self.number);
                    telling.push(held.becomes(event, None, how));
                }
                Step::Settle(settled, how) => {
                    telling.scene.unsettled -= settled.len();
                    telling.each(self.number, settled, Kind::Settle, how, None);
                }
            }
        }
    }

    pub(super) fn rolled_back(&mut self, scene: &mut Scene) {
        let Some(transaction) = &mut self.transaction else { return };
        let undone = transaction.ended(Outcome::Rollback);
        self.undo(undone, scene);
    }

    pub(super) fn undo(&mut self, steps: Vec<Step>, scene: &mut Scene) {
        for step in steps {
            match step {
                Step::Publish(publish, _) => {
                    scene.bytes = scene.bytes.saturating_sub(step_bytes(&publish.event));
                }
                Step::Settle(settled, _) => scene.unsettled -= self.deliveries.put_back(settled),
            }
        }
    }
}
