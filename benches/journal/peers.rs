//! The same events through three stores in turn, each in a process of its own: the obvious use of sled, fjall, and the
//! journal.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use hoptrail::journal::{Reader, Writer};
use hoptrail::model::Event;
use serde::{Deserialize, Serialize};

use super::figures::{self, Usage, median};
use super::load::{Load, START_MICROS};
use super::{Settings, plain};

const NAMES: [&str; 3] = ["sled", "fjall", "hoptrail"];

/// Keeps events; when it returns they are to be durable, as far as the store is used in the ordinary way.
trait Store {
    fn commit(&mut self, events: &mut [Event]);
}

/// One value an event, one entry a term, `flush()`.
struct NaiveSled {
    db: sled::Db,
    events: sled::Tree,
    terms: sled::Tree,
    seq: u64,
}

impl NaiveSled {
    fn open(dir: &Path) -> NaiveSled {
        let db = sled::open(dir).unwrap();
        NaiveSled { events: db.open_tree("events").unwrap(), terms: db.open_tree("terms").unwrap(), db, seq: 0 }
    }
}

impl Store for NaiveSled {
    fn commit(&mut self, events: &mut [Event]) {
        let (mut values, mut terms) = (sled::Batch::default(), sled::Batch::default());
        let mut buffer = Vec::new();
        for event in events {
            self.seq += 1;
            plain::value(event, &mut buffer);
            values.insert(&self.seq.to_be_bytes(), buffer.as_slice());
            plain::entries(event, self.seq, |key| terms.insert(key, &[]));
        }
        self.events.apply_batch(values).unwrap();
        self.terms.apply_batch(terms).unwrap();
        self.db.flush().unwrap();
    }
}

/// The same in fjall: one atomic batch a commit, synced.
struct Fjall {
    db: Database,
    events: Keyspace,
    terms: Keyspace,
    seq: u64,
}

impl Fjall {
    fn open(dir: &Path) -> Fjall {
        let db = Database::builder(dir).open().unwrap();
        let keyspace = |name| db.keyspace(name, KeyspaceCreateOptions::default).unwrap();
        let (events, terms) = (keyspace("events"), keyspace("terms"));
        Fjall { db, events, terms, seq: 0 }
    }
}

impl Store for Fjall {
    fn commit(&mut self, events: &mut [Event]) {
        let mut batch = self.db.batch();
        let mut buffer = Vec::new();
        for event in events {
            self.seq += 1;
            plain::value(event, &mut buffer);
            batch.insert(&self.events, self.seq.to_be_bytes(), buffer.as_slice());
            plain::entries(event, self.seq, |key| batch.insert(&self.terms, key, []));
        }
        batch.commit().unwrap();
        self.db.persist(PersistMode::SyncAll).unwrap();
    }
}

struct Journal(Writer, #[expect(dead_code, reason = "a journal in use has a reader")] Reader);

impl Store for Journal {
    fn commit(&mut self, events: &mut [Event]) {
        self.0.append(events, &[]).unwrap();
    }
}

/// What a round of one store took.
#[derive(Default, Deserialize, Serialize)]
pub struct Round {
    pub events_per_s: f64,
    pub commit_ms_p99: f64,
    pub disk_ratio: f64,
    pub rss_mb: f64,
}

/// In a process of its own: one round of the store called `name`.
pub fn round(name: &str, settings: &Settings) {
    let dir = settings.dir.join(name);
    let mut store: Box<dyn Store> = match name {
        "sled" => Box::new(NaiveSled::open(&dir)),
        "fjall" => Box::new(Fjall::open(&dir)),
        _ => {
            let (writer, reader, _) = Writer::open(&dir).unwrap();
            Box::new(Journal(writer, reader))
        }
    };
    let mut load = Load::new(settings.peer_events, START_MICROS, "JW");
    let (mut events, mut buffer, mut raw, mut commits) = (Vec::new(), Vec::new(), 0, Vec::new());
    let mut left = settings.peer_events;
    while left > 0 {
        load.fill(&mut events, left.min(settings.commit));
        left -= events.len() as u64;
        for event in &events {
            plain::value(event, &mut buffer);
            raw += buffer.len() as u64;
        }
        let started = hoptrail::clock::instant();
        store.commit(&mut events);
        commits.push(started.elapsed());
    }
    let rss_mb = Usage::now().peak_mb;
    drop(store);
    let round = Round {
        events_per_s: settings.peer_events as f64 / commits.iter().sum::<Duration>().as_secs_f64(),
        commit_ms_p99: figures::percentile_ms(&mut commits, 0.99),
        disk_ratio: figures::disk_bytes(&dir) as f64 / raw as f64,
        rss_mb,
    };
    println!("ROUND {}", serde_json::to_string(&round).unwrap());
}

/// Rounds of all stores in turn; the medians in the order sled, fjall, hoptrail.
pub fn rounds(settings: &Settings) -> [Round; 3] {
    println!("{} events in commits of {}, {} rounds in turn:", settings.peer_events, settings.commit, settings.rounds);
    let mut all: [Vec<Round>; 3] = Default::default();
    for number in 1..=settings.rounds {
        for (name, rounds) in NAMES.iter().zip(&mut all) {
            let round = in_process(name, settings);
            println!(
                "  round {number}  {name:<9} {:>9.0} events/s  commit p99 {:>7.1} ms  disk/raw {:.2}  {:>5.0} MB",
                round.events_per_s, round.commit_ms_p99, round.disk_ratio, round.rss_mb
            );
            rounds.push(round);
        }
    }
    all.map(|rounds| {
        let of = |figure: fn(&Round) -> f64| median(rounds.iter().map(figure).collect());
        Round {
            events_per_s: of(|round| round.events_per_s),
            commit_ms_p99: of(|round| round.commit_ms_p99),
            disk_ratio: of(|round| round.disk_ratio),
            rss_mb: of(|round| round.rss_mb),
        }
    })
}

fn in_process(name: &str, settings: &Settings) -> Round {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(settings.arguments("round"))
        .args(["--store", name])
        .stderr(std::process::Stdio::inherit())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "the round of {name} failed: {text}");
    std::fs::remove_dir_all(settings.dir.join(name)).unwrap();
    serde_json::from_str(text.lines().find_map(|line| line.strip_prefix("ROUND ")).unwrap()).unwrap()
}
