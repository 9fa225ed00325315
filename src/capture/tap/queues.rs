//! The tap's queues: their names and bounds, and how they come to be.
//!
//! All are durable, bounded by bytes, drop the oldest and never refuse a publish, so that they cannot harm the broker.
//! The arguments are set on the queue, where they come before those of policies; they dead-letter to nowhere.

use lapin::options::{BasicConsumeOptions, BasicQosOptions, QueueDeclareOptions, QueueDeleteOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Connection, Consumer};

use crate::broker::{AmqpError, NOT_FOUND, PRECONDITION_FAILED};
use crate::config::Tap;
use crate::model::Source;

/// A tap queue as it should be.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Spec {
    pub name: String,
    pub arguments: FieldTable,
}

/// The queue of a source: classic, which does not change messages and takes them on every version.
///
/// Not a stream, though it could be read by offset: a stream keeps messages as AMQP 1.0, and on the way there header
/// tables and lists are lost (measured on 4.0.5: of a trace nothing is left but its texts), and dead-lettering a message
/// with some header types into one crashes the queue that it comes from (4.0.5, `mc_amqpl:convert_to`).
pub(super) fn spec(tap: &Tap, source: Source) -> Spec {
    let name = format!("{}{}.{}", Tap::QUEUE_PREFIX, tap.instance, source.name());
    let mut arguments = FieldTable::default();
    // Explicit, because a vhost can have another default type.
    arguments.insert("x-queue-type".into(), text(KIND));
    arguments.insert("x-max-length-bytes".into(), number(tap.queue_bytes_max));
    arguments.insert("x-overflow".into(), text("drop-head"));
    arguments.insert("x-expires".into(), number(millis(tap.queue_expires)));
    // An exchange that nobody declares: a policy cannot send messages that the tap must drop to a dead-letter exchange
    // of the applications, and the broker drops them silently.
    arguments.insert("x-dead-letter-exchange".into(), text(NO_EXCHANGE));
    arguments.insert("x-single-active-consumer".into(), AMQPValue::Boolean(true));
    Spec { name, arguments }
}

/// Must not exist; within the names that the tap's user may write to anyway.
const NO_EXCHANGE: &str = "hoptrail.none";

/// The type of all tap queues.
pub(super) const KIND: &str = "classic";

fn text(text: &str) -> AMQPValue {
    AMQPValue::LongString(text.into())
}

fn number(number: u64) -> AMQPValue {
    AMQPValue::LongLongInt(i64::try_from(number).unwrap_or(i64::MAX))
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// How a declaration found the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Declaration {
    /// It was there, with these settings.
    Kept,
    /// It was not there.
    Created,
    /// It was there with other settings, and was deleted with the messages in it.
    Replaced,
}

/// A declared queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Declared {
    pub how: Declaration,
    /// Messages that wait in it.
    pub messages: u32,
}

/// Makes the queue be there as `spec` says.
pub(super) async fn declare(connection: &Connection, spec: &Spec) -> Result<Declared, AmqpError> {
    let there = match attempt(connection, spec, true).await {
        Ok(_) => true,
        Err(AmqpError::Refused { code: NOT_FOUND, .. }) => false,
        Err(error) => return Err(error),
    };
    match attempt(connection, spec, false).await {
        Ok(messages) => Ok(Declared { how: if there { Declaration::Kept } else { Declaration::Created }, messages }),
        Err(AmqpError::Refused { code: PRECONDITION_FAILED, .. }) if there => {
            let channel = connection.create_channel().await?;
            channel.queue_delete(spec.name.as_str().into(), QueueDeleteOptions::default()).await?;
            let messages = attempt(connection, spec, false).await?;
            Ok(Declared { how: Declaration::Replaced, messages })
        }
        Err(error) => Err(error),
    }
}

async fn attempt(connection: &Connection, spec: &Spec, passive: bool) -> Result<u32, AmqpError> {
    let channel = connection.create_channel().await?;
    let options = QueueDeclareOptions { passive, durable: true, ..QueueDeclareOptions::default() };
    let queue = channel.queue_declare(spec.name.as_str().into(), options, spec.arguments.clone()).await?;
    Ok(queue.message_count())
}

/// Messages that wait in the queue and are not on their way to anybody.
pub(super) async fn waiting(channel: &Channel, spec: &Spec) -> Result<u32, AmqpError> {
    let passive = QueueDeclareOptions { passive: true, durable: true, ..QueueDeclareOptions::default() };
    Ok(channel.queue_declare(spec.name.as_str().into(), passive, FieldTable::default()).await?.message_count())
}

/// Starts reading the queue, on a channel of its own.
pub(super) async fn consume(
    connection: &Connection,
    spec: &Spec,
    prefetch: u16,
) -> Result<(Channel, Consumer), AmqpError> {
    let channel = connection.create_channel().await?;
    // Finite also because length limits count only messages that wait, not those that are delivered and not
    // acknowledged (RabbitMQ's length limit guide).
    channel.basic_qos(prefetch, BasicQosOptions::default()).await?;
    let (queue, options) = (spec.name.as_str().into(), BasicConsumeOptions::default());
    let consumer = channel.basic_consume(queue, "hoptrail".into(), options, FieldTable::default()).await?;
    Ok((channel, consumer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_queue_is_bounded_drops_the_oldest_and_dead_letters_nowhere() {
        let flags = vec![("tap.queue_bytes_max".to_owned(), "64MiB".to_owned())];
        let tap = crate::config::load(None, [], &flags).expect("settings").tap;
        for source in [Source::Binding, Source::Firehose, Source::DeadLetter, Source::Events] {
            let spec = spec(&tap, source);
            assert_eq!(spec.name, format!("hoptrail.default.{source}"));
            let argument = |name: &str| spec.arguments.inner().get(name).cloned();
            assert_eq!(argument("x-queue-type"), Some(text("classic")));
            assert_eq!(argument("x-max-length-bytes"), Some(AMQPValue::LongLongInt(64 << 20)));
            assert_eq!(argument("x-overflow"), Some(text("drop-head")));
            assert_eq!(argument("x-expires"), Some(AMQPValue::LongLongInt(259_200_000)));
            assert_eq!(argument("x-dead-letter-exchange"), Some(text("hoptrail.none")));
        }
    }
}
