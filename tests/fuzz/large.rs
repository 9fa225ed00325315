//! Sessions that ask for a lot of memory. What they get is bounded by `Limits`.

use hoptrail::model::{Party, Side, Timestamp};
use hoptrail::wire::{End, Limits, Observed, Observer, Sink};

use crate::peak_of;

/// Where events are let go.
struct Nowhere;

impl Sink for Nowhere {
    fn push(&mut self, _: Observed) {}
}

const AT: i64 = 1_795_226_400_000_000;

fn begun(limits: &Limits) -> Observer {
    Observer::new(limits.clone(), "10.0.0.7:51234 -> 127.0.0.1:5673".into())
}

/// A session that nothing of is kept of but what its observer remembers, until its end: the peak of its memory.
fn observed(send: impl FnOnce(&mut dyn FnMut(Side, &[u8]))) -> usize {
    observed_from(true, send)
}

fn observed_from(is_logged_in: bool, send: impl FnOnce(&mut dyn FnMut(Side, &[u8]))) -> usize {
    peak_of(|| {
        let mut observer = begun(&Limits::default());
        let at = Timestamp::from_micros(AT);
        let mut feed = |side: Side, bytes: &[u8]| observer.feed(side, bytes, at, &mut Nowhere);
        if is_logged_in {
            crate::targets::login(&mut feed);
        } else {
            feed(Side::Client, b"AMQP\0\0\x09\x01");
        }
        send(&mut feed);
        observer.end(End { by: Party::Client, text: "gone".into() }, at, &mut Nowhere);
    })
}

/// Many sessions at a time that share what they may take.
fn observed_together(sessions: usize, send: impl Fn(&mut dyn FnMut(Side, &[u8]))) -> usize {
    peak_of(|| {
        let limits = Limits::default();
        let begin = |_| {
            let mut observer = begun(&limits);
            let mut feed = |side: Side, bytes: &[u8]| {
                observer.feed(side, bytes, Timestamp::from_micros(AT), &mut Nowhere);
            };
            crate::targets::login(&mut feed);
            send(&mut feed);
            observer
        };
        drop((0..sessions).map(begin).collect::<Vec<_>>());
    })
}

fn frame(kind: u8, channel: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![kind];
    frame.extend(channel.to_be_bytes());
    frame.extend((payload.len() as u32).to_be_bytes());
    frame.extend_from_slice(payload);
    frame.push(0xce);
    frame
}

const PUBLISH: &[u8] = &[0, 60, 0, 40, 0, 0, 1, b'x', 1, b'k', 0];
const OPEN: &[u8] = &[0, 20, 0, 10, 0];

/// A content header without properties.
fn header(body_len: u64) -> Vec<u8> {
    [&[0, 60, 0, 0][..], &body_len.to_be_bytes(), &[0, 0]].concat()
}

/// Sends `payload` again and again until it is so many megabytes.
fn repeat(feed: &mut dyn FnMut(Side, &[u8]), side: Side, frame: &[u8], megabytes: usize) {
    let many = frame.repeat((64 << 10) / frame.len() + 1);
    for _ in 0..(megabytes << 20) / many.len() {
        feed(side, &many);
    }
}

#[track_caller]
fn assert_below(peak: usize, megabytes: usize) {
    println!("{} KiB", peak >> 10);
    assert!(peak < megabytes << 20, "{peak} bytes, more than {megabytes} MiB");
}

#[test]
fn a_content_that_is_not_completed_on_every_channel_is_bounded() {
    let peak = observed(|feed| {
        for channel in 1..=u16::MAX {
            feed(Side::Client, &frame(1, channel, OPEN));
            feed(Side::Client, &frame(1, channel, PUBLISH));
            feed(Side::Client, &frame(2, channel, &header(1 << 20)));
            feed(Side::Client, &frame(3, channel, &[7; 4000]));
        }
    });
    assert_below(peak, 48);
}

#[test]
fn the_beginning_of_an_endless_body_is_bounded() {
    for body_len in [1 << 63, u64::MAX] {
        let peak = observed(|feed| {
            feed(Side::Client, &frame(1, 1, PUBLISH));
            feed(Side::Client, &frame(2, 1, &header(body_len)));
            repeat(feed, Side::Client, &frame(3, 1, &[7; 4000]), 64);
        });
        assert_below(peak, 4);
    }
}

#[test]
fn deliveries_that_nobody_settles_are_bounded() {
    let deliver = |tag: u64| {
        let mut deliver = vec![0, 60, 0, 60, 1, b'c'];
        deliver.extend(tag.to_be_bytes());
        deliver.extend([0, 1, b'x', 1, b'k']);
        [frame(1, 1, &deliver), frame(2, 1, &header(0))].concat()
    };
    let peak = observed(|feed| (0..500_000).for_each(|tag| feed(Side::Broker, &deliver(tag))));
    assert_below(peak, 64);
}

#[test]
fn publishes_that_nobody_confirms_are_bounded() {
    let publish = [frame(1, 1, PUBLISH), frame(2, 1, &header(0))].concat();
    let peak = observed(|feed| {
        feed(Side::Client, &frame(1, 1, &[0, 85, 0, 10, 0]));
        repeat(feed, Side::Client, &publish, 24);
    });
    assert_below(peak, 64);
}

#[test]
fn a_transaction_that_is_never_committed_is_bounded() {
    let publish = [frame(1, 1, PUBLISH), frame(2, 1, &header(3)), frame(3, 1, b"abc")].concat();
    let ack = frame(1, 1, &[0, 60, 0, 80, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    let commit = frame(1, 1, &[0, 90, 0, 20]);
    for often in [publish, ack, commit] {
        let peak = observed(|feed| {
            feed(Side::Client, &frame(1, 1, &[0, 90, 0, 10]));
            repeat(feed, Side::Client, &often, 24);
        });
        assert_below(peak, 64);
    }
}

#[test]
fn requests_that_nobody_answers_are_bounded() {
    let consume = [&[0, 60, 0, 20, 0, 0, 1, b'q', 0, 0][..], &[0; 4]].concat();
    let get = [0, 60, 0, 70, 0, 0, 1, b'q', 0];
    let declare = [&[0, 50, 0, 10, 0, 0, 0, 0][..], &[0; 4]].concat();
    for request in [&consume[..], &get, &declare] {
        let peak = observed(|feed| repeat(feed, Side::Client, &frame(1, 1, request), 24));
        assert_below(peak, 16);
    }
}

#[test]
fn what_is_never_a_whole_frame_is_bounded() {
    let peak = observed(|feed| {
        // A method of 131 000 bytes that comes a byte at a time, on each side.
        for side in [Side::Client, Side::Broker] {
            let long = frame(1, 1, &[0; 131_000]);
            long[..130_000].iter().for_each(|byte| feed(side, &[*byte]));
        }
    });
    assert_below(peak, 4);
}

#[test]
fn channels_are_bounded() {
    let open_all = |feed: &mut dyn FnMut(Side, &[u8])| {
        (1..=u16::MAX).for_each(|channel| feed(Side::Client, &frame(1, channel, OPEN)));
    };
    let peak = observed(open_all);
    assert!(peak > 1 << 20, "{peak} bytes: they are followed");
    assert_below(peak, 16);
    // Who has not been let in has none.
    assert_below(observed_from(false, open_all), 1);
}

#[test]
fn what_all_sessions_take_together_is_bounded() {
    // Without an answer to be waited for.
    let consume = |number: u32| {
        let tag = format!("{number:0200}");
        let consume = [&[0, 60, 0, 20, 0, 0, 1, b'q', 200][..], tag.as_bytes(), &[8], &[0; 4]].concat();
        frame(1, 1, &consume)
    };
    let peak = observed_together(100, |feed| {
        for channel in 1..=u16::MAX {
            feed(Side::Client, &frame(1, channel, OPEN));
        }
    });
    assert!(peak > 32 << 20, "{peak} bytes: they are followed");
    assert_below(peak, 80);
    let peak = observed_together(100, |feed| (0..8192).for_each(|number| feed(Side::Client, &consume(number))));
    assert!(peak > 32 << 20, "{peak} bytes: they are remembered");
    assert_below(peak, 80);
    // Frames that are never whole, on each side of each.
    let long = frame(1, 1, &[0; 131_000]);
    let peak = observed_together(1000, |feed| {
        for side in [Side::Client, Side::Broker] {
            feed(side, &long[..130_000]);
        }
    });
    assert!(peak > 32 << 20, "{peak} bytes: some are kept");
    assert_below(peak, 80);
}

#[test]
fn a_bomb_in_headers_is_bounded() {
    // As many values as a frame can hold, and as many levels.
    let values = [1, b'a', b'V'].repeat(40_000);
    let mut levels = b"\x01x".to_vec();
    for level in (0..20_000_u32).rev() {
        levels.push(b'A');
        levels.extend((5 * level).to_be_bytes());
    }
    for table in [values, levels] {
        let mut content_header = [&[0, 60, 0, 0][..], &[0; 8], &[0x20, 0]].concat();
        content_header.extend((table.len() as u32).to_be_bytes());
        content_header.extend(table);
        let peak = observed(|feed| {
            for _ in 0..10 {
                feed(Side::Client, &frame(1, 1, PUBLISH));
                feed(Side::Client, &frame(2, 1, &content_header));
            }
        });
        assert_below(peak, 4);
    }
}
