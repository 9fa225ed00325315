//! Deliveries of a channel and their settlements.

use super::state::Channel;
use crate::model::{Event, Kind, Settlement, SettlementKind};
use crate::wire::held::Held;
use crate::wire::holes::Why;
use crate::wire::observed::Observed;
use crate::wire::telling::Telling;
use crate::wire::transaction::Step;

impl Channel {
    pub(super) fn deliver(&mut self, mut event: Event, no_ack: bool, telling: &mut Telling<'_>) {
        let scene = &mut *telling.scene;
        scene.delivered += 1;
        let mut link = None;
        if no_ack {
            event.settlement = Some(Settlement { kind: SettlementKind::Ack, requeue: false, multiple: false });
        } else if scene.may_hold_delivery() {
            let (held, gives) = Held::of(&event);
            let replaced = self.deliveries.hold(event.delivery_tag.unwrap_or_default(), held);
            scene.unsettled += usize::from(!replaced);
            link = Some(gives);
        } else {
            // A delivery without its tag is not followed to its settlement.
            event.delivery_tag = None;
            telling.miss(self.number, Why::Unsettled);
        }
        telling.push(Observed { event, link });
    }

    /// The client settles one delivery. If `how` is multiple, it settles all deliveries up to the tag.
    pub(super) fn settle(&mut self, tag: u64, how: Settlement, telling: &mut Telling<'_>) {
        let settled = self.deliveries.take(tag, how.multiple);
        if let Some(transaction) = &mut self.transaction {
            // Within a transaction, deliveries count as unsettled until the commit.
            if !settled.is_empty() {
                transaction.add(Step::Settle(settled, how));
            }
            return;
        }
        telling.scene.unsettled -= settled.len();
        telling.each(self.number, settled, Kind::Settle, how, None);
    }

    /// All unsettled deliveries go back to their queue.
    pub(super) fn give_back(&mut self, kind: SettlementKind, telling: &mut Telling<'_>) {
        let held = self.deliveries.take_all();
        telling.scene.unsettled -= held.len();
        let how = Settlement { kind, requeue: true, multiple: true };
        telling.each(self.number, held, Kind::Settle, how, self.closing.as_ref());
    }
}
