//! Frames of every size, and bytes that are no frames at all.

use std::thread;

use hoptrail::model::api::EventView;

use crate::proxy::amqp::{End, FRAME_MAX, frame, method_frame};
use crate::proxy::stage::{Pair, Stage, message, on_stage, published};
use crate::support::chance::Chance;
use crate::support::raw::short;

/// The smallest that the protocol allows, one more, one that no power of two divides, the usual one, none.
const LIMITS: [u32; 5] = [4096, 4097, 10_007, FRAME_MAX, 0];
/// A body of many frames, or of one where frames are not limited.
const LARGE: usize = 4 << 20;

#[test]
fn whatever_limit_of_frames_is_agreed_on_messages_pass_and_are_recorded() {
    on_stage(async |stage| {
        let mut told = Vec::new();
        for limit in LIMITS {
            let mut pair = stage.session_of(limit);
            let room = if limit == 0 { 1 << 16 } else { limit as usize - 8 };
            for (number, size) in [0, 1, room - 1, room, room + 1, LARGE].into_iter().enumerate() {
                let id = format!("{limit}-{number}");
                let frames = message(&id, &vec![b'x'; size]).publish(1, limit);
                pass(&mut pair, &frames);
                told.push(published(&id, size));
            }
        }
        told.sort();
        stage.proxied.wait_sessions(0).await;
        stage.proxied.wait_recorded(&told).await;
        stage.proxied.assert_no_gap().await;
    });
}

#[test]
fn a_body_in_frames_of_one_byte_and_of_none_is_recorded_whole() {
    on_stage(async |stage| {
        let mut pair = stage.session();
        let text: String = (0..3000).map(|number| char::from(b'a' + u8::try_from(number % 26).unwrap())).collect();
        let whole = message("crumbs", text.as_bytes()).publish(1, FRAME_MAX);
        let mut frames = whole[..whole.len() - text.len() - 8].to_vec();
        for byte in text.bytes() {
            frames.extend([frame(3, 1, &[]), frame(3, 1, &[byte])].concat());
        }
        pass(&mut pair, &frames);
        let told = [published("crumbs", text.len())];
        stage.proxied.wait_recorded(&told).await;
        assert_eq!(body_of(&stage, "crumbs").await, text);
    });
}

#[test]
fn contents_of_several_channels_may_be_interleaved() {
    on_stage(async |stage| {
        let mut pair = stage.session();
        let mut frames = Vec::new();
        let bodies: Vec<String> = (1..=4).map(|channel| channel.to_string().repeat(100)).collect();
        for (channel, body) in (1..).zip(&bodies) {
            if channel > 1 {
                frames.extend(method_frame(channel, 20, 10, &short(b"")));
            }
            let id = format!("on-{channel}");
            let all = message(&id, body.as_bytes()).publish(channel, FRAME_MAX);
            frames.extend(&all[..all.len() - body.len() - 8]);
        }
        for at in 0..100 {
            for (channel, body) in (1..).zip(&bodies) {
                frames.extend(frame(3, channel, &body.as_bytes()[at..=at]));
            }
        }
        pass(&mut pair, &frames);
        let told: Vec<String> = (1..=4).map(|channel| published(&format!("on-{channel}"), 100)).collect();
        stage.proxied.wait_recorded(&told).await;
        for (channel, body) in (1..).zip(&bodies) {
            assert_eq!(&body_of(&stage, &format!("on-{channel}")).await, body);
        }
    });
}

#[test]
fn what_is_no_amqp_passes_unchanged_and_is_a_session_with_a_gap() {
    on_stage(async |stage| {
        let beginnings: [&[u8]; 5] =
            [b"AMQP\0\x01\0\0", b"AMQP\x03\x01\0\0", b"GET / HTTP/1.1\r\n\r\n", b"AMQP\x01\x01\x08\0", b"AMQ"];
        let mut chance = Chance::new(7);
        for beginning in beginnings {
            let mut noise = || (0..300_000).map(|_| u8::try_from(chance.below(256)).unwrap()).collect::<Vec<u8>>();
            let (question, answer) = ([beginning, &noise()].concat(), noise());
            let Pair { mut client, mut broker } = stage.connect();
            cross(&mut client, &mut broker, &question);
            cross(&mut broker, &mut client, &answer);
        }
        stage.proxied.wait_sessions(0).await;
        let closes = stage.proxied.wait_closes(beginnings.len()).await;
        let gaps = stage.proxied.hoptrail.events("&kind=gap").await;
        let opens = stage.proxied.hoptrail.events("&kind=session_open").await;
        for close in &closes {
            let with = |events: &[EventView]| events.iter().filter(|event| same_session(event, close)).count();
            let causes: Vec<_> = gaps.iter().map(|event| &event.gap.as_ref().unwrap().cause).collect();
            // One at once, and one at the end, which knows how long it was.
            assert_eq!((with(&opens), with(&gaps)), (1, 2), "{causes:#?}");
        }
        stage.proxied.wait_recorded(&[]).await;
    });
}

/// What the client sends is what the broker gets.
fn pass(pair: &mut Pair, frames: &[u8]) {
    cross(&mut pair.client, &mut pair.broker, frames);
}

/// What one sends is what the other gets.
fn cross(from: &mut End, to: &mut End, bytes: &[u8]) {
    thread::scope(|scope| {
        scope.spawn(|| from.send(bytes));
        assert!(to.bytes(bytes.len()) == bytes, "something else came");
    });
}

async fn body_of(stage: &Stage, id: &str) -> String {
    let found = stage.proxied.hoptrail.events(&format!("&kind=publish&message_id={id}")).await;
    stage.proxied.hoptrail.event(found[0].seq).await.body.unwrap().text.unwrap()
}

fn same_session(one: &EventView, other: &EventView) -> bool {
    let connection = |event: &EventView| event.session.as_ref().map(|session| session["connection"].clone());
    connection(one) == connection(other)
}
