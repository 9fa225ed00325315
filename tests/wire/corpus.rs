//! What fuzzers begin with: bad input, and conversations as they should be.

use hoptrail::model::Side;
use std::fs;
use std::path::Path;

use amq_protocol::types::generation::gen_field_table;
use hoptrail_tests::script::{self, Sender};

use crate::bad::{Sent, around, cases, nested};
use crate::message::Message;
use crate::talk::talk;
use hoptrail_tests::Rng;

/// A larger input slows a fuzzer down, and the repository.
const BYTES_MAX: usize = 40_000;
const CONVERSATIONS: usize = 24;

/// Written again only on purpose: what is found once stays found.
#[test]
#[ignore = "writes fixtures/fuzz: cargo test --test wire -- --ignored"]
fn the_corpus_is_written() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/fuzz");
    let write = |target: &str, name: &str, bytes: &[u8]| {
        let dir = root.join(target);
        fs::create_dir_all(&dir).expect("a directory");
        fs::write(dir.join(name), bytes).expect("writes");
    };
    for case in cases() {
        let (before, after) = around(case.when);
        let sent = [before, case.bad.clone(), after].concat();
        if sent.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() < BYTES_MAX {
            write("observer", case.name, &scripted(&sent));
        }
        let bad: Vec<u8> = case.bad.iter().flat_map(|(_, bytes)| bytes.clone()).collect();
        if bad.len() < BYTES_MAX {
            write("splitter", case.name, &[&[0, 7][..], &bad].concat());
        }
    }
    let mut written = 0;
    for seed in 0.. {
        let talk = talk(seed);
        let sent: Vec<Sent> = talk.frames.iter().map(|frame| (frame.side, frame.bytes.clone())).collect();
        let bytes = scripted(&sent);
        if bytes.len() > 12_000 {
            continue;
        }
        let name = format!("conversation-{seed}");
        write("observer", &name, &bytes);
        write("content", &name, &framed(&sent));
        let broker: Vec<u8> =
            sent.iter().filter(|(side, _)| *side == Side::Broker).flat_map(|it| it.1.clone()).collect();
        write("splitter", &name, &[&[1, 31][..], &broker].concat());
        written += 1;
        if written == CONVERSATIONS {
            break;
        }
    }
    for seed in 0..24 {
        let headers = Message::random(&mut Rng::new(&[seed]), 4088).sent.headers().clone().unwrap_or_default();
        let written = gen_field_table(&headers)(amq_protocol::frame::WriteContext::from(Vec::new()));
        let table = written.expect("memory takes everything").into_inner().0.split_off(4);
        write("tables", &format!("headers-{seed}"), &table);
    }
    for levels in [1, 31, 32, 33, 200, 5000] {
        write("tables", &format!("nested-{levels}"), &nested(levels)[4..]);
    }
}

fn scripted(sent: &[Sent]) -> Vec<u8> {
    let mut bytes = vec![0];
    for (side, some) in sent {
        let sender = match side {
            Side::Client => Sender::Client,
            Side::Broker => Sender::Broker,
        };
        script::write(&mut bytes, sender, some);
    }
    bytes
}

/// The frames after the login as the target `content` takes them: what kind, where, how long, and what is in them.
fn framed(sent: &[Sent]) -> Vec<u8> {
    let mut bytes = vec![0];
    for (side, frame) in sent {
        let [kind @ 1..=3, high, low, _, _, _, len, payload @ ..] = &frame[..] else { continue };
        let inside = &payload[..usize::from(*len).min(payload.len())];
        let place = u16::from_be_bytes([*high, *low]) << 1 | u16::from(*side == Side::Broker);
        let (kind, inside) = match (kind, inside) {
            (1, [0, class, 0, method, inside @ ..]) => match known(*class, *method) {
                Some(at) => (at, inside),
                None => continue,
            },
            (2, [_, _, _, _, _, _, _, _, _, _, _, len, properties @ ..]) => {
                bytes.extend([200, place as u8, properties.len() as u8 + 1, *len]);
                bytes.extend_from_slice(properties);
                continue;
            }
            (3, inside) => (225, inside),
            _ => continue,
        };
        bytes.extend([kind, place as u8, inside.len() as u8]);
        bytes.extend_from_slice(inside);
    }
    bytes
}

/// Where the target has the method.
fn known(class: u8, method: u8) -> Option<u8> {
    let at = hoptrail_tests::METHODS.iter().position(|known| *known == (class, method))?;
    u8::try_from(at).ok()
}
