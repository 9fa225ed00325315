//! Random conversations: what is observed is what truly happened.

use std::fmt::Write as _;

use crate::chop::{chop, observe};
use crate::talk::{Talk, talk};
use crate::truth;
use hoptrail_tests::Rng;

/// Conversations of a run, unless `HOPTRAIL_WIRE_TALKS` says otherwise: they take some seconds.
const TALKS: u64 = 4000;

/// The first seed of a run, unless `HOPTRAIL_SEED` names the only one.
const FIRST: u64 = 0x686f_7074;

#[test]
fn what_is_observed_of_random_conversations_is_what_happened() {
    if let Some(seed) = setting("HOPTRAIL_SEED") {
        return check(seed, true).unwrap_or_else(|why| panic!("seed {seed}: {why}"));
    }
    let talks = setting("HOPTRAIL_WIRE_TALKS").unwrap_or(TALKS);
    let (mut failed, mut first) = (Vec::new(), None);
    for seed in FIRST..FIRST + talks {
        if let Err(why) = check(seed, false) {
            println!("HOPTRAIL_SEED={seed}: {}", why.lines().take(2).collect::<Vec<_>>().join(" "));
            first.get_or_insert(format!("HOPTRAIL_SEED={seed}: {why}"));
            failed.push(seed);
        }
    }
    let first = first.unwrap_or_default();
    assert!(failed.is_empty(), "{} of {talks} conversations are observed wrongly; the first:\n{first}", failed.len());
}

/// A conversation that is cut differently is observed the same.
fn check(seed: u64, verbose: bool) -> Result<(), String> {
    let talk = talk(seed);
    let mut rng = Rng::new(&[seed, 1]);
    if verbose {
        println!("{}", listing(&talk));
    }
    for _ in 0..2 {
        let pieces = chop(&talk, &mut rng);
        let observed = observe(&talk, &pieces, &mut rng)?;
        truth::compare(&talk.truth, &observed)?;
    }
    Ok(())
}

/// The frames, for a person to read.
fn listing(talk: &Talk) -> String {
    let mut text = String::new();
    for frame in &talk.frames {
        let (kind, channel) = match frame.bytes[..] {
            [kind @ (1..=3 | 8), high, low, ..] => (kind, u16::from_be_bytes([high, low])),
            _ => (0, 0),
        };
        let what = match amq_protocol::frame::parse_frame(&frame.bytes[..]) {
            Ok((_, amq_protocol::frame::AMQPFrame::Method(_, method))) => format!("{method:?}"),
            _ => format!("frame of type {kind}, {} bytes", frame.bytes.len()),
        };
        writeln!(text, "{:?} {channel} {what}", frame.side).expect("memory takes everything");
    }
    text
}

/// What the events of a run are, so that nobody takes a generator that makes nothing for a test that passes.
#[test]
fn the_conversations_have_everything_in_them() {
    use hoptrail::model::{Kind, SettlementKind};
    let (mut kinds, mut settlements) = (std::collections::BTreeMap::new(), Vec::new());
    for seed in FIRST..FIRST + 200 {
        for truth in talk(seed).truth {
            *kinds.entry(truth.event.kind).or_insert(0) += 1;
            if let Some(settlement) = truth.event.settlement
                && !settlements.contains(&(truth.event.kind, settlement))
            {
                settlements.push((truth.event.kind, settlement));
            }
        }
    }
    println!("{kinds:?}");
    for kind in [
        Kind::Publish,
        Kind::Confirm,
        Kind::Return,
        Kind::Deliver,
        Kind::Settle,
        Kind::Topology,
        Kind::SessionOpen,
        Kind::SessionClose,
    ] {
        assert!(kinds.get(&kind).is_some_and(|count| *count >= 100), "{kind}: {kinds:?}");
    }
    // Acks (one or several) and nacks (the same, requeued or not), rejects (requeued or not), recovered, closed.
    let of = |wanted: Kind| settlements.iter().filter(|(kind, _)| *kind == wanted).count();
    assert_eq!((of(Kind::Settle), of(Kind::Confirm), of(Kind::Deliver)), (2 + 4 + 2 + 1 + 1, 4, 1), "{settlements:?}");
    assert!(settlements.iter().any(|(_, it)| it.kind == SettlementKind::Recover));
}

fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text}")))
}
