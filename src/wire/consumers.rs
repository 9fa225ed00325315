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
    /// Cancelled without an answer: deliveries may still be under way.
    ended: bool,
}

/// Requests for deliveries and their answers, on one channel: the broker answers in order.
#[derive(Debug, Default)]
pub(super) struct Consumers {
    consumers: BTreeMap<Str, Consumer>,
    consuming: VecDeque<Consumer>,
    getting: VecDeque<Consumer>,
    /// The queue that an empty name means: the one that the channel declared last (AMQP 0-9-1, `basic.consume`).
    declared: Str,
}

impl Consumers {
    pub(super) fn declared(&mut self, queue: Str) {
        self.declared = queue;
    }

    pub(super) fn consume(
        &mut self,
        (queue, no_ack): (Str, bool),
        tag_without_answer: Option<Str>,
        channel: u16,
        at: Timestamp,
        scene: &mut Scene,
    ) {
        let consumer = Consumer { queue, no_ack, ended: false };
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

    fn insert(&mut self, tag: Str, mut consumer: Consumer, scene: &mut Scene) {
        // By now every declaration before it has been answered.
        if consumer.queue.is_empty() {
            consumer.queue = self.declared.clone();
        }
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
        self.getting.push_back(Consumer { queue, no_ack, ended: false });
    }

    /// What the oldest get asked for.
    pub(super) fn got(&mut self, scene: &mut Scene) -> Option<Consumer> {
        let mut consumer = self.getting.pop_front()?;
        scene.consumers = scene.consumers.saturating_sub(1);
        if consumer.queue.is_empty() {
            consumer.queue = self.declared.clone();
        }
        Some(consumer)
    }

    pub(super) fn of(&self, tag: &str) -> Option<&Consumer> {
        self.consumers.get(tag)
    }

    /// How many there are, requests included.
    pub(super) fn len(&self) -> usize {
        self.consumers.len() + self.consuming.len() + self.getting.len()
    }

    fn forget_ended(&mut self) -> usize {
        let before = self.consumers.len();
        self.consumers.retain(|_, consumer| !consumer.ended);
        before - self.consumers.len()
    }
}
