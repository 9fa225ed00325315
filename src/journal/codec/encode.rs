//! Event to bytes.

use crate::journal::strings::Interner;
use crate::journal::varint::{put, put_bytes};
use crate::model::{Body, Close, Death, Event, Gap, Properties, Seq, Session, Settlement, Str, Timestamp};

use super::value::put_value;
use super::{body_flag, field};

/// Appends `event`; `previous` is the time of the event before it in the block, `oldest` the first event of the
/// partition: what is earlier is not referred to.
pub(in crate::journal) fn encode(
    event: &Event,
    previous: Timestamp,
    oldest: Seq,
    interner: &mut Interner,
    out: &mut Vec<u8>,
) {
    let mut encoder = Encoder { out, interner, seq: event.seq, oldest };
    encoder.out.push(event.kind as u8);
    encoder.out.push(event.source as u8);
    encoder.time(event.at, previous);
    put(encoder.out, present(event));
    encoder.routing(event);
    encoder.identity(event);
    encoder.outcome(event);
    encoder.content(event);
}

fn present(event: &Event) -> u64 {
    let set = |present: bool, bit: u64| if present { bit } else { 0 };
    set(event.observed_late, field::OBSERVED_LATE)
        | set(event.vhost.is_some(), field::VHOST)
        | set(event.service.is_some(), field::SERVICE)
        | set(event.session.is_some(), field::SESSION)
        | set(event.exchange.is_some(), field::EXCHANGE)
        | set(event.routing_key.is_some(), field::ROUTING_KEY)
        | set(!event.routing_keys.is_empty(), field::ROUTING_KEYS)
        | set(event.queue.is_some(), field::QUEUE)
        | set(event.routed_queues.is_some(), field::ROUTED_QUEUES)
        | set(event.message_id.is_some(), field::MESSAGE_ID)
        | set(event.correlation_id.is_some(), field::CORRELATION_ID)
        | set(event.reply_to.is_some(), field::REPLY_TO)
        | set(event.type_.is_some(), field::TYPE)
        | set(event.app_id.is_some(), field::APP_ID)
        | set(event.properties != Properties::default(), field::PROPERTIES)
        | set(event.fingerprint.is_some(), field::FINGERPRINT)
        | set(event.order_id.is_some(), field::ORDER_ID)
        | set(event.customer_id.is_some(), field::CUSTOMER_ID)
        | set(event.status.is_some(), field::STATUS)
        | set(event.redelivered.is_some(), field::REDELIVERED)
        | set(event.redelivered == Some(true), field::REDELIVERED_TRUE)
        | set(event.delivery_tag.is_some(), field::DELIVERY_TAG)
        | set(event.settlement.is_some(), field::SETTLEMENT)
        | set(event.returned.is_some(), field::RETURNED)
        | set(event.death.is_some(), field::DEATH)
        | set(!event.headers.is_empty(), field::HEADERS)
        | set(event.body.is_some(), field::BODY)
        | set(event.gap.is_some(), field::GAP)
        | set(event.topology.is_some(), field::TOPOLOGY)
        | set(event.consumer_tag.is_some(), field::CONSUMER_TAG)
        | set(event.close.is_some(), field::CLOSE)
}

struct Encoder<'a> {
    out: &'a mut Vec<u8>,
    interner: &'a mut Interner,
    seq: Seq,
    oldest: Seq,
}

impl Encoder<'_> {
    fn routing(&mut self, event: &Event) {
        self.each(&event.vhost, Self::name);
        self.each(&event.service, Self::name);
        self.each(&event.session, Self::session);
        self.each(&event.exchange, Self::name);
        self.each(&event.routing_key, Self::maybe_name);
        if !event.routing_keys.is_empty() {
            self.list(&event.routing_keys, Self::maybe_name);
        }
        self.each(&event.queue, Self::name);
        self.each(&event.routed_queues, |encoder, queues| encoder.list(queues, Self::name));
    }

    fn identity(&mut self, event: &Event) {
        self.each(&event.message_id, Self::text);
        self.each(&event.correlation_id, Self::text);
        self.each(&event.reply_to, Self::maybe_name);
        self.each(&event.type_, Self::name);
        self.each(&event.app_id, Self::name);
        if event.properties != Properties::default() {
            self.properties(&event.properties);
        }
        self.each(&event.fingerprint, |encoder, fingerprint| encoder.out.extend_from_slice(&fingerprint.0));
        self.each(&event.order_id, Self::text);
        self.each(&event.customer_id, Self::text);
        self.each(&event.status, Self::name);
    }

    fn outcome(&mut self, event: &Event) {
        self.each(&event.delivery_tag, |encoder, tag| put(encoder.out, *tag));
        self.each(&event.settlement, Self::settlement);
        self.each(&event.returned, |encoder, returned| {
            put(encoder.out, returned.code.into());
            encoder.name(&returned.text);
        });
        self.each(&event.death, Self::death);
    }

    fn content(&mut self, event: &Event) {
        if !event.headers.is_empty() {
            put(self.out, event.headers.len() as u64);
            for (name, value) in &event.headers {
                self.name(name);
                put_value(value, self.out);
            }
        }
        self.each(&event.body, Self::body);
        self.each(&event.gap, Self::gap);
        self.each(&event.topology, |encoder, topology| {
            encoder.name(&topology.change);
            encoder.text(&topology.detail);
        });
        self.each(&event.consumer_tag, Self::name);
        self.each(&event.close, Self::close);
    }

    fn each<T>(&mut self, value: &Option<T>, write: impl FnOnce(&mut Self, &T)) {
        if let Some(value) = value {
            write(self, value);
        }
    }

    fn list<T>(&mut self, items: &[T], write: impl Fn(&mut Self, &T)) {
        put(self.out, items.len() as u64);
        items.iter().for_each(|item| write(self, item));
    }

    fn optional(&mut self, text: &Option<Str>, write: impl FnOnce(&mut Self, &Str)) {
        self.out.push(u8::from(text.is_some()));
        self.each(text, write);
    }

    fn name(&mut self, name: &Str) {
        let number = self.interner.number(name);
        self.reference(name, number);
    }

    fn maybe_name(&mut self, text: &Str) {
        let number = self.interner.number_if_repeated(text);
        self.reference(text, number);
    }

    /// An even number is a reference, an odd one the length of the text that follows.
    fn reference(&mut self, text: &Str, number: Option<u32>) {
        match number {
            Some(number) => put(self.out, u64::from(number) << 1),
            None => {
                put(self.out, (text.len() as u64) << 1 | 1);
                self.out.extend_from_slice(text.as_bytes());
            }
        }
    }

    fn text(&mut self, text: &Str) {
        put_bytes(self.out, text.as_bytes());
    }

    /// Times are differences; zigzag, because a gap's bounds lie before its own time.
    fn time(&mut self, at: Timestamp, base: Timestamp) {
        let difference = at.as_micros().wrapping_sub(base.as_micros());
        put(self.out, ((difference << 1) ^ (difference >> 63)) as u64);
    }

    fn session(&mut self, session: &Session) {
        self.optional(&session.connection, Self::maybe_name);
        self.optional(&session.user, Self::name);
        self.optional(&session.client_name, Self::name);
        put(self.out, session.channel.map_or(0, |channel| u64::from(channel) + 1));
    }

    fn properties(&mut self, properties: &Properties) {
        self.optional(&properties.content_encoding, Self::name);
        put(self.out, properties.delivery_mode.map_or(0, |mode| u64::from(mode) + 1));
        put(self.out, properties.priority.map_or(0, |priority| u64::from(priority) + 1));
        self.optional(&properties.expiration, Self::maybe_name);
        self.out.push(u8::from(properties.timestamp.is_some()));
        self.each(&properties.timestamp, |encoder, timestamp| put(encoder.out, *timestamp));
        self.optional(&properties.user_id, Self::name);
    }

    fn settlement(&mut self, settlement: &Settlement) {
        let kind = settlement.kind as u8;
        let flags = u8::from(settlement.requeue) << 2 | u8::from(settlement.multiple) << 3;
        self.out.push(kind & 3 | (kind >> 2) << 4 | flags);
    }

    fn death(&mut self, death: &Death) {
        self.name(&death.queue);
        self.name(&death.reason);
        self.name(&death.exchange);
        self.list(&death.routing_keys, Self::maybe_name);
        put(self.out, death.count);
        self.out.push(u8::from(death.first_at.is_some()));
        self.each(&death.first_at, |encoder, at| encoder.time(*at, Timestamp::default()));
    }

    fn body(&mut self, body: &Body) {
        let mut flags = 0;
        if body.truncated {
            flags |= body_flag::TRUNCATED;
        }
        if body.content_type.is_some() {
            flags |= body_flag::CONTENT_TYPE;
        }
        // One that was read back has no bytes any more.
        let same_as = body.same_as.filter(|same| *same < self.seq && (*same >= self.oldest || body.data.is_empty()));
        if same_as.is_some() {
            flags |= body_flag::SAME;
        }
        self.out.push(flags);
        put(self.out, body.len);
        self.out.extend_from_slice(&body.digest);
        self.each(&body.content_type, Self::name);
        match same_as {
            Some(same) => put(self.out, self.seq.0 - same.0),
            None => put_bytes(self.out, &body.data),
        }
    }

    fn close(&mut self, close: &Close) {
        self.out.push(close.by as u8);
        put(self.out, close.code.map_or(0, |code| u64::from(code) + 1));
        self.text(&close.text);
        put(self.out, close.unsettled);
    }

    fn gap(&mut self, gap: &Gap) {
        self.out.push(gap.source as u8);
        self.time(gap.from, Timestamp::default());
        self.time(gap.to, Timestamp::default());
        self.out.push(u8::from(gap.count.is_some()));
        self.each(&gap.count, |encoder, count| put(encoder.out, *count));
        self.text(&gap.cause);
    }
}
