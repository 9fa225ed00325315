//! Contents of a channel: one may be under way in each direction.

use super::state::Channel;
use crate::model::Side;
use crate::wire::content::{Purpose, Unfinished};
use crate::wire::holes::Why;
use crate::wire::observed::Observed;
use crate::wire::telling::Telling;

impl Channel {
    pub(super) fn begin(&mut self, side: Side, content: Unfinished, telling: &mut Telling<'_>) {
        self.drop_unfinished(side, telling);
        if telling.scene.unfinished >= telling.scene.limits.unfinished_max {
            return telling.miss(self.number, Why::Unfinished);
        }
        telling.scene.unfinished += 1;
        *self.slot(side) = Some(Box::new(content));
    }

    pub(super) fn slot(&mut self, side: Side) -> &mut Option<Box<Unfinished>> {
        let [client, broker] = &mut self.unfinished;
        if side == Side::Client { client } else { broker }
    }

    fn drop_unfinished(&mut self, side: Side, telling: &mut Telling<'_>) {
        if let Some(dropped) = self.slot(side).take() {
            telling.scene.unfinished -= 1;
            telling.scene.bytes -= dropped.counted;
            telling.miss(self.number, Why::Abandoned);
        }
    }

    /// A content header.
    pub(in crate::wire) fn header(&mut self, side: Side, payload: &[u8], telling: &mut Telling<'_>) {
        let Some(content) = self.slot(side) else { return };
        if content.header(payload, telling.scene).is_err() {
            telling.miss(self.number, Why::Malformed);
            return self.drop_unfinished(side, telling);
        }
        content.event.at = telling.at;
        self.finish_if_complete(side, telling);
    }

    /// A part of a body; `to_come` is the number of bytes left in its frame.
    pub(in crate::wire) fn body(&mut self, side: Side, bytes: &[u8], to_come: u32, telling: &mut Telling<'_>) {
        let Some(content) = self.slot(side) else { return };
        if content.body(bytes, to_come, telling.at, telling.scene).is_err() {
            telling.miss(self.number, Why::Malformed);
            return self.drop_unfinished(side, telling);
        }
        self.finish_if_complete(side, telling);
    }

    fn finish_if_complete(&mut self, side: Side, telling: &mut Telling<'_>) {
        if let Some(content) = self.slot(side).take_if(|content| content.is_complete()) {
            telling.scene.unfinished -= 1;
            let Unfinished { event, purpose, .. } = *content;
            match purpose {
                Purpose::Publish => self.publish(event, telling),
                Purpose::Deliver { no_ack } => self.deliver(event, no_ack, telling),
                Purpose::Return => telling.push(Observed { event, link: None }),
            }
        }
    }
}
