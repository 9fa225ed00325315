//! Which queue a channel's consumers and gets take from.

use std::collections::{BTreeMap, VecDeque};

use super::holes::Why;
use super::scene::Scene;
use crate::model::{Str, Timestamp};

/// Where deliveries come from, and whether they are settled by being sent.
#[derive(Clone, Debug)]
pub(super) struct Consumer {
    pub(super) queue: Str,
    pub(super) no_ack: bool,
    /// The declaration whose answer names the queue.
    awaits: Option<u64>,
    /// Cancelled without an answer: deliveries may still be under way.
    ended: bool,
}

/// Requests for deliveries and their answers, on one channel: the broker answers in order.
#[derive(Debug, Default)]
pub(super) struct Consumers {
    consumers: BTreeMap<Str, Consumer>,
    consuming: VecDeque<Consumer>,
    getting: VecDeque<Consumer>,
    /// The queue that an empty name means: the one that the channel declared last (AMQP 0-9-1, `basic.consume`); or
    /// the declaration whose answer will name it.
    declared: (Str, Option<u64>),
    /// Declarations to be answered: of those that leave the name to the broker, their number.
    declaring: VecDeque<Option<u64>>,
    /// Of the last declaration without a name.
    number: u64,
}

impl Consumers {
    pub(super) fn declare(&mut self, queue: Str, no_wait: bool, channel: u16, at: Timestamp, scene: &mut Scene) {
        let awaits = queue.is_empty().then(|| {
            self.number += 1;
            self.number
        });
        self.declared = (queue, awaits);
        if no_wait {
            return;
        }
        if scene.consumers >= scene.limits.consumers_max {
            return scene.holes.note(channel, Why::Consumers, at);
        }
        scene.consumers += 1;
        self.declaring.push_back(awaits);
    }

    pub(super) fn declare_ok(&mut self, queue: Str, scene: &mut Scene) {
        let Some(answered) = self.declaring.pop_front() else { return };
        scene.consumers = scene.consumers.saturating_sub(1);
        if answered.is_none() {
            return;
        }
        if self.declared.1 == answered {
            self.declared = (queue.clone(), None);
        }
        let all = self.consumers.values_mut().chain(&mut self.consuming).chain(&mut self.getting);
        for consumer in all.filter(|consumer| consumer.awaits == answered) {
            (consumer.queue, consumer.awaits) = (queue.clone(), None);
        }
    }

    /// By the name as it was sent.
    fn consumer(&self, queue: Str, no_ack: bool) -> Consumer {
        let (queue, awaits) = if queue.is_empty() { self.declared.clone() } else { (queue, None) };
        Consumer { queue, no_ack, awaits, ended: false }
    }

    pub(super) fn consume(
        &mut self,
        (queue, no_ack): (Str, bool),
        tag_without_answer: Option<Str>,
        channel: u16,
        at: Timestamp,
        scene: &mut Scene,
    ) {
        let consumer = self.consumer(queue, no_ack);
        if scene.consumers >= scene.limits.consumers_max {
            scene.consumers -= self.forget_ended();
        }
        if scene.consumers >= scene.limits.consumers_max {
            return scene.holes.note(channel, Why::Consumers, at);
        }
        scene.consumers += 1;
        match tag_without_answer {
            Some(tag) => self.insert(tag, consumer, scene),
            None => self.consuming.push_back(consumer),
        }
    }

    pub(super) fn consume_ok(&mut self, tag: Str, scene: &mut Scene) {
        if let Some(consumer) = self.consuming.pop_front() {
            self.insert(tag, consumer, scene);
        }
    }

    fn insert(&mut self, tag: Str, consumer: Consumer, scene: &mut Scene) {
        if self.consumers.insert(tag, consumer).is_some() {
            scene.consumers = scene.consumers.saturating_sub(1);
        }
    }

    /// Cancelled, and nothing more is under way.
    pub(super) fn cancelled(&mut self, tag: &str, scene: &mut Scene) {
        if self.consumers.remove(tag).is_some() {
            scene.consumers = scene.consumers.saturating_sub(1);
        }
    }

    /// Cancelled without an answer.
    pub(super) fn ended(&mut self, tag: &str) {
        if let Some(consumer) = self.consumers.get_mut(tag) {
            consumer.ended = true;
        }
    }

    pub(super) fn get(&mut self, queue: Str, no_ack: bool, channel: u16, at: Timestamp, scene: &mut Scene) {
        if scene.consumers >= scene.limits.consumers_max {
            return scene.holes.note(channel, Why::Consumers, at);
        }
        scene.consumers += 1;
        let asked = self.consumer(queue, no_ack);
        self.getting.push_back(asked);
    }

    /// What the oldest get asked for.
    pub(super) fn got(&mut self, scene: &mut Scene) -> Option<Consumer> {
        let consumer = self.getting.pop_front()?;
        scene.consumers = scene.consumers.saturating_sub(1);
        Some(consumer)
    }

    pub(super) fn of(&self, tag: &str) -> Option<&Consumer> {
        self.consumers.get(tag)
    }

    /// How many there are, requests included.
    pub(super) fn len(&self) -> usize {
        self.consumers.len() + self.consuming.len() + self.getting.len() + self.declaring.len()
    }

    fn forget_ended(&mut self) -> usize {
        let before = self.consumers.len();
        self.consumers.retain(|_, consumer| !consumer.ended);
        before - self.consumers.len()
    }
}
