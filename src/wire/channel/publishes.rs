//! Publishes of a channel and their confirms.

use super::state::Channel;
use super::transactions::step_bytes;
use crate::model::{Event, Kind, Settlement, SettlementKind};
use crate::wire::held::Held;
use crate::wire::holes::Why;
use crate::wire::observed::Observed;
use crate::wire::telling::Telling;
use crate::wire::transaction::Step;

impl Channel {
    /// In confirm mode, the number of the next publish.
    pub(super) fn number_publish(&mut self) -> Option<u64> {
        let number = self.next_publish.filter(|_| self.transaction.is_none())?;
        self.next_publish = Some(number + 1);
        Some(number)
    }

    pub(super) fn publish(&mut self, mut event: Event, telling: &mut Telling<'_>) {
        let scene = &mut *telling.scene;
        if let Some(transaction) = &mut self.transaction {
            let bytes = step_bytes(&event);
            if scene.bytes + bytes > scene.limits.bytes_max || !scene.limits.room.is_left() {
                return telling.miss(self.number, Why::Transaction);
            }
            scene.bytes += bytes;
            let (held, link) = Held::of(&event);
            return transaction.add(Step::Publish(Box::new(Observed { event, link: Some(link) }), held));
        }
        scene.published += 1;
        let Some(number) = event.delivery_tag else { return telling.push(Observed { event, link: None }) };
        let mut link = None;
        if scene.may_hold_publish() {
            let (held, gives) = Held::of(&event);
            self.publishes.hold(number, held);
            scene.unconfirmed += 1;
            link = Some(gives);
        } else {
            // A publish without its number is not followed to its confirm.
            event.delivery_tag = None;
            telling.miss(self.number, Why::Unconfirmed);
        }
        telling.push(Observed { event, link });
    }

    pub(super) fn confirm(&mut self, tag: u64, kind: SettlementKind, multiple: bool, telling: &mut Telling<'_>) {
        let confirmed = self.publishes.take(tag, multiple);
        telling.scene.unconfirmed -= confirmed.len();
        let how = Settlement { kind, requeue: false, multiple };
        telling.each(self.number, confirmed, Kind::Confirm, how, None);
    }
}
