//! The deliveries of one queue on one channel, and how far they are acknowledged.

use std::time::Duration;

use futures_util::StreamExt as _;
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicCancelOptions};
use lapin::{Channel, Connection, Consumer};
use tokio::time::{Interval, MissedTickBehavior};

use super::cursor::Cursor;
use super::queues::{self, Spec};
use crate::broker::AmqpError;
use crate::model::Timestamp;
use crate::record::{Receipt, Watermark};

/// Deliveries that became no event are acknowledged at least this often.
const ACKNOWLEDGE_EVERY: Duration = Duration::from_millis(200);
/// Every so many of these intervals it is checked that nothing waits in the queue: every five seconds.
const CHECK_EVERY: u32 = 25;
/// How long a stop waits until the journal has taken the events that it was given.
const DRAIN: Duration = Duration::from_secs(5);

/// A consumer, with the state of its deliveries.
pub(super) struct Reading {
    channel: Channel,
    /// Asks how much waits in the queue: a refusal there does not end the deliveries.
    checks: Channel,
    consumer: Consumer,
    ticks: Interval,
    ticks_left: u32,
    watermark: Watermark,
    /// The newest delivery that is known to be durable.
    durable: u64,
    cursor: Cursor,
    /// Deliveries still expected from before hoptrail was there.
    backlog: u32,
    /// When it was last checked that the queue is empty.
    checked: Option<Timestamp>,
    /// The queue has been full since it was last empty.
    overflowed: bool,
}

/// The next input.
pub(super) enum Step {
    /// A message.
    Delivery(Box<Delivery>),
    /// More may be acknowledged: [`Reading::acknowledge`].
    Acknowledge,
    /// It is time to acknowledge, and to look whether the queue is empty: [`Reading::waiting`].
    Check,
    /// The broker closed the channel: why.
    Refused(String),
    /// The consumer was cancelled, or its connection is gone.
    Ended,
}

/// The conclusions from an empty queue.
pub(super) struct Emptied {
    /// Everything that was published before this moment has been delivered.
    pub complete_until: Option<Timestamp>,
    /// The queue had been full before: the broker may have dropped its oldest messages.
    pub had_overflowed: bool,
}

impl Reading {
    /// Starts consuming. `backlog` messages wait in the queue.
    pub async fn open(connection: &Connection, spec: &Spec, prefetch: u16, backlog: u32) -> Result<Self, AmqpError> {
        let (channel, consumer) = queues::consume(connection, spec, prefetch).await?;
        let mut ticks = tokio::time::interval(ACKNOWLEDGE_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Reading {
            channel,
            checks: connection.create_channel().await?,
            consumer,
            ticks,
            ticks_left: CHECK_EVERY,
            watermark: Watermark::new(),
            durable: 0,
            cursor: Cursor::default(),
            backlog,
            checked: None,
            overflowed: false,
        })
    }

    /// Waits for the next input. The wait may be dropped: nothing is lost.
    pub async fn next(&mut self) -> Result<Step, AmqpError> {
        tokio::select! {
            delivery = self.consumer.next() => match delivery {
                Some(Ok(delivery)) => Ok(Step::Delivery(Box::new(delivery))),
                Some(Err(error)) => match AmqpError::from(error) {
                    AmqpError::Refused { code, text } => Ok(Step::Refused(format!("{text} ({code})"))),
                    lost => Err(lost),
                },
                None => Ok(Step::Ended),
            },
            durable = self.watermark.above(self.durable) => {
                self.durable = durable;
                Ok(Step::Acknowledge)
            }
            _ = self.ticks.tick() => {
                self.ticks_left -= 1;
                if self.ticks_left > 0 {
                    return Ok(Step::Acknowledge);
                }
                self.ticks_left = CHECK_EVERY;
                Ok(Step::Check)
            }
        }
    }

    /// Notes a delivery; whether it was published before hoptrail was there.
    pub fn arrived(&mut self) -> bool {
        let late = self.backlog > 0;
        self.backlog = self.backlog.saturating_sub(1);
        late
    }

    /// The delivery becomes no event.
    pub fn left_out(&mut self, tag: u64) {
        self.cursor.left_out(tag);
    }

    /// The last event of the delivery is on its way to the journal.
    pub fn recorded(&mut self, tag: u64) {
        self.cursor.recorded(tag);
    }

    /// Makes a delivery be acknowledged as soon as its event is durable.
    pub fn receipt(&self, tag: u64) -> Receipt {
        Receipt { watermark: self.watermark.clone(), tag }
    }

    /// Acknowledges the deliveries that are durable.
    pub async fn acknowledge(&mut self) -> Result<(), AmqpError> {
        if let Some(tag) = self.cursor.acknowledge(self.watermark.durable()) {
            self.channel.basic_ack(tag, BasicAckOptions { multiple: true }).await?;
        }
        Ok(())
    }

    /// How many messages wait in the queue. `None`: it was deleted, of which the broker tells the consumer.
    pub async fn waiting(&self, spec: &Spec) -> Result<Option<u32>, AmqpError> {
        match queues::waiting(&self.checks, spec).await {
            Ok(waiting) => Ok(Some(waiting)),
            Err(AmqpError::Refused { .. }) => Ok(None),
            Err(lost) => Err(lost),
        }
    }

    /// Nothing waits in the queue: messages published before the previous check have been delivered.
    pub fn empty(&mut self, now: Timestamp) -> Emptied {
        self.backlog = 0;
        let had_overflowed = std::mem::take(&mut self.overflowed);
        Emptied { complete_until: self.checked.replace(now), had_overflowed }
    }

    /// Something waits in the queue, which may be full.
    pub fn not_empty(&mut self, is_full: bool) {
        self.checked = None;
        self.overflowed |= is_full;
    }

    /// Takes no more deliveries, waits until the events handed over are durable, and acknowledges them. `false`: not
    /// all became durable in time.
    pub async fn stop(&mut self) -> Result<bool, AmqpError> {
        self.channel.basic_cancel(self.consumer.tag(), BasicCancelOptions::default()).await?;
        let drained = async {
            let mut durable = self.watermark.durable();
            while !self.cursor.is_settled(durable) {
                durable = self.watermark.above(durable).await;
            }
        };
        let is_drained = tokio::time::timeout(DRAIN, drained).await.is_ok();
        self.acknowledge().await?;
        Ok(is_drained)
    }
}
