//! The queues of a channel's consumers and gets.

use std::collections::{BTreeMap, VecDeque};

use super::holes::Why;
use super::scene::Scene;
use crate::model::{Str, Timestamp};

/// The queue of some deliveries, and whether sending a delivery settles it.
#[derive(Clone, Debug)]
pub(super) struct Consumer {
    pub(super) queue: Str,
    pub(super) no_ack: bool,
    /// The declaration whose answer names the queue.
    awaits: Option<u64>,
    /// The consumer was cancelled without an answer: deliveries may still be under way.
    ended: bool,
}

/// Requests of one kind that are not answered. The broker answers in order, including requests that are not remembered.
#[derive(Debug)]
struct Asked<T> {
    heard: VecDeque<T>,
    /// Later requests, for which there was no room.
    unheard: u64,
}

impl<T> Default for Asked<T> {
    fn default() -> Self {
        Asked { heard: VecDeque::new(), unheard: 0 }
    }
}

impl<T> Asked<T> {
    fn ask(&mut self, request: T, channel: u16, at: Timestamp, scene: &mut Scene) {
        if self.unheard > 0 || !scene.may_hold_consumer() {
            self.unheard += 1;
            return scene.holes.note(channel, Why::Consumers, at);
        }
        scene.consumers += 1;
        self.heard.push_back(request);
    }

    /// Takes the request of the answer that has come. `None`: the request is not known.
    fn answered(&mut self, scene: &mut Scene) -> Option<T> {
        let Some(request) = self.heard.pop_front() else {
            self.unheard = self.unheard.saturating_sub(1);
            return None;
        };
        scene.consumers -= 1;
        Some(request)
    }
}

/// Requests for deliveries and their answers, on one channel: the broker answers in order.
#[derive(Debug, Default)]
pub(super) struct Consumers {
    consumers: BTreeMap<Str, Consumer>,
    consuming: Asked<Consumer>,
    getting: Asked<Consumer>,
    /// The queue that an empty name means: the one that the channel declared last (AMQP 0-9-1, `basic.consume`). Or the
    /// declaration whose answer will name that queue.
    declared: (Str, Option<u64>),
    /// Declarations that await their answer. A declaration that leaves the name to the broker has a number.
    declaring: Asked<Option<u64>>,
    /// The number of the last declaration without a name.
    number: u64,
}

impl Consumers {
    pub(super) fn declare(&mut self, queue: Str, no_wait: bool, channel: u16, at: Timestamp, scene: &mut Scene) {
        let awaits = queue.is_empty().then(|| {
            self.number += 1;
            self.number
        });
        self.declared = (queue, awaits);
        if !no_wait {
            self.declaring.ask(awaits, channel, at, scene);
        }
    }

    pub(super) fn declare_ok(&mut self, queue: Str, scene: &mut Scene) {
        let Some(answered) = self.declaring.answered(scene) else { return };
        if answered.is_none() {
            return;
        }
        if self.declared.1 == answered {
            self.declared = (queue.clone(), None);
        }
        let asked = self.consuming.heard.iter_mut().chain(&mut self.getting.heard);
        let all = self.consumers.values_mut().chain(asked);
        for consumer in all.filter(|consumer| consumer.awaits == answered) {
            (consumer.queue, consumer.awaits) = (queue.clone(), None);
        }
    }

    /// A consumer of the queue, by the name in the request.
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
        if !scene.may_hold_consumer() {
            scene.consumers -= self.forget_ended();
        }
        match tag_without_answer {
            None => self.consuming.ask(consumer, channel, at, scene),
            Some(_) if !scene.may_hold_consumer() => {
                scene.holes.note(channel, Why::Consumers, at);
            }
            Some(tag) => self.insert(tag, consumer, scene),
        }
    }

    pub(super) fn consume_ok(&mut self, tag: Str, scene: &mut Scene) {
        if let Some(consumer) = self.consuming.answered(scene) {
            self.insert(tag, consumer, scene);
        }
    }

    fn insert(&mut self, tag: Str, consumer: Consumer, scene: &mut Scene) {
        if self.consumers.insert(tag, consumer).is_none() {
            scene.consumers += 1;
        }
    }

    /// The consumer is cancelled, and nothing more is under way.
    pub(super) fn cancelled(&mut self, tag: &str, scene: &mut Scene) {
        if self.consumers.remove(tag).is_some() {
            scene.consumers = scene.consumers.saturating_sub(1);
        }
    }

    /// The consumer is cancelled without an answer.
    pub(super) fn ended(&mut self, tag: &str) {
        if let Some(consumer) = self.consumers.get_mut(tag) {
            consumer.ended = true;
        }
    }

    pub(super) fn get(&mut self, queue: Str, no_ack: bool, channel: u16, at: Timestamp, scene: &mut Scene) {
        let asked = self.consumer(queue, no_ack);
        self.getting.ask(asked, channel, at, scene);
    }

    /// Takes the request of the oldest get.
    pub(super) fn got(&mut self, scene: &mut Scene) -> Option<Consumer> {
        self.getting.answered(scene)
    }

    pub(super) fn of(&self, tag: &str) -> Option<&Consumer> {
        self.consumers.get(tag)
    }

    /// The number of consumers, requests included.
    pub(super) fn len(&self) -> usize {
        self.consumers.len() + self.consuming.heard.len() + self.getting.heard.len() + self.declaring.heard.len()
    }

    fn forget_ended(&mut self) -> usize {
        let before = self.consumers.len();
        self.consumers.retain(|_, consumer| !consumer.ended);
        before - self.consumers.len()
    }
}
