//! Headlines.

use crate::model::AlertState;
use crate::model::verdict::{Answer, Completion, DeadLetter, Delivery, Fate, Hold, Sent, Spike, Stay, Verdict, Wait};

use super::language::Words;
use super::messages::Exchange;

impl Words {
    /// The headline, in at most 25 words.
    #[must_use]
    pub fn headline(&self, verdict: &Verdict) -> String {
        match verdict {
            Verdict::DeadLettered(dead) => format!("{} {}", self.died(dead), self.fate(&dead.fate)),
            Verdict::Unroutable(lost) => self.went_nowhere(lost),
            Verdict::Undelivered(wait) => self.waits_too_long(wait),
            Verdict::Unsettled(Hold { message, consumer, queue, lasts, limit, .. }) => {
                self.unsettled(consumer.as_ref(), message, queue, *lasts, *limit)
            }
            Verdict::Overdue(stay) | Verdict::InStatus(stay) => self.stays(stay),
            Verdict::Waiting(wait) => self.waits(wait),
            Verdict::Held(Hold { message, consumer, queue, lasts, limit, .. }) => {
                self.held(consumer.as_ref(), message, queue, *lasts, *limit)
            }
            Verdict::Completed(completion) => self.is_over(completion),
            Verdict::Delivered(taken) => self.was_taken(taken),
            Verdict::OutOfSight(Delivery { message, consumer, queue, at, .. }) => {
                self.out_of_sight(consumer.as_ref(), message, queue, *at)
            }
            Verdict::Refused(Delivery { message, consumer, queue, at, .. }) => {
                self.refused(consumer.as_ref(), message, queue, *at)
            }
            Verdict::Sent(sent) => self.was_sent(sent),
            Verdict::Unobserved => self.unobserved(),
            Verdict::Spike(spike) => self.spike(spike),
        }
    }

    fn died(&self, dead: &DeadLetter) -> String {
        let DeadLetter { message, queue, reason, times, deliveries, consumer, at, .. } = dead;
        match &**reason {
            "rejected" => self.dead_rejected(consumer.as_ref(), message, queue, *times, *at),
            "expired" => self.dead_expired(message, queue, *times, *at),
            "maxlen" => self.dead_maxlen(message, queue, *at),
            "delivery_limit" => self.dead_delivery_limit(message, queue, *deliveries, *at),
            other => self.dead_other(message, queue, *times, *at, other),
        }
    }

    fn fate(&self, fate: &Fate) -> String {
        match fate {
            Fate::Waits => self.fate_waits(),
            Fate::Held(consumer) => self.fate_held(consumer.as_ref()),
            Fate::Taken(consumer) => self.fate_taken(consumer.as_ref()),
            Fate::Refused(consumer) => self.fate_refused(consumer.as_ref()),
            Fate::GivenBack(consumer) => self.fate_given_back(consumer.as_ref()),
            Fate::Unseen => self.fate_unseen(),
        }
    }

    fn went_nowhere(&self, Sent { message, publisher, exchange, routing_key, at, answer }: &Sent) -> String {
        let (publisher, key) = (publisher.as_ref(), routing_key.as_deref().unwrap_or_default());
        let exchange = Exchange(exchange.as_ref());
        match answer {
            Answer::Returned => self.unroutable_returned(publisher, message, exchange, key, *at),
            _ => self.unroutable_lost(publisher, message, exchange, key, *at),
        }
    }

    fn waits_too_long(&self, Wait { message, queue, lasts, limit, given_back, .. }: &Wait) -> String {
        match given_back {
            Some(back) => self.undelivered_given_back(back.consumer.as_ref(), message, queue, *lasts, *limit),
            None => self.undelivered(message, queue, *lasts, *limit),
        }
    }

    fn waits(&self, Wait { message, queue, queues, lasts, limit, given_back, .. }: &Wait) -> String {
        match given_back {
            Some(back) => self.waiting_given_back(back.consumer.as_ref(), message, queue, *lasts, *limit),
            None => self.waiting(message, *queues, queue, *lasts, *limit),
        }
    }

    fn stays(&self, Stay { status, lasts, limit, .. }: &Stay) -> String {
        match limit {
            Some(limit) if lasts > limit => self.overdue(status, *lasts, *limit),
            Some(limit) => self.in_status_left(status, *lasts, limit.saturating_sub(*lasts)),
            None => self.in_status(status, *lasts),
        }
    }

    fn is_over(&self, Completion { status, at, first, but }: &Completion) -> String {
        let completed = match first {
            Some((first, took)) => self.completed_after(status, *at, *took, first),
            None => self.completed(status, *at),
        };
        match but.as_deref().and_then(|but| self.but(but)) {
            Some(but) => format!("{completed} {but}"),
            None => completed,
        }
    }

    /// The trouble of a message, for an order that is completed.
    fn but(&self, verdict: &Verdict) -> Option<String> {
        Some(match verdict {
            Verdict::DeadLettered(dead) => self.but_dead(&dead.message, &dead.queue),
            Verdict::Unroutable(sent) => self.but_unroutable(&sent.message),
            Verdict::Undelivered(wait) => self.but_undelivered(&wait.message, &wait.queue),
            Verdict::Unsettled(hold) => self.but_unsettled(hold.consumer.as_ref(), &hold.message),
            _ => return None,
        })
    }

    fn was_taken(&self, Delivery { message, consumer, queue, queues, at, held }: &Delivery) -> String {
        match held {
            _ if *queues > 1 => self.delivered_to_all(consumer.as_ref(), message, *queues, *at),
            Some(held) => self.delivered_finished(consumer.as_ref(), message, queue, *at, *held),
            None => self.delivered(consumer.as_ref(), message, queue, *at),
        }
    }

    fn was_sent(&self, Sent { message, publisher, at, answer, .. }: &Sent) -> String {
        match answer {
            Answer::Unknown | Answer::Returned => self.sent(publisher.as_ref(), message, *at),
            Answer::Awaited => self.sent_unconfirmed(publisher.as_ref(), message, *at),
            Answer::Confirmed => self.sent_confirmed(publisher.as_ref(), message, *at),
            Answer::Refused => self.sent_refused(publisher.as_ref(), message, *at),
        }
    }

    fn spike(&self, Spike { state, queue, reason, count, threshold, window, .. }: &Spike) -> String {
        let spike = match &**reason {
            "rejected" => self.spike_rejected(*count, queue, *window, *threshold),
            "expired" => self.spike_expired(*count, queue, *window, *threshold),
            "maxlen" => self.spike_maxlen(*count, queue, *window, *threshold),
            "delivery_limit" => self.spike_delivery_limit(*count, queue, *window, *threshold),
            other => self.spike_other(*count, queue, other, *window, *threshold),
        };
        match state {
            AlertState::Firing => spike,
            AlertState::Resolved => self.spike_over(&spike),
        }
    }
}
