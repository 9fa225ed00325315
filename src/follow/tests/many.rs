//! Several followers at once, and followers that go on behind a kept position.

use super::*;

const SMALL: Options = Options { part_events_max: 10, part_bytes_max: 2 << 30, run_events_max: 4, open_parts_max: 8 };

#[test]
fn followers_of_different_speeds_each_see_every_event_once_and_in_order() {
    for seed in 1..=4u64 {
        let dir = tempfile::tempdir().expect("a directory");
        let (mut journal, mut random) = (Journal::open(dir.path()), random(seed));
        journal.record(50);
        // Each follower advances in one of this many turns. The tail is often too short for the slower ones.
        let mut all: Vec<(u64, Following)> =
            [1, 3, 20].into_iter().map(|turns| (turns, Following::begin(&journal, at(0)))).collect();
        let mut seen = vec![Vec::new(); all.len()];
        for _ in 0..200 {
            journal.record(1 + random(30));
            for ((turns, following), seen) in all.iter_mut().zip(&mut seen) {
                if random(*turns) == 0 {
                    seen.extend(following.advance());
                }
            }
        }
        for ((turns, following), mut seen) in all.iter_mut().zip(seen) {
            seen.extend(following.advance());
            assert_eq!(seen, numbers(1..=journal.written), "seed {seed}, one in {turns}");
            assert_eq!(following.lag(), 0);
        }
        let read_back: Vec<u64> = all.iter().map(|(_, following)| following.follower.ways().0).collect();
        assert!(read_back[0] == 50 && read_back[0] < read_back[1] && read_back[1] < read_back[2], "{read_back:?}");
    }
}

/// Follows behind the position of this name, and keeps every event up to `done`, as an owner does.
fn follow_and_keep(journal: &Journal, name: &str, done: u64) -> (Vec<u64>, Vec<Missing>) {
    let (sender, seen) = channel();
    let (told, missing) = channel();
    let position = Position::new(&journal.dir, name, &journal.reader);
    let owner = position.clone();
    let sink: Sink = Box::new(move |update| match update {
        Update::Events(events) => {
            for event in events {
                sender.send(event.seq.0).expect("the test listens");
                if event.seq.0 <= done {
                    owner.keep(event.seq).expect("a working disk");
                }
            }
        }
        Update::Missing(missing) => told.send(missing).expect("the test listens"),
        Update::Begin | Update::Time(_) => {}
    });
    let mut follower = journal.follower_into(at(5_000), sink).behind(position);
    let cancel = CancellationToken::new();
    follower.begin(&cancel);
    while follower.advance(&cancel) {}
    (seen.try_iter().collect(), missing.try_iter().collect())
}

#[test]
fn each_follower_goes_on_behind_the_event_that_its_owner_is_done_with() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut journal = Journal::open(dir.path());
    journal.record(20);
    let nothing = Vec::new();
    assert_eq!(follow_and_keep(&journal, "fast", 20), (numbers(6..=20), nothing.clone()), "from the given time");
    assert_eq!(follow_and_keep(&journal, "slow", 8), (numbers(6..=20), nothing.clone()));
    drop(journal);
    let mut journal = Journal::open(dir.path());
    assert_eq!(follow_and_keep(&journal, "fast", 0).0, Vec::<u64>::new(), "it is done with all");
    journal.record(5);
    assert_eq!(follow_and_keep(&journal, "fast", 22).0, numbers(21..=25));
    assert_eq!(follow_and_keep(&journal, "fast", 0).0, numbers(23..=25));
    assert_eq!(follow_and_keep(&journal, "slow", 0).0, numbers(9..=25));
}

#[test]
fn a_position_of_another_journal_or_none_that_can_be_read_is_not_followed() {
    let (dir, other) = (tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory"));
    let (mut journal, mut another) = (Journal::open(dir.path()), Journal::open(other.path()));
    journal.record(20);
    another.record(20);
    follow_and_keep(&another, "moved", 18);
    let file = |dir: &Path| dir.join("moved.position");
    std::fs::copy(file(other.path()), file(dir.path())).expect("copied");
    assert_eq!(follow_and_keep(&journal, "moved", 0).0, numbers(6..=20));
    std::fs::write(file(dir.path()), "{").expect("written");
    assert_eq!(follow_and_keep(&journal, "moved", 0).0, numbers(6..=20));
    std::fs::remove_file(file(dir.path())).expect("removed");
    std::fs::create_dir(file(dir.path())).expect("made");
    let error =
        Position::new(dir.path(), "moved", &journal.reader).keep(Seq(1)).expect_err("a directory is in the way");
    assert!(error.to_string().starts_with("cannot write the position "), "{error}");
}

#[test]
fn a_position_past_the_end_of_the_journal_leaves_nothing_out_that_is_written_next() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut journal = Journal::open(dir.path());
    journal.record(20);
    Position::new(dir.path(), "ahead", &journal.reader).keep(Seq(100)).expect("a working disk");
    let mut follower = journal.follower_into(at(0), Box::new(|_| ()));
    follower = follower.behind(Position::new(dir.path(), "ahead", &journal.reader));
    follower.begin(&CancellationToken::new());
    journal.record(2);
    while follower.advance(&CancellationToken::new()) {}
    assert_eq!(follower.ways(), (0, 2));
}

#[test]
fn events_that_retention_removed_are_told_before_the_next() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut journal = Journal::open_with(dir.path(), SMALL);
    journal.record(3);
    Position::new(&journal.dir, "behind", &journal.reader).keep(Seq(3)).expect("a working disk");
    (0..5).for_each(|_| journal.record(10));
    let mut following = Following::begin(&journal, at(40_000));
    journal.retain_the_newest();
    let first = journal.reader.first_seq().0;
    assert!(first > 40 && first < 53, "only the newest partition is left, from {first} on");
    let missing = Missing { first: Seq(4), last: Seq(first - 1), count: first - 4 };
    assert_eq!(follow_and_keep(&journal, "behind", 0), (numbers(first..=53), vec![missing]));
    // A follower that had the events before has them once.
    journal.record(2);
    assert_eq!(following.advance(), numbers(41..=55));
}

#[test]
fn events_that_are_removed_while_a_follower_is_behind_are_told_too() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut journal = Journal::open_with(dir.path(), SMALL);
    let (sender, told) = channel();
    let sink: Sink = Box::new(move |update| {
        let line = match update {
            Update::Begin => "begin".to_owned(),
            Update::Events(events) => format!("{} to {}", events[0].seq, events[events.len() - 1].seq),
            Update::Missing(Missing { first, last, count }) => format!("{first} to {last} missing, {count}"),
            Update::Time(_) => return,
        };
        sender.send(line).expect("the test listens");
    });
    let mut follower = journal.follower_into(at(0), sink);
    let cancel = CancellationToken::new();
    follower.begin(&cancel);
    (0..6).for_each(|_| journal.record(10));
    journal.retain_the_newest();
    while follower.advance(&cancel) {}
    // Two commits wait in memory. The commits after them are gone.
    let told: Vec<String> = told.try_iter().collect();
    assert_eq!(told, ["begin", "1 to 10", "11 to 20", "21 to 50 missing, 30", "51 to 60"]);
    assert_eq!(follower.progress().lag(), 0);
}

#[test]
fn holes_are_counted_wherever_they_are() {
    let found = |next: u64, numbers: &[u64]| {
        let missing = super::super::follower::missing(Seq(next), numbers.iter().map(|number| Seq(*number)));
        missing.map(|Missing { first, last, count }| (first.0, last.0, count))
    };
    assert_eq!(found(5, &[5, 6, 7]), None);
    assert_eq!(found(5, &[7]), Some((5, 6, 2)));
    assert_eq!(found(5, &[5, 8, 9]), Some((6, 7, 2)));
    assert_eq!(found(5, &[6, 7, 9, 12]), Some((5, 11, 4)));
    assert_eq!(found(5, &[4]), None);
}
