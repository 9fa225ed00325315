//! Killed at random moments, round after round, while a client publishes: hoptrail opens every time, and the journal
//! holds what was acknowledged.
//!
//! `scripts/crash` runs this for longer than the tests do: `HOPTRAIL_CRASH_ROUNDS` and `HOPTRAIL_CRASH_SEED`.

use std::fmt;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use crate::support::audit::Audit;
use crate::support::chance::Chance;
use crate::support::hoptrail::Hoptrail;
use crate::support::load::{Load, Sendings};
use crate::support::wait::ensure;
use crate::support::{Scene, on_each_broker};

/// Half a minute, with the checks.
const ROUNDS: u32 = 12;
/// Rounds from one check of the whole journal to the next; the short form has one between the first and the last.
const ROUNDS_BETWEEN_CHECKS: u32 = 75;
/// A quarter of what hoptrail can take as it is built for tests, so that it catches up between the kills.
const MESSAGES_PER_SECOND: u64 = 500;
const SIGKILL: i32 = 9;
/// All that happens to a journal in a year happens within the rounds: partitions are sealed after two or three of them,
/// and rewritten soon after.
const SETTINGS: [(&str, &str); 5] = [
    ("journal.partition_events_max", "2000"),
    ("journal.retention.hot", "5s"),
    ("journal.retention.rate", "64MiB"),
    // Nothing is removed, however full the machine's disk is.
    ("journal.retention.high_water", "1.0"),
    // A start follows what the last minute brought, not everything since the first round.
    ("flow.follow_for", "1m"),
];

#[test]
fn killed_at_random_moments_it_opens_every_time_and_loses_nothing() {
    let rounds = number("HOPTRAIL_CRASH_ROUNDS").map_or(ROUNDS, |rounds| u32::try_from(rounds).unwrap());
    let seed = number("HOPTRAIL_CRASH_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    on_each_broker(async |scene: Scene| {
        println!("seed {seed}, {rounds} rounds");
        let mut run = Run::new(&scene, seed).await;
        let outcome = run.rounds(rounds).await;
        println!("RESULT {run}");
        if let Err(problem) = outcome {
            panic!("seed {seed}, round {}: {problem}", run.tally.rounds);
        }
    });
}

/// When the process is killed.
#[derive(Clone, Copy)]
enum Moment {
    /// So long after it began to answer.
    Serving(Duration),
    /// So long after it was started, whatever it is doing.
    Starting(Duration),
}

impl Moment {
    /// Most have time to record; one in five ends somewhere in its start, and one in ten just after it.
    fn random(chance: &mut Chance) -> Moment {
        match chance.below(10) {
            0 | 1 => Moment::Starting(chance.millis(0, 500)),
            2 => Moment::Serving(chance.millis(0, 50)),
            _ => Moment::Serving(chance.millis(200, 1500)),
        }
    }
}

/// All rounds on one broker, with one journal.
struct Run<'a> {
    scene: &'a Scene,
    hoptrail: Hoptrail,
    sendings: Sendings,
    chance: Chance,
    audit: Audit,
    /// The newest event that was seen to be committed.
    committed: u64,
    tally: Tally,
}

#[derive(Default)]
struct Tally {
    rounds: u32,
    /// Rounds that were seen to record something before they were killed.
    recorded: u32,
    checks: u32,
    failed_opens: u32,
    opened: Vec<Duration>,
    seed: u64,
}

impl<'a> Run<'a> {
    async fn new(scene: &'a Scene, seed: u64) -> Run<'a> {
        Load::declare(scene).await;
        let hoptrail = scene.hoptrail(&SETTINGS).await;
        let tally = Tally { seed, ..Tally::default() };
        let (sendings, chance, audit) = (Sendings::default(), Chance::new(seed), Audit::new(scene.journal()));
        Run { scene, hoptrail, sendings, chance, audit, committed: 0, tally }
    }

    async fn rounds(&mut self, rounds: u32) -> Result<(), String> {
        let between = ROUNDS_BETWEEN_CHECKS.min(rounds / 2).max(1);
        self.killed()?;
        while self.tally.rounds < rounds {
            let load = self.load().await;
            for _ in 0..between.min(rounds - self.tally.rounds) {
                self.tally.rounds += 1;
                let moment = Moment::random(&mut self.chance);
                self.round(moment).await?;
            }
            load.finish().await;
            self.check().await?;
            println!("{self}");
        }
        let recorded = self.tally.recorded;
        ensure(recorded >= rounds / 6, || format!("it recorded in {recorded} rounds only: the run shows little"))?;
        self.stopped_in_good_order().await
    }

    async fn load(&mut self) -> Load {
        let seed = self.chance.below(u64::MAX);
        Load::start(self.scene, MESSAGES_PER_SECOND, seed, &self.sendings).await
    }

    async fn round(&mut self, moment: Moment) -> Result<(), String> {
        match moment {
            Moment::Serving(time) => {
                self.opens()?;
                tokio::time::sleep(time).await;
                let opened_with = self.committed;
                self.committed = self.hoptrail.coverage().await.last_seq;
                self.tally.recorded += u32::from(self.committed > opened_with);
            }
            Moment::Starting(time) => {
                self.hoptrail.spawn();
                tokio::time::sleep(time).await;
            }
        }
        self.killed()
    }

    /// Starts it; it has all that was seen to be committed.
    fn opens(&mut self) -> Result<(), String> {
        let started = Instant::now();
        self.hoptrail.spawn();
        let serving = self.hoptrail.wait_serving().inspect_err(|_| self.tally.failed_opens += 1)?;
        self.tally.opened.push(started.elapsed());
        let (found, committed) = (serving.seq, self.committed);
        self.committed = found;
        ensure(found >= committed, || format!("event {committed} was committed, and the journal ends with {found}"))?;
        self.audit.nothing_set_aside().inspect_err(|_| self.tally.failed_opens += 1)
    }

    /// Kills it; until now it must not have ended by itself.
    fn killed(&mut self) -> Result<(), String> {
        let status = self.hoptrail.kill();
        let by_us = ExitStatus::signal(&status) == Some(SIGKILL);
        self.tally.failed_opens += u32::from(!by_us);
        ensure(by_us, || format!("it had ended with {status}: {}", self.hoptrail.log_of_this_start()))
    }

    /// Opens it, lets it catch up, and compares the whole journal with the ledger.
    async fn check(&mut self) -> Result<(), String> {
        self.opens()?;
        self.audit.check(&self.hoptrail, &self.sendings, &mut self.chance).await?;
        self.committed = self.audit.last();
        self.tally.checks += 1;
        self.killed()
    }

    /// After the last kill: what lies there is sound as it is, and a start and a stop in good order change nothing either.
    async fn stopped_in_good_order(&mut self) -> Result<(), String> {
        let examined = Hoptrail::examine(&self.scene.journal());
        let said = || String::from_utf8_lossy(&[&examined.stdout[..], &examined.stderr].concat()).into_owned();
        ensure(examined.status.success(), || format!("{}: {}", examined.status, said()))?;
        self.opens()?;
        self.hoptrail.wait_live().await;
        let status = self.hoptrail.stop();
        ensure(status.success(), || format!("it stopped with {status}: {}", self.hoptrail.log_of_this_start()))?;
        self.check().await
    }
}

impl fmt::Display for Run<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (tally, audit) = (&self.tally, &self.audit);
        let mut opened: Vec<u128> = tally.opened.iter().map(Duration::as_millis).collect();
        opened.sort_unstable();
        let (partitions, rewritten) = audit.partitions();
        let median = opened.get(opened.len() / 2).copied().unwrap_or(0);
        write!(
            f,
            "{} rounds ({} seen to record), {} opens (median {median} ms, longest {} ms), {} events \
             in {partitions} partitions ({rewritten} rewritten), {} confirmed publishes, {} lost, {} twice, {} failed opens, {} checks of the whole journal, seed {}",
            tally.rounds,
            tally.recorded,
            opened.len(),
            opened.last().copied().unwrap_or(0),
            audit.last(),
            self.sendings.confirmed(),
            audit.lost,
            audit.twice,
            tally.failed_opens,
            tally.checks,
            tally.seed
        )
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is not a number")))
}
