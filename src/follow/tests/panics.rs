//! Sinks that panic, and the moments at which a sink is given the time.

use std::sync::mpsc::sync_channel;

use super::*;

/// An update that a sink was handed, in short.
#[derive(Debug, PartialEq)]
enum Handed {
    Begin,
    Event(u64),
    Time,
}

/// A sink that passes its updates to `tell`, and panics at the events of `dies_at`, each once.
fn fragile(dies_at: &[u64], mut tell: impl FnMut(Handed) + Send + 'static) -> Sink {
    let mut dies_at = dies_at.to_vec();
    Box::new(move |update| match update {
        Update::Begin => tell(Handed::Begin),
        Update::Events(events) => {
            for event in events {
                let deadly = dies_at.iter().position(|seq| *seq == event.seq.0);
                assert!(deadly.map(|index| dies_at.remove(index)).is_none(), "as the test wants");
                tell(Handed::Event(event.seq.0));
            }
        }
        Update::Missing(missing) => panic!("{missing:?}"),
        Update::Time(_) => tell(Handed::Time),
    })
}

fn next(handed: &Receiver<Handed>) -> Handed {
    handed.recv_timeout(PATIENCE).expect("the follower goes on")
}

#[test]
fn a_follower_whose_sink_panics_begins_again_and_says_so_until_it_has_caught_up() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut journal = Journal::open(dir.path());
    journal.record(3);
    // The follower waits until the test has seen each update.
    let (sender, handed) = sync_channel(0);
    let follower = journal.follower_into(at(0), fragile(&[5], move |it| drop(sender.send(it))));
    let progress = follower.progress();
    let running = Running::start(follower);
    let expected = [Handed::Begin, Handed::Event(1), Handed::Event(2), Handed::Event(3), Handed::Time];
    expected.into_iter().for_each(|expected| assert_eq!(next(&handed), expected));
    assert!(!progress.is_behind_a_panic());
    journal.record(4);
    while next(&handed) != Handed::Begin {}
    assert!(progress.is_behind_a_panic());
    for seq in 1..=7 {
        assert_eq!(next(&handed), Handed::Event(seq));
    }
    assert_eq!(next(&handed), Handed::Time);
    assert!(!progress.is_behind_a_panic());
    journal.record(1);
    while next(&handed) != Handed::Event(8) {}
    drop(handed);
    running.stop();
}

#[test]
fn a_sink_is_told_the_time_only_after_what_was_committed_before() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut journal = Journal::open(dir.path());
    journal.record(20_000);
    let (sender, handed) = channel();
    let sink = fragile(&[], move |it| sender.send(it).expect("the test listens"));
    journal.follower_into(at(0), sink).begin(&CancellationToken::new());
    let handed: Vec<Handed> = handed.try_iter().collect();
    let first = handed.iter().position(|handed| *handed == Handed::Time).expect("it has caught up");
    // `Begin`, and the events that are no longer under way.
    assert!(first >= 1 + 20_000 - 4096, "told after {first}");
}
