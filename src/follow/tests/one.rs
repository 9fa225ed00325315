//! One follower: it gets every event once, in order, from memory or from the journal.

use super::*;

#[test]
fn commits_that_are_followed_at_once_are_never_read_back() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut journal = Journal::open(dir.path());
    let mut following = Following::begin(&journal, at(0));
    for commit in 0..20 {
        journal.record(700);
        assert_eq!(following.advance(), numbers(commit * 700 + 1..=commit * 700 + 700));
        assert_eq!(following.lag(), 0);
    }
    assert_eq!(following.follower.ways(), (0, 14_000));
}

#[test]
fn what_is_committed_but_not_offered_yet_is_not_read() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut journal = Journal::open(dir.path());
    let mut following = Following::begin(&journal, at(0));
    let mut batch = journal.commit(3);
    assert_eq!((following.advance(), following.lag()), (vec![], 3));
    journal.tail.offer(&mut batch);
    assert_eq!((following.advance(), following.follower.ways()), (numbers(1..=3), (0, 3)));
}

#[test]
fn a_hole_is_read_before_the_commit_that_follows_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut journal = Journal::open(dir.path());
    let mut following = Following::begin(&journal, at(0));
    (0..3).for_each(|_| journal.record(2));
    assert!(following.follower.advance(&following.cancel));
    journal.record(2);
    assert_eq!(following.advance(), numbers(1..=8));
    assert_eq!(following.follower.ways(), (2, 6), "the third was missed");
}

#[test]
fn a_missed_commit_that_is_the_last_is_read_at_once() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut journal = Journal::open(dir.path());
    let mut following = Following::begin(&journal, at(0));
    (0..5).for_each(|_| journal.record(600));
    assert_eq!((following.advance(), following.lag()), (numbers(1..=3000), 0));
    assert_eq!(following.follower.ways(), (1800, 1200));
}

#[test]
fn a_follower_that_starts_later_reads_what_it_is_too_late_for_and_nothing_twice() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut journal = Journal::open(dir.path());
    (0..4).for_each(|_| journal.record(10));
    let mut following = Following::begin(&journal, at(24_000));
    assert_eq!(following.advance(), numbers(25..=40));
    journal.record(10);
    assert_eq!(following.advance(), numbers(41..=50));
    assert_eq!(following.follower.ways(), (16, 10));
    let mut late = Following::begin(&journal, at(3_600_000));
    assert_eq!((late.advance(), late.lag()), (vec![], 0), "nothing is that new");
}

#[test]
fn of_a_commit_that_is_followed_in_part_the_rest_is_handed_on() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut journal = Journal::open(dir.path());
    let mut following = Following::begin(&journal, at(0));
    let mut batch = journal.commit(10);
    // This happens while the disk is full in the middle of a batch.
    journal.tail.miss(Seq(4));
    assert_eq!(following.advance(), numbers(1..=4));
    journal.tail.offer(&mut batch);
    assert_eq!((following.advance(), following.follower.ways()), (numbers(5..=10), (4, 6)));
}

#[test]
fn a_journal_that_nobody_writes_is_followed_to_its_end() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut journal = Journal::open(dir.path());
    journal.commit(2000);
    let mut following = Following::begin(&journal, at(0));
    assert_eq!((following.advance(), following.lag()), (numbers(1..=2000), 0));
}

#[test]
fn a_follower_that_is_cancelled_leaves_nothing_out_before_what_it_hands_on() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut journal = Journal::open(dir.path());
    let mut following = Following::begin(&journal, at(0));
    (0..3).for_each(|_| journal.record(1000));
    following.follower.advance(&following.cancel);
    journal.record(1000);
    following.cancel.cancel();
    assert_eq!(following.advance(), numbers(1..=1000));
}

#[test]
fn every_event_comes_once_and_in_order_however_fast_either_side_is() {
    for seed in 1..=8u64 {
        let dir = tempfile::tempdir().expect("a directory");
        let mut journal = Journal::open(dir.path());
        let mut random = random(seed);
        journal.record(random(100));
        let mut following = Following::begin(&journal, at(0));
        let mut seen: Vec<u64> = Vec::new();
        for _ in 0..200 {
            match random(6) {
                0 => drop(following.follower.advance(&following.cancel)),
                1 => seen.extend(following.advance()),
                2 => {
                    let mut batch = journal.commit(1 + random(20));
                    journal.tail.miss(Seq(journal.written - random(20).min(journal.written)));
                    following.follower.advance(&following.cancel);
                    journal.tail.offer(&mut batch);
                }
                _ => journal.record(random(40)),
            }
        }
        seen.extend(following.advance());
        assert_eq!(seen, numbers(1..=journal.written), "seed {seed}");
        assert_eq!(following.lag(), 0, "seed {seed}");
        let (read, handed_over) = following.follower.ways();
        assert!(read > 0 && handed_over > 0, "seed {seed}: {read} read, {handed_over} handed over");
    }
}

#[test]
fn a_follower_on_its_own_thread_misses_no_commit_and_ends_when_cancelled() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut journal = Journal::open(dir.path());
    journal.record(50);
    let (follower, seen) = journal.follower(at(0));
    let running = Running::start(follower);
    let mut next = 1;
    for round in 0..100 {
        // Bursts that are too fast for the follower. After each, no event comes for a time.
        (0..=round % 7).for_each(|size| journal.record(1 + size * 13));
        while next <= journal.written {
            assert_eq!(seen.recv_timeout(PATIENCE), Ok(next));
            next += 1;
        }
    }
    let progress = running.stop();
    assert_eq!((progress.lag(), seen.try_recv().ok()), (0, None));
}
