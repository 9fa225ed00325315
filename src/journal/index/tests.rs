//! Runs against a plain map: in memory, written, merged, and damaged.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use proptest::prelude::*;

use crate::journal::term::for_each_term;
use crate::model::{Event, Kind, Source, Timestamp};

use super::*;

fn event(seq: u64, order: u32) -> Event {
    let mut event = Event::new(Kind::Publish, Source::Binding, Timestamp::from_micros(seq as i64));
    event.seq = Seq(seq);
    event.order_id = Some(format!("JW-{order}").into());
    event.message_id = Some(format!("m-{seq}").into());
    event
}

/// Lists of blocks of ten events each, and where each term is.
fn lists(orders: &[Vec<u32>]) -> (Vec<Recent>, BTreeMap<TermHash, Vec<Seq>>) {
    let (mut seq, mut expected) = (1, BTreeMap::<TermHash, Vec<Seq>>::new());
    let lists = orders.iter().map(|orders| {
        let mut recent = Recent::default();
        for block in orders.chunks(10) {
            let first = Seq(seq);
            let events: Vec<Event> = block.iter().zip(seq..).map(|(order, seq)| event(seq, *order)).collect();
            seq += block.len() as u64;
            for event in &events {
                for_each_term(event, |hash| {
                    let blocks = expected.entry(hash).or_default();
                    if blocks.last() != Some(&first) {
                        blocks.push(first);
                    }
                });
            }
            recent.add(first, Seq(seq - 1), &events);
        }
        recent
    });
    (lists.collect(), expected)
}

fn ask(what: impl Fn(TermHash, &mut Vec<Seq>), hash: TermHash) -> Vec<Seq> {
    let mut blocks = Vec::new();
    what(hash, &mut blocks);
    blocks.sort_unstable();
    blocks.dedup();
    blocks
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn a_merged_run_answers_like_the_lists_it_came_from(
        orders in prop::collection::vec(prop::collection::vec(0..40u32, 1..800), 1..6), missing in any::<u32>(),
    ) {
        let dir = tempfile::tempdir().expect("a directory");
        let (lists, expected) = lists(&orders);
        let runs: Vec<Arc<Run>> = lists
            .iter()
            .map(|recent| Arc::new(write_recent(dir.path(), recent).expect("written").expect("some pairs")))
            .collect();
        let merged = merge(&dir.path().join("index"), &runs, Seal::default(), Outer::default(), &[], &AtomicBool::new(false));
        let merged = merged.expect("merged");
        for (hash, blocks) in &expected {
            prop_assert_eq!(&ask(|hash, out| lists.iter().for_each(|list| list.blocks(&[hash], out)), *hash), blocks);
            let in_runs = |hash, out: &mut Vec<Seq>| runs.iter().for_each(|run| run.blocks(hash, out).expect("sound"));
            prop_assert_eq!(&ask(in_runs, *hash), blocks);
            prop_assert_eq!(&ask(|hash, out| merged.blocks(hash, out).expect("sound"), *hash), blocks);
        }
        let hash = u64::from(missing) << 4;
        prop_assert_eq!(ask(|hash, out| merged.blocks(hash, out).expect("sound"), hash).is_empty(), !expected.contains_key(&hash));
        let counted: u64 = merged.meta().counts.iter().map(|count| count.count).sum();
        prop_assert_eq!(counted, orders.iter().map(|orders| orders.len() as u64).sum::<u64>());
    }
}

#[test]
fn a_damaged_run_never_answers_wrong() {
    let dir = tempfile::tempdir().expect("a directory");
    let (lists, expected) = lists(&[(0..3_000).map(|n| n % 70).collect()]);
    let run = write_recent(dir.path(), &lists[0]).expect("written").expect("some pairs");
    let sound = std::fs::read(run.path()).expect("readable");
    for at in (0..sound.len()).step_by(211) {
        let mut bytes = sound.clone();
        bytes[at] ^= 0x10;
        std::fs::write(run.path(), &bytes).expect("written");
        let Ok(run) = Run::open(run.path()) else { continue };
        let mut failed = 0;
        for (hash, blocks) in &expected {
            let mut found = Vec::new();
            match run.blocks(*hash, &mut found) {
                Ok(()) => assert_eq!(&found, blocks, "byte {at}"),
                Err(_) => failed += 1,
            }
        }
        assert_eq!(failed > 0, run.verify().is_err(), "byte {at}");
    }
    for len in (0..sound.len()).step_by(1_009) {
        std::fs::write(run.path(), &sound[..len]).expect("written");
        assert!(Run::open(run.path()).is_err(), "{len} bytes");
    }
}

#[test]
fn a_merge_ends_when_it_is_told_to() {
    let dir = tempfile::tempdir().expect("a directory");
    let (lists, _) = lists(&[vec![1; 100]]);
    let run = write_recent(dir.path(), &lists[0]).expect("written").expect("some pairs");
    let merged = merge(
        &dir.path().join("index"),
        &[Arc::new(run)],
        Seal::default(),
        Outer::default(),
        &[],
        &AtomicBool::new(true),
    );
    assert!(merged.is_err_and(|error| error.kind() == std::io::ErrorKind::Interrupted));
    assert!(!dir.path().join("index").exists());
}
