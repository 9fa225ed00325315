//! The observer's thread: it turns every session's bytes into events, and writes each session's figures into the
//! registry.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tracing::debug;

use super::backlog::{Batch, Entry, Next, Receiver, What};
use super::handover::Handover;
use super::pace::Pace;
use crate::clock;
use crate::config::OnFull;
use crate::live::{Live, SessionFigures, Sources};
use crate::model::{Event, Kind, SessionState, Side, Source, SourceState, Str, Timestamp};
use crate::record::Recorder;
use crate::wire::{DeadLetters, Figures, Limits, Observed, Observer, Sink};

/// How often the figures of the sessions are written into the registry.
const SHOWN_EVERY: Duration = Duration::from_millis(500);

/// The state of the thread.
pub(super) struct Observing {
    recorder: Recorder,
    live: Live,
    handover: Handover,
    limits: Limits,
    sessions: HashMap<u64, Watched>,
    /// Sessions whose row in the registry is out of date.
    changed: Vec<u64>,
    shown_at: Option<Instant>,
    pace: Pace,
    /// No tap records beside: the journal keeps events in the order of their times, and one that comes late is given the
    /// time of the newest.
    is_alone: bool,
    /// Those that only deliveries tell of. A tap sees them when they happen, and they would count twice.
    dead_letters: Option<DeadLetters>,
}

/// A session that is observed.
struct Watched {
    observer: Observer,
    bytes_from_client: u64,
    bytes_from_broker: u64,
    /// Service and names as they may be shown: masked.
    shown: Option<Box<Event>>,
    is_changed: bool,
}

impl Observing {
    pub(super) fn new(recorder: Recorder, live: Live, on_full: OnFull, is_alone: bool, runtime: Handle) -> Self {
        Observing {
            handover: Handover::new(recorder.clone(), live.sessions.clone(), on_full, runtime),
            recorder,
            live,
            limits: Limits::default(),
            sessions: HashMap::new(),
            changed: Vec::new(),
            shown_at: None,
            pace: Pace::new(),
            is_alone,
            dead_letters: is_alone.then(|| DeadLetters::new(clock::now())),
        }
    }

    /// Observes until the relay has ended.
    pub(super) fn run(mut self, receiver: &Receiver) {
        loop {
            if self.is_alone {
                let wait = self.pace.wait(receiver.oldest(), receiver.can_wait());
                if !wait.is_zero() {
                    std::thread::sleep(wait);
                    continue;
                }
            }
            match receiver.next(SHOWN_EVERY) {
                Next::Batch(batch) => {
                    self.batch(&batch, receiver);
                    self.pace.observed(batch.bytes.len());
                    receiver.done(batch);
                }
                Next::Nothing => {}
                Next::Closed => break,
            }
            self.handover.tell_dropped();
            let now = clock::instant();
            if self.shown_at.is_none_or(|at| now.duration_since(at) >= SHOWN_EVERY) {
                self.shown_at = Some(now);
                self.show(clock::now());
            }
        }
        self.handover.finish();
    }

    fn batch(&mut self, batch: &Batch, receiver: &Receiver) {
        let mut bytes = &*batch.bytes;
        for entry in &batch.entries {
            let len = if let What::Bytes(_, len) = entry.what { len as usize } else { 0 };
            let (own, rest) = bytes.split_at(len.min(bytes.len()));
            bytes = rest;
            self.entry(entry, own, receiver);
        }
    }

    fn entry(&mut self, entry: &Entry, bytes: &[u8], receiver: &Receiver) {
        let Entry { session, at, what } = entry;
        let Observing { recorder, live, handover, dead_letters, .. } = self;
        let mut out = Out { recorder, sources: &live.sources, handover, dead_letters, receiver, shown: None };
        if let What::Opened(name) = what {
            let observer = Observer::new(self.limits.clone(), name.clone());
            let (bytes_from_client, bytes_from_broker) = (0, 0);
            let watched = Watched { observer, bytes_from_client, bytes_from_broker, shown: None, is_changed: false };
            self.sessions.insert(*session, watched);
            return;
        }
        if let What::Ended(end) = what {
            if let Some(mut watched) = self.sessions.remove(session) {
                watched.observer.end((**end).clone(), *at, &mut out);
            }
            debug!(session, by = ?end.by, reason = &*end.text, "a session has ended");
            return self.live.sessions.closed(*session);
        }
        let Some(watched) = self.sessions.get_mut(session) else { return };
        if !std::mem::replace(&mut watched.is_changed, true) {
            self.changed.push(*session);
        }
        match what {
            What::Bytes(side, len) => {
                watched.count(*side, u64::from(*len));
                watched.observer.feed(*side, bytes, *at, &mut out);
            }
            What::Lost(side, len) => {
                watched.count(*side, *len);
                watched.observer.lost(*len, *at, &mut out);
            }
            What::Opened(_) | What::Ended(_) => {}
        }
        if let Some(shown) = out.shown {
            watched.shown = Some(shown);
        }
    }

    fn show(&mut self, now: Timestamp) {
        for session in self.changed.drain(..) {
            if let Some(watched) = self.sessions.get_mut(&session) {
                watched.is_changed = false;
                self.live.sessions.update(session, watched.figures(), now);
            }
        }
    }
}

/// Where a session's events go. Each is handed on before the next is made: a channel that ends may have held thousands.
struct Out<'a> {
    recorder: &'a Recorder,
    sources: &'a Sources,
    handover: &'a mut Handover,
    dead_letters: &'a mut Option<DeadLetters>,
    receiver: &'a Receiver,
    /// The session is known by name now.
    shown: Option<Box<Event>>,
}

impl Out<'_> {
    fn opened(&mut self, event: &Event) {
        if let Some(vhost) = &event.vhost {
            self.sources.set_state(vhost, Source::Proxy, SourceState::Live, event.at);
        }
        let mut shown = Box::new(event.clone());
        self.recorder.ready(&mut shown);
        self.shown = Some(shown);
    }
}

impl Sink for Out<'_> {
    fn push(&mut self, observed: Observed) {
        if observed.event.kind == Kind::SessionOpen {
            self.opened(&observed.event);
        }
        let is_pressed = || self.receiver.is_pressed();
        let dead_letters = self.dead_letters.as_mut().map(|known| known.told_by(&observed.event));
        for event in dead_letters.into_iter().flatten() {
            self.handover.send(Observed { event, link: None }, is_pressed);
        }
        self.handover.send(observed, is_pressed);
    }
}

impl Watched {
    fn count(&mut self, side: Side, bytes: u64) {
        match side {
            Side::Client => self.bytes_from_client += bytes,
            Side::Broker => self.bytes_from_broker += bytes,
        }
    }

    fn figures(&self) -> SessionFigures {
        let figures = self.observer.figures();
        let state = state(&figures);
        let shown = self.shown.as_deref();
        let count = |count: usize| count as u64;
        SessionFigures {
            session: shown.and_then(|event| event.session.clone()).unwrap_or_default(),
            service: shown.and_then(|event| event.service.clone()),
            vhost: shown.and_then(|event| event.vhost.clone()),
            channels: count(figures.channels),
            published: figures.published,
            delivered: figures.delivered,
            unconfirmed: count(figures.unconfirmed),
            unsettled: count(figures.unsettled),
            oldest_unsettled_at: figures.oldest_unsettled_at,
            bytes_from_client: self.bytes_from_client,
            bytes_from_broker: self.bytes_from_broker,
            state,
            gap: figures.gap.map(|gap| Str::from(&*gap)),
        }
    }
}

fn state(figures: &Figures) -> SessionState {
    match figures {
        Figures { blind: true, .. } => SessionState::Unobserved,
        Figures { closing: true, .. } => SessionState::Closing,
        Figures { blocked: true, .. } => SessionState::Blocked,
        Figures { open: true, .. } => SessionState::Running,
        Figures { .. } => SessionState::Opening,
    }
}
