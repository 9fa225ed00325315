//! The end of a channel: one side closes it, or its connection ends.

use super::state::Channel;
use crate::model::{Close, Event, Kind, Party, SettlementKind, Side, Topology};
use crate::wire::observed::Observed;
use crate::wire::table::text;
use crate::wire::telling::Telling;

/// The reply code of an ordinary close (AMQP 0-9-1, section 1.3, "reply-success").
const REPLY_SUCCESS: u16 = 200;

impl Channel {
    pub(super) fn is_closed_by(&self, party: Party) -> bool {
        self.closing.as_ref().is_some_and(|close| close.by == party)
    }

    pub(in crate::wire) fn is_closing(&self) -> bool {
        self.closing.is_some()
    }

    /// One side has closed the channel. A close by the client takes effect when the broker answers.
    pub(in crate::wire) fn close(&mut self, side: Side, code: u16, reason: &[u8], telling: &mut Telling<'_>) {
        let by = Party::from(side);
        // If both sides close at once, the broker's close came first at the broker. Otherwise the broker would have
        // answered the client's close.
        if self.closing.is_none() || by == Party::Broker && !self.released {
            self.closing = Some(Close { by, code: Some(code), text: text(reason), unsettled: 0 });
        }
        if by == Party::Broker {
            self.release(telling);
        }
    }

    /// The other side has answered.
    pub(in crate::wire) fn closed(&mut self, telling: &mut Telling<'_>) {
        self.release(telling);
    }

    /// The channel's connection has ended.
    pub(in crate::wire) fn end(&mut self, close: &Close, telling: &mut Telling<'_>) {
        if !self.released {
            self.closing = Some(Close { code: None, ..close.clone() });
        }
        self.release(telling);
    }

    /// Nothing more happens on the channel; its unsettled deliveries go back to their queue.
    fn release(&mut self, telling: &mut Telling<'_>) {
        if self.released {
            return;
        }
        let scene = &mut *telling.scene;
        for side in [Side::Client, Side::Broker] {
            if let Some(dropped) = self.slot(side).take() {
                scene.unfinished -= 1;
                scene.bytes -= dropped.counted;
            }
        }
        if let Some(transaction) = self.transaction.take() {
            self.undo(transaction.abandon(), scene);
        }
        scene.unconfirmed -= self.publishes.take_all().len();
        scene.consumers = scene.consumers.saturating_sub(std::mem::take(&mut self.consumers).len());
        let unsettled = self.deliveries.len() as u64;
        let Some(close) = &mut self.closing else { return };
        close.unsettled = unsettled;
        // A connection's end and an ordinary close need no event of their own.
        if let Some(code) = close.code.filter(|code| *code != REPLY_SUCCESS) {
            let event = self.failure(code, telling);
            telling.push(Observed { event, link: None });
        }
        self.give_back(SettlementKind::Close, telling);
        self.released = true;
    }

    /// The event of a channel that was closed because of an error.
    fn failure(&self, code: u16, telling: &Telling<'_>) -> Event {
        let mut event = telling.event(Kind::Topology, self.number);
        let Some(close) = &self.closing else { return event };
        let by = if close.by == Party::Client { "client" } else { "broker" };
        let detail = format!(
            "channel {} was closed by the {by}: {code} {}; {} deliveries were not settled",
            self.number, close.text, close.unsettled
        );
        event.topology = Some(Topology { change: "channel.closed".into(), detail: detail.into() });
        event.close = Some(close.clone());
        event
    }
}
