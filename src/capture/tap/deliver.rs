//! The deliveries of one source: decoded, handed to the recorder, and acknowledged once they are durable.

use std::time::Duration;

use futures_util::StreamExt as _;
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicCancelOptions};
use lapin::{Channel, Consumer};
use tokio::time::MissedTickBehavior;

use super::cursor::Cursor;
use super::decode::Arrival;
use super::notes::note;
use super::queues::{self, Declaration, Declared};
use super::source::{Round, RoundError, Tapped};
use super::tracing_switch::Tracing;
use crate::broker::AmqpError;
use crate::clock;
use crate::model::{Event, Source, Timestamp};
use crate::record::{Observation, Receipt, Stopped, Watermark};

/// Deliveries that became no event are acknowledged at least this often.
const ACKNOWLEDGE_EVERY: Duration = Duration::from_millis(200);
/// Every so many of these intervals it is checked that nothing waits in the queue: every five seconds.
const CHECK_EVERY: u32 = 25;
/// The broker drops before the last byte is taken, and counts every five seconds only.
const FULL_PERCENT: u64 = 90;
/// How long a stop waits for the journal to take what was handed to it.
const DRAIN: Duration = Duration::from_secs(5);

/// The state of one channel.
struct Reading {
    channel: Channel,
    watermark: Watermark,
    cursor: Cursor,
    /// Deliveries still expected from before hoptrail was there.
    backlog: u32,
    /// When it was last checked that the queue is empty.
    checked: Option<Timestamp>,
    /// The queue has been full since it was last empty.
    overflowed: bool,
}

impl Tapped<'_> {
    /// Reads until cancelled or broken off.
    pub(super) async fn deliveries(
        &mut self,
        channel: Channel,
        mut consumer: Consumer,
        declared: Declared,
    ) -> Result<Round, RoundError> {
        let mut reading = Reading {
            channel,
            watermark: Watermark::new(),
            cursor: Cursor::default(),
            backlog: declared.messages,
            checked: None,
            overflowed: false,
        };
        let checks = self.connection.create_channel().await?;
        let mut ticks = tokio::time::interval(ACKNOWLEDGE_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut ticks_left = CHECK_EVERY;
        let mut durable = 0;
        loop {
            tokio::select! {
                () = self.cancel.cancelled() => return self.stop(reading, &consumer).await,
                delivery = consumer.next() => match delivery {
                    Some(Ok(delivery)) => self.delivery(delivery, &mut reading).await?,
                    Some(Err(error)) => match AmqpError::from(error) {
                        AmqpError::Refused { code, text } => {
                            return Ok(Round::Broken(format!("the broker closed the tap's channel: {text} ({code})")));
                        }
                        lost => return Err(lost.into()),
                    },
                    None if self.connection.status().connected() => {
                        return Ok(Round::Broken(format!("the tap's queue {:?} was deleted", self.spec.name)));
                    }
                    None => return Err(AmqpError::Closed.into()),
                },
                reached = reading.watermark.above(durable) => {
                    durable = reached;
                    reading.acknowledge().await?;
                }
                _ = ticks.tick() => {
                    reading.acknowledge().await?;
                    ticks_left -= 1;
                    if ticks_left == 0 {
                        ticks_left = CHECK_EVERY;
                        self.check_complete(&checks, &mut reading).await?;
                    }
                }
                changed = self.found.changed() => {
                    if changed.is_ok() {
                        self.refresh().await?;
                    }
                }
            }
        }
    }

    /// Hands the events of a delivery to the recorder, and then the right to acknowledge it.
    async fn delivery(&mut self, delivery: Delivery, reading: &mut Reading) -> Result<(), Stopped> {
        let at = clock::now();
        let tag = delivery.delivery_tag;
        let late = reading.backlog > 0;
        let maybe_repeated = delivery.redelivered;
        reading.backlog = reading.backlog.saturating_sub(1);
        let decoded = self.memory.decoder.decode(Arrival {
            at,
            late,
            exchange: delivery.exchange.as_str().into(),
            routing_key: delivery.routing_key.as_str().into(),
            properties: delivery.properties,
            body: delivery.data,
        });
        if let Some(vhost) = &decoded.changed {
            self.shared.nudges.announce(vhost);
        }
        let mut events = decoded.events.into_iter().filter(|event| self.shared.is_observed(event)).peekable();
        if events.peek().is_none() {
            reading.cursor.left_out(tag);
        }
        while let Some(event) = events.next() {
            let last = events.peek().is_none();
            let receipt = last.then(|| Receipt { watermark: reading.watermark.clone(), tag });
            let observation = Observation {
                event,
                receipt,
                maybe_repeated,
                origin: Some((self.memory.vhost.clone(), self.memory.source)),
                link: None,
            };
            self.shared.recorder.record(observation).await?;
            if last {
                reading.cursor.recorded(tag);
            }
        }
        Ok(())
    }

    async fn refresh(&mut self) -> Result<(), RoundError> {
        let Some(snapshot) = self.found.borrow_and_update().clone() else { return Ok(()) };
        let now = clock::now();
        if let Some(Tracing::TurnedOn(since)) = self.apply(&snapshot, Declaration::Kept).await? {
            // Where it was never seen on, the firehose has been blind for as long as it counted as live.
            let since = since.or(self.live_since).unwrap_or(now);
            let cause = "tracing had been switched off on the broker: a node restarted, or somebody switched it off";
            let gap = Event::gap(Source::Firehose, (since, now), None, cause);
            self.shared.recorder.record(note(&self.memory.vhost, gap)).await?;
        }
        Ok(())
    }

    /// Nothing waits in the queue: what was published before the check before this one has been delivered.
    async fn check_complete(&mut self, checks: &Channel, reading: &mut Reading) -> Result<(), RoundError> {
        let now = clock::now();
        match queues::waiting(checks, &self.spec).await {
            Ok(0) => {
                if std::mem::take(&mut reading.overflowed) {
                    self.overflow_ended(now).await?;
                }
                self.memory.complete_until = reading.checked.or(self.memory.complete_until);
                reading.checked = Some(now);
                reading.backlog = 0;
            }
            Ok(_) => {
                reading.checked = None;
                reading.overflowed |= self.is_full().await;
            }
            // The consumer is told of a deleted queue by the broker.
            Err(AmqpError::Refused { .. }) => {}
            Err(lost) => return Err(lost.into()),
        }
        Ok(())
    }

    /// The queue holds so much that the broker may have dropped its oldest messages since the check before.
    async fn is_full(&self) -> bool {
        let Some(management) = &self.shared.management else { return false };
        let waiting = management.bytes_waiting(&self.memory.vhost, &self.spec.name).await;
        let bound = self.shared.config.tap.queue_bytes_max;
        waiting.is_ok_and(|bytes| bytes >= bound / 100 * FULL_PERCENT)
    }

    /// Everything that was left in a full queue has been delivered: what is missing lies before now.
    async fn overflow_ended(&mut self, now: Timestamp) -> Result<(), Stopped> {
        let (vhost, source) = (&self.memory.vhost, self.memory.source);
        let from = self.memory.complete_until.or(self.shared.recorder.mark(vhost, source).map(|mark| mark.at));
        let cause = format!(
            "the tap's queue {:?} was full ({} bytes): the broker dropped its oldest messages; give hoptrail more \
             processor time or a faster disk, or raise tap.queue_bytes_max",
            self.spec.name, self.shared.config.tap.queue_bytes_max
        );
        tracing::warn!(vhost = &**vhost, %source, cause, "a gap is recorded");
        let gap = Event::gap(source, (from.unwrap_or(now), now), None, cause);
        self.shared.recorder.record(note(vhost, gap)).await
    }

    /// Takes no more, waits for what was handed over to become durable, and marks where observation ended.
    async fn stop(&mut self, mut reading: Reading, consumer: &Consumer) -> Result<Round, RoundError> {
        reading.channel.basic_cancel(consumer.tag(), BasicCancelOptions::default()).await?;
        let drained = async {
            let mut durable = reading.watermark.durable();
            while !reading.cursor.is_settled(durable) {
                durable = reading.watermark.above(durable).await;
            }
        };
        if tokio::time::timeout(DRAIN, drained).await.is_err() {
            tracing::warn!(
                vhost = &*self.memory.vhost, source = %self.memory.source,
                "the journal did not take all in time; the broker delivers the rest again"
            );
        }
        reading.acknowledge().await?;
        let detail = format!("source {} stops with hoptrail", self.memory.source);
        let event = Event { source: self.memory.source, ..Event::change("tap.stopped", detail, clock::now()) };
        self.shared.recorder.record(note(&self.memory.vhost, event)).await?;
        Ok(Round::Cancelled)
    }
}

impl Reading {
    async fn acknowledge(&mut self) -> Result<(), AmqpError> {
        if let Some(tag) = self.cursor.acknowledge(self.watermark.durable()) {
            self.channel.basic_ack(tag, BasicAckOptions { multiple: true }).await?;
        }
        Ok(())
    }
}
