//! Events that follow from their number: whoever knows the seed knows what a journal has to hold.

use std::time::Duration;

use hoptrail::journal::{Mark, Policy, Term};
use hoptrail::model::{Body, Event, Fingerprint, Kind, Seq, Source, Timestamp, Value};

use hoptrail_tests::Rng;

/// 2026-11-21.
const START: i64 = 1_795_219_200_000_000;
/// Between one event and the next: a day has 864 events.
const STEP: i64 = 100_000_000;
/// The source whose progress is marked.
const SOURCE: &str = "/ firehose";
/// At most so many events in a batch.
const BATCH_MAX: u64 = 40;
/// Ages at which retention takes something, in events: bodies, what is not critical, everything.
const HOT: u64 = 100;
const WARM: u64 = 200;
const COLD: u64 = 300;

/// All events of a journal.
#[derive(Clone, Copy, Debug)]
pub struct Events {
    pub seed: u64,
}

impl Events {
    /// The event of this number, as the journal has to give it back.
    pub fn event(self, seq: u64) -> Event {
        let mut rng = Rng::new(&[self.seed, seq]);
        let kind = *rng.pick(Kind::ALL);
        let mut event = Event::new(kind, Source::Firehose, at(seq));
        event.seq = Seq(seq);
        event.message_id = Some(message_id(seq).into());
        event.order_id = Some(format!("JW-{}", seq / 5).into());
        event.correlation_id = rng.chance(30).then(|| format!("c-{}", seq / 3).into());
        event.fingerprint = Some(Fingerprint(rng.next().to_le_bytes().repeat(2).try_into().expect("16 bytes")));
        event.exchange = Some(format!("mes.{}", rng.below(4)).into());
        event.routing_key = Some(format!("order.{}.{}", rng.below(5), rng.below(1000)).into());
        event.queue = Some(format!("mes.queue.{}", rng.below(6)).into());
        event.headers = vec![("attempt".into(), Value::Int(rng.below(9) as i64))];
        let len = match rng.below(100) {
            0..70 => rng.below(300),
            70..98 => rng.below(2_000),
            // More than one value of the database holds.
            _ => 6_000 + rng.below(30_000),
        };
        event.body = Some(Body { len, data: rng.bytes(len as usize), ..Body::default() });
        event
    }

    /// A batch that begins with this number, as it is handed to the journal: without numbers.
    pub fn batch(self, first: u64) -> Vec<Event> {
        let mut rng = Rng::new(&[self.seed, first, 1]);
        let count = 1 + rng.below(BATCH_MAX);
        (first..first + count).map(|seq| Event { seq: Seq(0), ..self.event(seq) }).collect()
    }

    /// What may be left of an event after retention has been at it up to `tended`, beside all of it: the event without
    /// its body, and nothing.
    pub fn taken(self, seq: u64, tended: u64) -> (Option<Event>, bool) {
        let (age, mut event) = (tended.saturating_sub(seq), self.event(seq));
        let is_critical = matches!(event.kind, Kind::DeadLetter | Kind::Return | Kind::Unroutable | Kind::Gap);
        if let Some(body) = event.body.as_mut().filter(|body| !body.data.is_empty()) {
            (body.data, body.truncated) = (Vec::new(), true);
        }
        ((age >= HOT).then_some(event), age >= if is_critical { COLD } else { WARM })
    }

    /// What is committed with a batch that ends with this number.
    pub fn marks(self, last: u64) -> Vec<(String, Mark)> {
        vec![(SOURCE.to_owned(), Mark { at: at(last) })]
    }

    /// The mark's time, as a number: everything up to it is said to be recorded.
    pub fn marked(marks: &std::collections::BTreeMap<String, Mark>) -> u64 {
        let micros = marks.get(SOURCE).map_or(START, |mark| mark.at.as_micros());
        ((micros - START) / STEP) as u64
    }

    /// What is looked up, and the only event that carries it.
    pub fn term(self, seq: u64) -> Term {
        Term::MessageId(message_id(seq).into())
    }
}

/// What is kept how long.
pub fn policy() -> Policy {
    let [hot, warm, cold] = [HOT, WARM, COLD].map(|events| Duration::from_micros(events * STEP as u64));
    Policy { hot, warm, cold, max_bytes: None, high_water: 1.0, rules: Vec::new() }
}

/// When the event of this number happens.
pub fn at(seq: u64) -> Timestamp {
    Timestamp::from_micros(START + seq as i64 * STEP)
}

fn message_id(seq: u64) -> String {
    format!("m-{seq}")
}
