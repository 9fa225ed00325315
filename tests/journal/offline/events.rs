//! Fixed events: five days, of which the first is removed, the second cold, the third warm, the fourth hot, and the
//! last still open.

use std::path::Path;
use std::time::Duration;

use hoptrail::journal::{Mark, Options, Policy, Reader, Writer};
use hoptrail::model::{
    Body, Death, Event, Fingerprint, Gap, Kind, Return, Session, Settlement, SettlementKind, Source, Timestamp,
    Topology, Value,
};

/// 2026-11-21.
const START: i64 = 1_795_219_200_000_000;
const DAY: Duration = Duration::from_secs(86_400);
/// Events of a day, ten minutes apart.
pub const PER_DAY: u64 = 40;
/// Days of events.
pub const DAYS: u64 = 5;
/// Events of one append.
const BATCH: usize = 8;
/// Sizes that give each day two partitions, and the open one a run.
const SIZES: Options = Options { part_events_max: 24, part_bytes_max: 4 << 20, run_events_max: 8, open_parts_max: 2 };

/// The event of this number, before it is numbered.
pub fn event(seq: u64) -> Event {
    let (day, of_day) = ((seq - 1) / PER_DAY, (seq - 1) % PER_DAY);
    let at = Timestamp::from_micros(START).after(DAY * day as u32).after(Duration::from_secs(600 * of_day));
    let kind = Kind::ALL[seq as usize % Kind::ALL.len()];
    let mut event = Event::new(kind, Source::ALL[seq as usize % Source::ALL.len()], at);
    event.observed_late = seq.is_multiple_of(9);
    event.vhost = Some("/".into());
    event.service = (!seq.is_multiple_of(4)).then(|| ["CRM", "MES", "Shop"][seq as usize % 3].into());
    let connection = format!("127.0.0.1:{} -> 127.0.0.1:5672", 40_000 + seq % 3);
    event.session = Some(Session { connection: Some(connection.into()), channel: Some(1), ..Session::default() });
    event.exchange = Some(format!("exchange.{}", seq % 3).into());
    event.routing_key = Some(format!("order.{}", seq % 11).into());
    event.queue = Some(format!("mes.queue.{}", seq % 2).into());
    event.message_id = (!seq.is_multiple_of(3)).then(|| format!("m-{}", seq / 2).into());
    event.correlation_id = seq.is_multiple_of(5).then(|| format!("c-{}", seq / 10).into());
    event.order_id = (!seq.is_multiple_of(6)).then(|| format!("JW-{}", seq % 13).into());
    event.status = seq.is_multiple_of(7).then(|| "SUBMITTED".into());
    event.fingerprint = Some(Fingerprint([(seq % 50) as u8; 16]));
    event.headers =
        vec![("attempt".into(), Value::Int(seq as i64 - 20)), ("Größe".into(), Value::Text("Ø 17 mm".into()))];
    match kind {
        Kind::DeadLetter => event.death = Some(death()),
        Kind::Settle => {
            event.settlement = Some(Settlement { kind: SettlementKind::Nack, requeue: true, multiple: false });
            event.delivery_tag = Some(seq);
        }
        Kind::Return => event.returned = Some(Return { code: 312, text: "NO_ROUTE".into() }),
        Kind::Topology => {
            event.topology = Some(Topology { change: "queue.created".into(), detail: "queue mes.queue.0".into() });
        }
        Kind::Gap => {
            let (from, to) = (at.before(Duration::from_secs(60)), at);
            let cause = "the broker was away".into();
            event.gap = Some(Gap { source: Source::Firehose, from, to, count: Some(seq), cause });
        }
        _ => {}
    }
    event.body = Some(body(seq));
    event
}

fn death() -> Death {
    Death {
        queue: "mes.queue.0".into(),
        reason: "rejected".into(),
        exchange: "exchange.1".into(),
        routing_keys: vec!["order.1".into(), "order.2".into()],
        count: 3,
        first_at: Some(Timestamp::from_micros(START)),
    }
}

/// Now and then one that needs several values of the database, and one that is no text.
fn body(seq: u64) -> Body {
    let mut data =
        format!(r#"{{"order":"JW-{}","number":{seq},"note":"Zwei Ringe, 750er Gold"}}"#, seq % 13).into_bytes();
    if seq.is_multiple_of(20) {
        let mut state = seq;
        data.extend((0..12_000).map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        }));
    }
    let content_type = Some("application/json".into());
    Body { len: data.len() as u64, digest: [seq as u8; 16], content_type, data, ..Body::default() }
}

/// What is committed with the event of this number.
pub fn mark(seq: u64) -> (String, Mark) {
    ("firehose\0/".to_owned(), Mark { at: event(seq).at })
}

/// Makes the journal in `dir`; its identity may stand there already.
pub fn make(dir: &Path) {
    make_of(dir, Timestamp::from_micros(START));
}

/// The same events of other days, of which `start` begins the first.
pub fn make_of(dir: &Path, start: Timestamp) {
    let (mut writer, reader, _) = Writer::open_with(dir, SIZES).expect("a journal");
    let mut events: Vec<Event> = (1..=PER_DAY * DAYS).map(event).collect();
    for event in &mut events {
        event.at = start.after(event.at.since(Timestamp::from_micros(START)));
    }
    for batch in events.chunks_mut(BATCH) {
        let last = writer.last_seq().0 + batch.len() as u64;
        writer.append(batch, &[mark(last)]).expect("a working disk");
    }
    settle(&reader);
    let policy =
        Policy { hot: 2 * DAY, warm: 3 * DAY, cold: 4 * DAY, max_bytes: None, high_water: 1.0, rules: Vec::new() };
    let noon = start.after(4 * DAY + DAY / 2);
    let mut keeper = writer.keeper(policy);
    while keeper.tend(noon, &mut |_| true).expect("a working disk").is_some() {}
}

/// Waits until the background has nothing left to do.
pub fn settle(reader: &Reader) {
    let deadline = hoptrail::clock::instant() + Duration::from_secs(30);
    while !reader.is_settled() {
        assert!(hoptrail::clock::instant() < deadline, "the background does not get done");
        std::thread::yield_now();
    }
}
