//! How a conversation ends: by a good-bye of either side, or without one.

use amq_protocol::protocol::connection;
use hoptrail::model::{Close, Event, Kind, Party, Side};
use hoptrail::wire::{End, Figures};

use super::channel::State;
use super::login::connection_method;
use super::{Talk, Talking};

impl Talking {
    pub(super) fn finish(mut self) -> Talk {
        match self.rng.below(4) {
            0 => {}
            1 => self.broker_closes(),
            _ => self.client_closes(),
        }
        let (told_before_end, figures) = (self.truth.len(), self.figures());
        let end = End { by: *self.rng.pick(&[Party::Client, Party::Broker, Party::Hoptrail]), text: "it ended".into() };
        self.session_ends(&end);
        Talk {
            connection: self.session.connection.clone().expect("a name"),
            limits: self.limits,
            frames: self.frames,
            end,
            truth: self.truth,
            told_before_end,
            figures,
        }
    }

    fn client_closes(&mut self) {
        let (code, text) = *self.rng.pick(&[(200, "Goodbye"), (200, ""), (541, "it broke")]);
        self.say_close(Side::Client, Party::Client, (code, text));
        // What the broker had sent before it heard of it.
        for _ in 0..self.rng.below(8) {
            match self.rng.below(2) {
                0 => self.broker_step(),
                _ => self.pass_on(Side::Broker),
            }
        }
        if self.rng.chance(80) {
            self.say(Side::Broker, 0, connection_method(connection::AMQPMethod::CloseOk(connection::CloseOk {})));
            self.release();
        }
    }

    fn broker_closes(&mut self) {
        let forced = (320, "CONNECTION_FORCED - broker forced connection closure");
        let (code, text) = *self.rng.pick(&[forced, (501, "FRAME_ERROR")]);
        self.say_close(Side::Broker, Party::Broker, (code, text));
        // The frames that the client still sends are not heard.
        let unheard = self.lines_of_client();
        self.release();
        for bytes in unheard {
            self.push(Side::Client, bytes);
        }
        if self.rng.chance(80) {
            self.say(Side::Client, 0, connection_method(connection::AMQPMethod::CloseOk(connection::CloseOk {})));
        }
    }

    /// Some of what the client has begun, in order for each channel.
    fn lines_of_client(&mut self) -> Vec<Vec<u8>> {
        let mut unheard = Vec::new();
        for _ in 0..self.rng.below(12) {
            let Some(number) = self.some_channel(|it| !it.is_quiet(Side::Client)) else { break };
            unheard.extend(self.channel(number).line(Side::Client).pop_front().map(|line| line.bytes));
        }
        unheard
    }

    fn say_close(&mut self, side: Side, by: Party, (code, text): (u16, &str)) {
        let close = connection::Close { reply_code: code, reply_text: text.into(), class_id: 0, method_id: 0 };
        self.say(side, 0, connection_method(connection::AMQPMethod::Close(close)));
        self.closed = Some(Close { by, code: Some(code), text: text.into(), unsettled: 0 });
    }

    /// Every channel ends with its connection.
    fn release(&mut self) {
        let unsettled = self.unsettled();
        let Some(close) = &mut self.closed else { return };
        close.unsettled += unsettled;
        let close = Close { code: None, ..close.clone() };
        let numbers: Vec<u16> = self.channels.keys().copied().collect();
        for number in numbers {
            let channel = self.channel(number);
            // What the broker had closed has ended before; a good-bye that was not answered never counts.
            if channel.state != State::ClosedByBroker {
                channel.close = Some(close.clone());
                self.channel_ends(number);
            }
        }
        self.channels.clear();
    }

    fn session_ends(&mut self, end: &End) {
        self.closed.get_or_insert(Close { by: end.by, code: None, text: end.text.clone(), unsettled: 0 });
        self.release();
        let event = Event { close: self.closed.clone(), ..self.event(Kind::SessionClose, None) };
        self.tell(event, None);
    }

    fn unsettled(&self) -> u64 {
        self.channels.values().map(|it| it.unsettled_count() as u64).sum()
    }

    fn figures(&self) -> Figures {
        let count = |kind: Kind| self.truth.iter().filter(|it| it.event.kind == kind).count() as u64;
        Figures {
            session: self.session.clone(),
            vhost: self.vhost.clone(),
            open: true,
            // Where both closed it, the first answer ends it.
            channels: self.channels.values().filter(|it| !it.crossing || it.owes).count(),
            published: count(Kind::Publish),
            delivered: count(Kind::Deliver),
            unconfirmed: self.channels.values().map(|it| it.unconfirmed.len()).sum(),
            unsettled: self.unsettled() as usize,
            oldest_unsettled_at: None,
            blocked: self.blocked,
            closing: self.closed.is_some(),
            gap: None,
            blind: false,
        }
    }
}
