//! Bytes to event. Any bytes are answered with an event or an error, never with a panic or an unbounded allocation.

use crate::journal::varint::{Cursor, Malformed};
use crate::model::{
    Body, Close, Death, Event, Fingerprint, Gap, Kind, Party, Properties, Return, Seq, Session, Settlement,
    SettlementKind, Source, Str, Timestamp, Topology, Value,
};

use super::value::get_value;
use super::{body_flag, field};

type Result<T> = std::result::Result<T, Malformed>;

/// Reads the next event, which has this number; `previous` is the time of the event before it in the block.
pub(in crate::journal) fn decode(
    cursor: &mut Cursor<'_>,
    seq: Seq,
    previous: Timestamp,
    strings: &[Str],
) -> Result<Event> {
    let mut decoder = Decoder { cursor, seq, strings };
    let kind = *Kind::ALL.get(usize::from(decoder.cursor.byte()?)).ok_or(Malformed)?;
    let source = decoder.source()?;
    let at = decoder.time(previous)?;
    let present = decoder.cursor.varint()?;
    if present & !field::ALL != 0 {
        return Err(Malformed);
    }
    let mut event = Event::new(kind, source, at);
    event.seq = seq;
    event.observed_late = present & field::OBSERVED_LATE != 0;
    decoder.routing(&mut event, present)?;
    decoder.identity(&mut event, present)?;
    decoder.outcome(&mut event, present)?;
    decoder.content(&mut event, present)?;
    Ok(event)
}

struct Decoder<'c, 'a> {
    cursor: &'c mut Cursor<'a>,
    seq: Seq,
    strings: &'c [Str],
}

impl Decoder<'_, '_> {
    fn routing(&mut self, event: &mut Event, present: u64) -> Result<()> {
        let has = |bit| present & bit != 0;
        event.vhost = self.when(has(field::VHOST), Self::name)?;
        event.service = self.when(has(field::SERVICE), Self::name)?;
        event.session = self.when(has(field::SESSION), Self::session)?;
        event.exchange = self.when(has(field::EXCHANGE), Self::name)?;
        event.routing_key = self.when(has(field::ROUTING_KEY), Self::name)?;
        event.routing_keys = self.when(has(field::ROUTING_KEYS), Self::names)?.unwrap_or_default();
        event.queue = self.when(has(field::QUEUE), Self::name)?;
        event.routed_queues = self.when(has(field::ROUTED_QUEUES), Self::names)?;
        Ok(())
    }

    fn identity(&mut self, event: &mut Event, present: u64) -> Result<()> {
        let has = |bit| present & bit != 0;
        event.message_id = self.when(has(field::MESSAGE_ID), Self::text)?;
        event.correlation_id = self.when(has(field::CORRELATION_ID), Self::text)?;
        event.reply_to = self.when(has(field::REPLY_TO), Self::name)?;
        event.type_ = self.when(has(field::TYPE), Self::name)?;
        event.app_id = self.when(has(field::APP_ID), Self::name)?;
        event.properties = self.when(has(field::PROPERTIES), Self::properties)?.unwrap_or_default();
        event.fingerprint = self.when(has(field::FINGERPRINT), |decoder| decoder.cursor.array().map(Fingerprint))?;
        event.order_id = self.when(has(field::ORDER_ID), Self::text)?;
        event.customer_id = self.when(has(field::CUSTOMER_ID), Self::text)?;
        event.status = self.when(has(field::STATUS), Self::name)?;
        event.redelivered = has(field::REDELIVERED).then_some(has(field::REDELIVERED_TRUE));
        Ok(())
    }

    fn outcome(&mut self, event: &mut Event, present: u64) -> Result<()> {
        let has = |bit| present & bit != 0;
        event.delivery_tag = self.when(has(field::DELIVERY_TAG), |decoder| decoder.cursor.varint())?;
        event.settlement = self.when(has(field::SETTLEMENT), Self::settlement)?;
        event.returned =
            self.when(has(field::RETURNED), |decoder| Ok(Return { code: decoder.small()?, text: decoder.name()? }))?;
        event.death = self.when(has(field::DEATH), Self::death)?;
        Ok(())
    }

    fn content(&mut self, event: &mut Event, present: u64) -> Result<()> {
        let has = |bit| present & bit != 0;
        event.headers = self.when(has(field::HEADERS), Self::headers)?.unwrap_or_default();
        event.body = self.when(has(field::BODY), Self::body)?;
        event.gap = self.when(has(field::GAP), Self::gap)?;
        event.topology = self
            .when(has(field::TOPOLOGY), |decoder| Ok(Topology { change: decoder.name()?, detail: decoder.text()? }))?;
        event.consumer_tag = self.when(has(field::CONSUMER_TAG), Self::name)?;
        event.close = self.when(has(field::CLOSE), Self::close)?;
        Ok(())
    }

    fn when<T>(&mut self, present: bool, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<Option<T>> {
        if present { read(self).map(Some) } else { Ok(None) }
    }

    fn optional<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<Option<T>> {
        match self.cursor.byte()? {
            0 => Ok(None),
            1 => read(self).map(Some),
            _ => Err(Malformed),
        }
    }

    fn small<T: TryFrom<u64>>(&mut self) -> Result<T> {
        T::try_from(self.cursor.varint()?).map_err(|_| Malformed)
    }

    fn small_plus_one<T: TryFrom<u64>>(&mut self) -> Result<Option<T>> {
        match self.cursor.varint()? {
            0 => Ok(None),
            number => T::try_from(number - 1).map(Some).map_err(|_| Malformed),
        }
    }

    fn name(&mut self) -> Result<Str> {
        let reference = self.cursor.varint()?;
        let number = usize::try_from(reference >> 1).map_err(|_| Malformed)?;
        if reference & 1 == 0 {
            return self.strings.get(number).cloned().ok_or(Malformed);
        }
        utf8(self.cursor.take(number)?)
    }

    fn names(&mut self) -> Result<Vec<Str>> {
        let len = self.cursor.len()?;
        (0..len).map(|_| self.name()).collect()
    }

    fn text(&mut self) -> Result<Str> {
        utf8(self.cursor.bytes()?)
    }

    fn time(&mut self, base: Timestamp) -> Result<Timestamp> {
        let zigzag = self.cursor.varint()?;
        let difference = (zigzag >> 1) as i64 ^ -((zigzag & 1) as i64);
        Ok(Timestamp::from_micros(base.as_micros().wrapping_add(difference)))
    }

    fn source(&mut self) -> Result<Source> {
        Source::ALL.get(usize::from(self.cursor.byte()?)).copied().ok_or(Malformed)
    }

    fn session(&mut self) -> Result<Session> {
        Ok(Session {
            connection: self.optional(Self::name)?,
            user: self.optional(Self::name)?,
            client_name: self.optional(Self::name)?,
            channel: self.small_plus_one()?,
        })
    }

    fn properties(&mut self) -> Result<Properties> {
        Ok(Properties {
            content_encoding: self.optional(Self::name)?,
            delivery_mode: self.small_plus_one()?,
            priority: self.small_plus_one()?,
            expiration: self.optional(Self::name)?,
            timestamp: self.optional(|decoder| decoder.cursor.varint())?,
            user_id: self.optional(Self::name)?,
        })
    }

    fn settlement(&mut self) -> Result<Settlement> {
        let byte = self.cursor.byte()?;
        // Two bits of the kind stood in front of the flags before there were more than four kinds.
        let kind = match (byte & 3, byte >> 4) {
            (0, 0) => SettlementKind::Ack,
            (1, 0) => SettlementKind::Nack,
            (2, 0) => SettlementKind::Reject,
            (3, 0) => SettlementKind::Recover,
            (0, 1) => SettlementKind::Close,
            _ => return Err(Malformed),
        };
        Ok(Settlement { kind, requeue: byte & 4 != 0, multiple: byte & 8 != 0 })
    }

    fn death(&mut self) -> Result<Death> {
        Ok(Death {
            queue: self.name()?,
            reason: self.name()?,
            exchange: self.name()?,
            routing_keys: self.names()?,
            count: self.cursor.varint()?,
            first_at: self.optional(|decoder| decoder.time(Timestamp::default()))?,
        })
    }

    fn headers(&mut self) -> Result<Vec<(Str, Value)>> {
        let len = self.cursor.len()?;
        (0..len).map(|_| Ok((self.name()?, get_value(self.cursor, 0)?))).collect()
    }

    fn body(&mut self) -> Result<Body> {
        let flags = self.cursor.byte()?;
        if flags & !body_flag::ALL != 0 {
            return Err(Malformed);
        }
        let mut body = Body {
            truncated: flags & body_flag::TRUNCATED != 0,
            len: self.cursor.varint()?,
            digest: self.cursor.array()?,
            content_type: self.when(flags & body_flag::CONTENT_TYPE != 0, Self::name)?,
            ..Body::default()
        };
        if flags & body_flag::SAME == 0 {
            body.data = self.cursor.bytes()?.to_vec();
        } else {
            let distance = self.cursor.varint()?;
            body.same_as = self.seq.0.checked_sub(distance).filter(|same| *same < self.seq.0).map(Seq);
            body.same_as.ok_or(Malformed)?;
        }
        Ok(body)
    }

    fn close(&mut self) -> Result<Close> {
        let by = match self.cursor.byte()? {
            0 => Party::Client,
            1 => Party::Broker,
            2 => Party::Hoptrail,
            _ => return Err(Malformed),
        };
        Ok(Close { by, code: self.small_plus_one()?, text: self.text()?, unsettled: self.cursor.varint()? })
    }

    fn gap(&mut self) -> Result<Gap> {
        Ok(Gap {
            source: self.source()?,
            from: self.time(Timestamp::default())?,
            to: self.time(Timestamp::default())?,
            count: self.optional(|decoder| decoder.cursor.varint())?,
            cause: self.text()?,
        })
    }
}

fn utf8(bytes: &[u8]) -> Result<Str> {
    std::str::from_utf8(bytes).map(Str::from).map_err(|_| Malformed)
}
