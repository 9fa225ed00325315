//! The methods of a channel, except those that open or close it.

use super::state::Channel;
use crate::model::{Event, Kind, Party, Return, Settlement, SettlementKind, Side};
use crate::wire::content::{Purpose, Unfinished};
use crate::wire::holes::Why;
use crate::wire::method::Method;
use crate::wire::telling::Telling;
use crate::wire::transaction::Outcome;

impl Channel {
    /// A method that neither opens nor closes the channel.
    pub(in crate::wire) fn method(&mut self, side: Side, method: Method<'_>, telling: &mut Telling<'_>) {
        // After the broker closed a channel, it reads nothing more from the channel and sends nothing on it.
        if self.released || side == Side::Client && self.is_closed_by(Party::Broker) {
            return;
        }
        match side {
            Side::Client => self.client_says(method, telling),
            Side::Broker => self.broker_says(method, telling),
        }
    }

    fn client_says(&mut self, method: Method<'_>, telling: &mut Telling<'_>) {
        let (number, at) = (self.number, telling.at);
        match method {
            Method::Publish { exchange, routing_key } => {
                let mut event = self.addressed(Kind::Publish, exchange, routing_key, telling);
                // The broker numbers every publish, even one that cannot be followed to its end here.
                event.delivery_tag = self.number_publish();
                self.begin(Side::Client, Unfinished::new(event, Purpose::Publish), telling);
            }
            Method::Ack { tag, multiple } => self.settle(tag, how(SettlementKind::Ack, false, multiple), telling),
            Method::Nack { tag, multiple, requeue } => {
                self.settle(tag, how(SettlementKind::Nack, requeue, multiple), telling);
            }
            Method::Reject { tag, requeue } => self.settle(tag, how(SettlementKind::Reject, requeue, false), telling),
            Method::QueueDeclare { queue, no_wait } => {
                let queue = telling.scene.names.get(queue);
                self.consumers.declare(queue, no_wait, number, at, telling.scene);
            }
            Method::Consume { queue, consumer_tag, no_ack, no_wait } => {
                let queue = telling.scene.names.get(queue);
                let tag = no_wait.then(|| telling.scene.names.get(consumer_tag));
                self.consumers.consume((queue, no_ack), tag, number, at, telling.scene);
            }
            Method::Cancel { consumer_tag, no_wait: true } => {
                let tag = telling.scene.names.get(consumer_tag);
                self.consumers.ended(&tag);
            }
            Method::Get { queue, no_ack } => {
                let queue = telling.scene.names.get(queue);
                self.consumers.get(queue, no_ack, number, at, telling.scene);
            }
            Method::ConfirmSelect if self.next_publish.is_none() => self.next_publish = Some(1),
            Method::TxSelect if self.transaction.is_none() => self.transaction = Some(Box::default()),
            Method::TxCommit => self.end_transaction(Outcome::Commit, telling),
            Method::TxRollback => self.end_transaction(Outcome::Rollback, telling),
            Method::RecoverAsync => self.give_back(SettlementKind::Recover, telling),
            _ => {}
        }
    }

    fn broker_says(&mut self, method: Method<'_>, telling: &mut Telling<'_>) {
        match method {
            Method::Deliver { consumer_tag, tag, redelivered, exchange, routing_key } => {
                let mut event = self.delivery((tag, redelivered), exchange, routing_key, telling);
                let consumer_tag = telling.scene.names.get(consumer_tag);
                let consumer = self.consumers.of(&consumer_tag);
                if consumer.is_none() {
                    telling.miss(self.number, Why::UnknownConsumer);
                }
                event.queue = consumer.map(|consumer| consumer.queue.clone());
                event.consumer_tag = Some(consumer_tag);
                let no_ack = consumer.is_some_and(|consumer| consumer.no_ack);
                self.begin(Side::Broker, Unfinished::new(event, Purpose::Deliver { no_ack }), telling);
            }
            Method::GetOk { tag, redelivered, exchange, routing_key } => {
                let mut event = self.delivery((tag, redelivered), exchange, routing_key, telling);
                let asked = self.consumers.got(telling.scene);
                if asked.is_none() {
                    telling.miss(self.number, Why::UnknownConsumer);
                }
                let no_ack = asked.as_ref().is_some_and(|asked| asked.no_ack);
                event.queue = asked.map(|asked| asked.queue);
                self.begin(Side::Broker, Unfinished::new(event, Purpose::Deliver { no_ack }), telling);
            }
            Method::Return { code, text: reason, exchange, routing_key } => {
                let mut event = self.addressed(Kind::Return, exchange, routing_key, telling);
                event.returned = Some(Return { code, text: telling.scene.names.get(reason) });
                self.begin(Side::Broker, Unfinished::new(event, Purpose::Return), telling);
            }
            Method::Ack { tag, multiple } => self.confirm(tag, SettlementKind::Ack, multiple, telling),
            Method::Nack { tag, multiple, .. } => self.confirm(tag, SettlementKind::Nack, multiple, telling),
            Method::GetEmpty => drop(self.consumers.got(telling.scene)),
            Method::QueueDeclareOk { queue } => {
                let queue = telling.scene.names.get(queue);
                self.consumers.declare_ok(queue, telling.scene);
            }
            Method::ConsumeOk { consumer_tag } => {
                let tag = telling.scene.names.get(consumer_tag);
                self.consumers.consume_ok(tag, telling.scene);
            }
            // A cancel from the broker says that the consumer is gone.
            Method::CancelOk { consumer_tag } | Method::Cancel { consumer_tag, .. } => {
                let tag = telling.scene.names.get(consumer_tag);
                self.consumers.cancelled(&tag, telling.scene);
            }
            Method::RecoverOk => self.give_back(SettlementKind::Recover, telling),
            Method::TxCommitOk => self.committed(telling),
            Method::TxRollbackOk => self.rolled_back(telling.scene),
            _ => {}
        }
    }

    fn delivery(
        &self,
        (tag, redelivered): (u64, bool),
        exchange: &[u8],
        routing_key: &[u8],
        telling: &mut Telling<'_>,
    ) -> Event {
        let mut event = self.addressed(Kind::Deliver, exchange, routing_key, telling);
        event.delivery_tag = Some(tag);
        event.redelivered = Some(redelivered);
        event
    }

    fn addressed(&self, kind: Kind, exchange: &[u8], routing_key: &[u8], telling: &mut Telling<'_>) -> Event {
        let mut event = telling.event(kind, self.number);
        event.exchange = Some(telling.scene.names.get(exchange));
        event.routing_key = Some(telling.scene.names.get(routing_key));
        event
    }
}

fn how(kind: SettlementKind, requeue: bool, multiple: bool) -> Settlement {
    Settlement { kind, requeue, multiple }
}
