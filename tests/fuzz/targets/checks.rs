//! An observer, and what must hold of everything that it says.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hoptrail::model::{Event, Kind, Link, Party, Side, Timestamp};
use hoptrail::wire::{End, Limits, Observed, Observer};

/// Events that a few bytes may make besides those that have their own: opening, closing, and gaps.
const SPARE: u64 = 200;

/// No frame is shorter, with a method in it; and none makes more than one event, one settlement of it and one gap.
const BYTES_OF_EVENT: u64 = 4;

pub struct Checks {
    observer: Observer,
    limits: Limits,
    now: i64,
    /// Bytes it was given.
    given: u64,
    events: u64,
    body_bytes: u64,
    opened: bool,
    /// It has said that it sees no more.
    blind: bool,
    /// Deliveries by channel and tag; and that a tag came again, which forgets the delivery that had it.
    tags: BTreeSet<(Option<u16>, u64)>,
    repeats: bool,
    /// Messages whose keys were given, by where they are: and how often they were taken.
    keys: BTreeMap<usize, Taken>,
}

struct Taken {
    of: Kind,
    times: u32,
    /// Keeps the place from being given to another.
    _keys: Link,
}

impl Checks {
    pub fn new(limits: Limits) -> Checks {
        let observer = Observer::new(limits.clone(), "10.0.0.7:51234 -> 127.0.0.1:5673".into());
        Checks {
            observer,
            limits,
            now: 1_795_226_400_000_000,
            given: 0,
            events: 0,
            body_bytes: 0,
            opened: false,
            blind: false,
            tags: BTreeSet::new(),
            repeats: false,
            keys: BTreeMap::new(),
        }
    }

    pub fn later(&mut self, micros: u32) {
        self.now += i64::from(micros);
    }

    pub fn feed(&mut self, side: Side, bytes: &[u8]) {
        self.feed_and_see(side, bytes);
    }

    pub fn feed_and_see(&mut self, side: Side, bytes: &[u8]) -> Vec<Observed> {
        let mut out = Vec::new();
        let was_blind = self.blind;
        self.given += bytes.len() as u64;
        self.observer.feed(side, bytes, self.at(), &mut out);
        assert!(!was_blind || out.is_empty(), "a blind observer sees {out:?}");
        self.check(&out);
        out
    }

    pub fn lost(&mut self, bytes: u64) {
        let mut out = Vec::new();
        self.observer.lost(bytes, self.at(), &mut out);
        self.check(&out);
    }

    pub fn end(mut self) {
        let unsettled = self.observer.figures().unsettled;
        let blind = self.observer.figures().blind;
        let mut out = Vec::new();
        self.observer.end(End { by: Party::Client, text: "it ended".into() }, self.at(), &mut out);
        self.check(&out);
        if self.opened {
            let last = out.last().map(|observed| observed.event.kind);
            assert_eq!(last, Some(Kind::SessionClose), "a session that was opened is closed");
        }
        let settled = out.iter().filter(|observed| observed.event.kind == Kind::Settle).count();
        assert_eq!(settled, unsettled, "what is not settled goes back at the end");
        // Blind, it lets go of what it remembered; otherwise every delivery that is followed has its settlement.
        let open = self.keys.values().filter(|taken| taken.of == Kind::Deliver && taken.times == 0).count();
        assert!(blind || self.repeats || open == 0, "{open} deliveries were followed and have no settlement");
    }

    fn at(&self) -> Timestamp {
        Timestamp::from_micros(self.now)
    }

    fn check(&mut self, out: &[Observed]) {
        for observed in out {
            self.check_event(&observed.event);
            self.check_link(observed);
        }
        let figures = self.observer.figures();
        self.blind = figures.blind;
        assert!(figures.unsettled <= self.limits.unsettled_max, "{figures:?}");
        assert!(figures.unconfirmed <= self.limits.unconfirmed_max, "{figures:?}");
        assert!(self.events <= self.given / BYTES_OF_EVENT + SPARE, "{} events of {} bytes", self.events, self.given);
        assert!(self.body_bytes <= self.given, "{} bytes of bodies from {} bytes", self.body_bytes, self.given);
    }

    fn check_event(&mut self, event: &Event) {
        self.events += 1;
        // A gap is told when it is over.
        let late = event.kind == Kind::Gap && event.at < self.at();
        assert!(late || event.at == self.at(), "an event of another time: {event:?}");
        let opens = event.kind == Kind::SessionOpen;
        assert!(self.opened || opens || event.kind == Kind::Gap, "before the session is told: {event:?}");
        assert!(!(self.opened && opens), "opened twice");
        self.opened |= opens;
        assert_eq!(event.gap.is_some(), event.kind == Kind::Gap, "{event:?}");
        if let Some(gap) = &event.gap {
            assert!(gap.from <= gap.to && gap.to <= self.at(), "{gap:?}");
        }
        if let (Kind::Deliver, Some(tag)) = (event.kind, event.delivery_tag) {
            let channel = event.session.as_ref().and_then(|session| session.channel);
            self.repeats |= !self.tags.insert((channel, tag));
        }
        if let Some(body) = &event.body {
            let kept = body.data.len();
            self.body_bytes += kept as u64;
            assert!(kept <= self.limits.body_bytes_max && kept as u64 <= body.len, "{kept} of {} bytes", body.len);
            assert_eq!(body.truncated, (kept as u64) < body.len, "{kept} of {} bytes", body.len);
        }
    }

    /// Keys are given before they are taken, by what has the content; and a message is settled or confirmed once.
    fn check_link(&mut self, observed: &Observed) {
        let kind = observed.event.kind;
        match &observed.link {
            Some(link @ Link::Gives(keys)) => {
                assert!(matches!(kind, Kind::Publish | Kind::Deliver), "{kind} gives keys");
                let taken = Taken { of: kind, times: 0, _keys: link.clone() };
                assert!(self.keys.insert(Arc::as_ptr(keys) as usize, taken).is_none(), "keys are given twice");
            }
            Some(Link::Takes(keys)) => {
                let taken = self.keys.get_mut(&(Arc::as_ptr(keys) as usize)).expect("keys that were given before");
                taken.times += 1;
                let of = if kind == Kind::Confirm { Kind::Publish } else { Kind::Deliver };
                assert_eq!((taken.of, taken.times), (of, 1), "{:?}", observed.event);
            }
            None => assert!(!matches!(kind, Kind::Confirm | Kind::Settle), "without keys: {:?}", observed.event),
        }
    }
}
