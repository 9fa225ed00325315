//! The facts beside a headline: whose turn it is, and the next step.

use crate::model::SettlementKind;
use crate::model::verdict::{Answer, DeadLetter, Fate, GivenBack, Newest, Sent, Stay, Turn, Verdict, Wait};

use super::language::Words;
use super::messages::Exchange;

impl Words {
    /// The party that must act now.
    pub(super) fn whose_turn(&self, turn: &Turn) -> String {
        self.turn(turn)
    }

    /// The usual next step, or the advised action.
    pub(super) fn next(&self, verdict: &Verdict) -> Option<String> {
        let turn = verdict.whose_turn();
        Some(match verdict {
            Verdict::DeadLettered(dead) => self.after_death(dead, &turn?),
            Verdict::Unroutable(sent) => {
                let key = sent.routing_key.as_deref().unwrap_or_default();
                self.next_bind(Exchange(sent.exchange.as_ref()), key)
            }
            Verdict::Undelivered(wait) => self.to_be_delivered(wait, &turn?),
            Verdict::Unsettled(_) => self.next_settle(&turn?),
            Verdict::Overdue(stay) => self.after_limit(stay, turn.as_ref())?,
            Verdict::InStatus(stay) => self.after_status(stay, turn.as_ref())?,
            Verdict::Waiting(wait) if wait.answer == Answer::Refused => self.next_broker_refused(),
            Verdict::Waiting(_) => self.next_take(&turn?),
            Verdict::Held(_) => self.next_finish(&turn?),
            Verdict::Completed(completion) => self.next(completion.but.as_deref()?)?,
            Verdict::Delivered(_) | Verdict::Unobserved => return None,
            Verdict::OutOfSight(_) => self.next_out_of_sight(&turn?),
            Verdict::Refused(_) => self.next_rejected(&turn?),
            Verdict::Sent(sent) => self.after_sending(sent, &turn?),
            Verdict::Spike(_) => self.next_spike(&turn?),
        })
    }

    fn after_death(&self, DeadLetter { queue, reason, fate, .. }: &DeadLetter, turn: &Turn) -> String {
        match fate {
            Fate::Held(Some(_)) => return self.next_dead_held(turn),
            Fate::Taken(Some(_)) => return self.next_dead_taken(turn),
            Fate::Refused(Some(_)) => return self.next_rejected(turn),
            _ => {}
        }
        match &**reason {
            "rejected" | "delivery_limit" => self.next_rejected(turn),
            "expired" => self.next_expired(queue),
            "maxlen" => self.next_maxlen(queue),
            _ => self.next_given_up(queue),
        }
    }

    fn to_be_delivered(&self, wait: &Wait, turn: &Turn) -> String {
        match (&wait.given_back, wait.answer) {
            (Some(back), _) => self.after_return(back, turn),
            (None, Answer::Refused) => self.next_broker_refused(),
            (None, Answer::Awaited) => self.next_unconfirmed(&wait.queue),
            (None, _) => self.next_connect(&wait.queue),
        }
    }

    fn after_return(&self, GivenBack { times, kind, .. }: &GivenBack, turn: &Turn) -> String {
        match kind {
            SettlementKind::Close => self.next_channel_closed(turn, *times),
            _ => self.next_given_back(turn, *times),
        }
    }

    fn after_limit(&self, stay: &Stay, turn: Option<&Turn>) -> Option<String> {
        match (&stay.follows, turn) {
            (Some(follows), Some(turn)) => Some(self.next_overdue_status(follows, turn)),
            (None, Some(turn)) => Some(self.next_overdue(turn)),
            (Some(follows), None) => Some(self.next_status(follows)),
            (None, None) => None,
        }
    }

    fn after_status(&self, stay: &Stay, turn: Option<&Turn>) -> Option<String> {
        match (&stay.newest, &stay.follows, turn) {
            (Some(Newest::OutOfSight(..)), _, Some(turn)) => Some(self.next_out_of_sight(turn)),
            (Some(Newest::Refused(..)), _, Some(turn)) => Some(self.next_rejected(turn)),
            (Some(Newest::Waits(_, Some(back))), _, Some(turn)) => Some(self.after_return(back, turn)),
            (_, Some(follows), _) => Some(self.next_status(follows)),
            (Some(Newest::Waits(..)), None, Some(turn)) => Some(self.next_take(turn)),
            (Some(Newest::Held(..)), None, Some(turn)) => Some(self.next_finish(turn)),
            _ => None,
        }
    }

    fn after_sending(&self, sent: &Sent, turn: &Turn) -> String {
        match sent.answer {
            Answer::Refused | Answer::Awaited => self.next_unanswered(turn),
            Answer::Unknown | Answer::Confirmed | Answer::Returned => self.next_observe(),
        }
    }
}
