//! The committed corpus and its mutations.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use crate::{peak_of, targets};
use hoptrail_tests::Rng;

/// Mutations of each target, unless `HOPTRAIL_FUZZ_MUTATIONS` says otherwise.
const MUTATIONS: u64 = 4000;

/// Bytes that an input may make an observer take, with what checks it and what it says: a value of a header takes up to
/// a hundred times of its bytes, and everything is held twice while it is compared.
const BYTES_MAX: usize = 16 << 20;

#[test]
fn the_corpus_breaks_no_rule() {
    for target in targets::NAMES {
        for (name, bytes) in corpus(target) {
            run(target, &name, &bytes);
        }
    }
}

#[test]
fn mutations_of_the_corpus_break_no_rule() {
    let mutations = std::env::var("HOPTRAIL_FUZZ_MUTATIONS").map_or(MUTATIONS, |it| it.parse().expect("a number"));
    for target in targets::NAMES {
        let seeds: Vec<Vec<u8>> = corpus(target).into_iter().map(|(_, bytes)| bytes).collect();
        for number in 0..mutations {
            run(target, &format!("mutation-{number}"), &mutated(&seeds, number));
        }
    }
}

fn run(target: &str, name: &str, bytes: &[u8]) {
    let peak = peak_of(|| {
        if let Err(why) = catch_unwind(AssertUnwindSafe(|| targets::run(target, bytes))) {
            let kept = std::env::temp_dir().join(format!("hoptrail-{target}-{name}"));
            fs::write(&kept, bytes).expect("writes");
            eprintln!("{target} fails on {name}, kept as {}", kept.display());
            std::panic::resume_unwind(why);
        }
    });
    assert!(peak < BYTES_MAX, "{target} takes {peak} bytes for the {} of {name}", bytes.len());
}

fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/fuzz").join(target);
    let mut inputs: Vec<(String, Vec<u8>)> = fs::read_dir(&dir)
        .expect("a corpus")
        .map(|entry| entry.expect("an entry").path())
        .map(|path| {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name, fs::read(&path).expect("an input"))
        })
        .collect();
    inputs.sort();
    assert!(inputs.len() >= 20, "the corpus of {target} has {} inputs", inputs.len());
    inputs
}

/// One of the seeds with a few changes: bytes changed, cut, doubled, or taken from another.
fn mutated(seeds: &[Vec<u8>], number: u64) -> Vec<u8> {
    let mut rng = Rng::new(&[number]);
    let mut bytes = rng.pick(seeds).clone();
    for _ in 0..1 + rng.below(6) {
        let at = rng.below(bytes.len() as u64) as usize;
        let len = (1 + rng.below(40) as usize).min(bytes.len() - at);
        match rng.below(7) {
            0 if len > 0 => bytes[at] = rng.next() as u8,
            1 if len > 0 => bytes[at] ^= 1 << rng.below(8),
            2 if len > 0 => bytes[at] = *rng.pick(&[0, 1, 127, 128, 254, 255]),
            3 => drop(bytes.drain(at..at + len)),
            4 => {
                let again = bytes[at..at + len].to_vec();
                bytes.splice(at..at, again);
            }
            5 => bytes.truncate(at.max(1)),
            _ => {
                let other = rng.pick(seeds);
                let from = rng.below(other.len() as u64) as usize;
                let some = other[from..(from + len * 8).min(other.len())].to_vec();
                bytes.splice(at..at + len, some);
            }
        }
    }
    bytes
}
