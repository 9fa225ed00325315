//! Takes messages out of a tap queue that cannot be read.
//!
//! AMQP's short strings are UTF-8 (AMQP 0-9-1, section 4.2.5.3), but RabbitMQ (3.10, 4.0) passes on routing keys,
//! properties and header names that are not. lapin ends the connection at one, and the broker would deliver it again
//! for ever. So hoptrail finds it by taking messages one by one. A `basic.get` without acknowledgement takes it out,
//! and the connection that receives it is lost with it.

use std::time::Duration;

use lapin::options::BasicGetOptions;
use lapin::{Channel, Connection};

use crate::broker::{self, Ending};
use crate::config::Config;

/// Messages looked through for unreadable ones: those that can have been on their way to the tap, and as many behind.
const LOOKED_THROUGH_MAX: u32 = 2 * u16::MAX as u32;
/// Unreadable messages taken out at a time; more are taken out after the next connection is lost.
const TAKEN_MAX: u32 = 100;
/// Messages that a lost connection held are back in their queue after this time.
const BACK_IN_QUEUE: Duration = Duration::from_millis(300);
/// How long the broker may take to say goodbye.
const CLOSE: Duration = Duration::from_secs(2);

/// Takes unreadable messages out of `queue`; gives how many.
pub(super) async fn take_out(config: &Config, vhost: &str, queue: &str) -> u32 {
    let mut taken = 0;
    while taken < TAKEN_MAX {
        let Some(position) = find(config, vhost, queue).await else { break };
        tokio::time::sleep(BACK_IN_QUEUE).await;
        if !take(config, vhost, queue, position).await {
            break;
        }
        taken += 1;
        tokio::time::sleep(BACK_IN_QUEUE).await;
    }
    taken
}

/// How many readable messages stand before the first unreadable one. `None`: there is none, or the broker is away.
async fn find(config: &Config, vhost: &str, queue: &str) -> Option<u32> {
    let mut taking = Taking::open(config, vhost).await?;
    for position in 0..LOOKED_THROUGH_MAX {
        match taking.get(queue, false).await {
            Got::Readable => {}
            Got::Unreadable => return Some(position),
            Got::Nothing | Got::Failed => break,
        }
    }
    // The messages go back to the queue, because they were not acknowledged.
    broker::close(&taking.connection, CLOSE).await;
    None
}

/// Holds the messages before `position`, and loses a connection with the one at it.
async fn take(config: &Config, vhost: &str, queue: &str, position: u32) -> bool {
    let Some(mut holding) = Taking::open(config, vhost).await else { return false };
    let mut held = true;
    for _ in 0..position {
        held = held && holding.get(queue, false).await == Got::Readable;
    }
    let mut taken = false;
    if held && let Some(mut losing) = Taking::open(config, vhost).await {
        taken = losing.get(queue, true).await == Got::Unreadable;
    }
    broker::close(&holding.connection, CLOSE).await;
    taken
}

/// A connection to take messages on.
struct Taking {
    connection: Connection,
    channel: Channel,
    ending: Ending,
    patience: Duration,
}

/// The result of taking one message.
#[derive(PartialEq)]
enum Got {
    Readable,
    Nothing,
    Unreadable,
    /// The broker is away, or refuses.
    Failed,
}

impl Taking {
    async fn open(config: &Config, vhost: &str) -> Option<Taking> {
        let connection = broker::connect(config, vhost).await.ok()?;
        let channel = connection.create_channel().await.ok()?;
        let ending = Ending::of(&connection);
        Some(Taking { connection, channel, ending, patience: config.broker.connect_timeout })
    }

    async fn get(&mut self, queue: &str, no_ack: bool) -> Got {
        let getting = self.channel.basic_get(queue.into(), BasicGetOptions { no_ack });
        let got = tokio::select! {
            got = getting => got.ok(),
            _ = self.ending.wait() => None,
            () = tokio::time::sleep(self.patience) => None,
        };
        match got {
            Some(Some(_)) => Got::Readable,
            Some(None) => Got::Nothing,
            None if self.ending.was_unreadable() => Got::Unreadable,
            None => Got::Failed,
        }
    }
}
