//! Bad input is told as a gap, and observing goes on where that is safe.

use hoptrail::model::{Event, Kind, Party, Side, Source, Timestamp};
use hoptrail::wire::{End, Limits, Observer};

use crate::bad::{self, Case, Sent, around, cases};
use crate::frames;
use crate::talk::talk;
use hoptrail_tests::Rng;

/// What an observer says of it all, cut into pieces of so many bytes.
fn observe(sent: &[Sent], piece: usize) -> Vec<Event> {
    let mut observer = Observer::new(Limits::default(), "10.0.0.7:51234 -> 127.0.0.1:5673".into());
    let (mut out, mut now) = (Vec::new(), 1_795_226_400_000_000);
    for (side, bytes) in sent {
        for bytes in bytes.chunks(piece) {
            now += 1;
            observer.feed(*side, bytes, Timestamp::from_micros(now), &mut out);
        }
    }
    observer.end(End { by: Party::Client, text: "gone".into() }, Timestamp::from_micros(now + 1), &mut out);
    out.into_iter().map(|observed| observed.event).collect()
}

fn gaps(events: &[Event]) -> Vec<&str> {
    events.iter().filter_map(|event| event.gap.as_ref()).map(|gap| &*gap.cause).collect()
}

#[test]
fn bad_input_is_told_as_a_gap_and_what_can_be_followed_after_it_is() {
    let cases = cases();
    assert!(cases.len() > 25, "{} cases", cases.len());
    for case in &cases {
        for piece in [1, 7, usize::MAX] {
            check(case, piece);
        }
    }
}

fn check(case: &Case, piece: usize) {
    let (before, after) = around(case.when);
    let sent = [before, case.bad.clone(), after].concat();
    let events = observe(&sent, piece.min(1 << 30));
    let context = || format!("{} in pieces of {piece}: {:?}", case.name, gaps(&events));

    assert_eq!(events.first().map(|event| event.kind), Some(Kind::SessionOpen), "{}", context());
    assert_eq!(events.last().map(|event| event.kind), Some(Kind::SessionClose), "{}", context());
    let told = gaps(&events).iter().any(|cause| case.gap.is_some_and(|words| cause.contains(words)));
    assert_eq!(told, case.gap.is_some(), "{}", context());
    assert!(case.gap.is_some() || gaps(&events).is_empty(), "{}", context());
    let is_probe = |event: &&Event| event.body.as_ref().is_some_and(|body| body.data == b"still here");
    assert_eq!(events.iter().filter(is_probe).count(), usize::from(case.goes_on), "{}", context());
    for event in events.iter().filter(|event| event.kind == Kind::Gap) {
        let gap = event.gap.as_ref().expect("a gap");
        assert_eq!((event.source, gap.source), (Source::Hoptrail, Source::Proxy), "{}", context());
        assert!(event.session.as_ref().is_some_and(|it| it.connection.is_some()), "{}", context());
        assert!(gap.from <= gap.to, "{}", context());
    }
}

#[test]
fn a_bomb_in_headers_leaves_the_message_itself() {
    let case = cases().into_iter().find(|case| case.name == "bomb_in_headers").expect("the case");
    let (before, after) = around(case.when);
    let events = observe(&[before, case.bad, after].concat(), 4096);
    let bomb = events.iter().find(|event| event.kind == Kind::Publish).expect("the message");
    assert_eq!(bomb.body.as_ref().map(|body| &body.data[..]), Some(&b"!"[..]));
    assert!(bomb.header("x").is_some(), "the header is there, and cut");
}

#[test]
fn bytes_that_were_lost_are_a_gap_to_the_end() {
    let (before, after) = around(bad::When::Open);
    let mut observer = Observer::new(Limits::default(), "10.0.0.7:51234 -> 127.0.0.1:5673".into());
    let (mut out, at) = (Vec::new(), Timestamp::from_micros);
    before.iter().for_each(|(side, bytes)| observer.feed(*side, bytes, at(1), &mut out));
    observer.lost(70_000, at(2), &mut out);
    after.iter().for_each(|(side, bytes)| observer.feed(*side, bytes, at(3), &mut out));
    assert!(observer.figures().blind);
    observer.end(End { by: Party::Broker, text: "gone".into() }, at(9), &mut out);
    let events: Vec<Event> = out.into_iter().map(|observed| observed.event).collect();
    assert!(events.iter().all(|event| event.kind != Kind::Publish), "{events:?}");
    assert!(gaps(&events).iter().any(|cause| cause.contains("70000 bytes passed")), "{:?}", gaps(&events));
    let ends: Vec<Timestamp> = events.iter().filter_map(|event| event.gap.as_ref()).map(|gap| gap.to).collect();
    assert_eq!(ends.last(), Some(&at(9)), "nothing was seen until the end");
}

#[test]
fn a_content_on_every_channel_that_is_never_completed_leaves_the_others_observed() {
    let (before, after) = around(bad::When::Open);
    let open = |number| {
        use amq_protocol::protocol::{AMQPClass, channel};
        frames::method(number, AMQPClass::Channel(channel::AMQPMethod::Open(channel::Open {})))
    };
    let begin = |number| {
        let header = frames::header(number, 100, Default::default());
        [open(number), bad::publish(number), header, frames::body(number, b"ten bytes!")].concat()
    };
    let begun = (3..=u16::MAX).map(|number| (Side::Client, begin(number)));
    let completed = (3..=u16::MAX).map(|number| (Side::Client, frames::body(number, &[0; 90])));
    let sent: Vec<Sent> = before.into_iter().chain(begun).chain(completed).chain(after).collect();
    let events = observe(&sent, usize::MAX);
    let published = events.iter().filter(|event| event.kind == Kind::Publish).count();
    let causes = gaps(&events);
    assert!(causes.iter().any(|cause| cause.contains("more had begun at once than can be followed")), "{causes:?}");
    let missed: u64 = events.iter().filter_map(|event| event.gap.as_ref()?.count).sum();
    assert_eq!(published as u64 + missed, 65_533 + 1, "each is told or counted, and the one after them is told");
    assert!(published > 1000, "{published} of them are followed");
}

#[test]
fn a_session_that_breaks_off_anywhere_is_closed_and_no_gap() {
    for seed in 0..20 {
        let (talk, mut rng) = (talk(seed), Rng::new(&[seed]));
        let mut sent: Vec<Sent> = talk.frames.into_iter().map(|frame| (frame.side, frame.bytes)).collect();
        sent.truncate(2 + rng.below(sent.len() as u64 - 1) as usize);
        let (_, last) = sent.last_mut().expect("a frame");
        last.truncate(rng.below(last.len() as u64) as usize);
        let events = observe(&sent, usize::MAX);
        assert_eq!(events.last().map(|event| event.kind), Some(Kind::SessionClose), "seed {seed}");
        assert_eq!(gaps(&events), Vec::<&str>::new(), "seed {seed}");
    }
}
