//! Damage: a file of the journal is flipped, overwritten, cut or removed, and no answer is wrong for it. Every event is
//! what was recorded, or is missing inside a range that is reported; and nothing panics.
//!
//! `HOPTRAIL_DAMAGE_CASES` sets how many damages are tried, `HOPTRAIL_DAMAGE_SEED` which. A failure keeps the damaged
//! journal, and says what was done to it.

mod check;
mod harm;
mod journal;

use std::collections::BTreeMap;
use std::env;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use harm::Harm;
use hoptrail_tests::Rng;

/// Damages tried by default: what takes a quarter of a minute.
const CASES: usize = 120;
/// Failures that are shown.
const SHOWN: usize = 5;

fn number(name: &str, otherwise: u64) -> u64 {
    env::var(name).map_or(otherwise, |number| number.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// Counts the panics of all threads, in the background too, but for those of this program's other tests.
fn count_panics() -> &'static AtomicUsize {
    static PANICS: AtomicUsize = AtomicUsize::new(0);
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let thread = thread::current();
        // The thread of a test has the test's path as its name.
        let is_other = |name: &str| name.contains("::") && !name.starts_with("damage::");
        PANICS.fetch_add(usize::from(!thread.name().is_some_and(is_other)), Ordering::Relaxed);
        print(panic);
    }));
    &PANICS
}

#[test]
fn no_damage_makes_an_answer_wrong_and_what_is_lost_is_reported() {
    let panics = count_panics();
    let sound = journal::sound();
    let (seed, cases) = (number("HOPTRAIL_DAMAGE_SEED", 1), number("HOPTRAIL_DAMAGE_CASES", CASES as u64) as usize);
    let (next, failures, outcomes) = (AtomicUsize::new(0), Mutex::new(Vec::new()), Mutex::new(BTreeMap::new()));
    let work = || {
        loop {
            let case = next.fetch_add(1, Ordering::Relaxed);
            if case >= cases {
                return;
            }
            let harm = Harm::choose(&sound.tree, &mut Rng::new(&[seed, case as u64]));
            let damaged = harm.done_to(&sound.tree);
            match check::journal(&damaged, sound) {
                Ok(outcome) => *outcomes.lock().expect("no panic").entry(outcome).or_insert(0) += 1,
                Err(wrong) => failures.lock().expect("no panic").push((case, harm, damaged, wrong)),
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    println!("{:?}", outcomes.lock().expect("no panic"));
    let failures = failures.into_inner().expect("no panic");
    for (case, harm, damaged, wrong) in failures.iter().take(SHOWN) {
        let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("damage-{seed}-{case}-{}", std::process::id()));
        std::fs::create_dir_all(&kept).expect("a new directory");
        damaged.write(&kept);
        println!("case {case}, {harm}: {wrong}\n  kept in {}", kept.display());
    }
    assert_eq!(panics.load(Ordering::Relaxed), 0, "threads have panicked, perhaps in the background");
    assert!(failures.is_empty(), "{} of {cases} damages are not survived (seed {seed})", failures.len());
}
