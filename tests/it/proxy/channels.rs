//! As many channels as a broker allows, on one connection.

use std::collections::HashMap;

use crate::proxy::amqp::{End, FRAME_MAX, Message, method_frame};
use crate::proxy::proxied::{Proxied, ended_by};
use crate::support::raw::short;
use crate::support::{Scene, on_each_broker};

/// RabbitMQ's own limit.
const CHANNELS: u16 = 2047;
/// The one answer that a content follows.
const GET_OK: u16 = 71;

#[test]
fn every_channel_of_a_connection_full_of_them_is_followed() {
    on_each_broker(async |scene: Scene| {
        scene.queue("q", serde_json::json!({})).await;
        let proxied = Proxied::start(scene.dir(), scene.node.port).await;
        let mut client = End::connect(proxied.port);
        client.log_in(&scene.vhost, FRAME_MAX);
        on_all(&mut client, |channel| method_frame(channel, 20, 10, &short(b"")), (20, 11));
        on_all(&mut client, |channel| method_frame(channel, 85, 10, &[0]), (85, 11));
        let publish = |channel: u16| {
            let id = format!("m{channel}");
            let body = vec![b'x'; usize::from(channel)];
            Message { exchange: "", routing_key: "q", id: &id, mandatory: true, body: &body }
                .publish(channel, FRAME_MAX)
        };
        on_all(&mut client, publish, (60, 80));
        let get = [&[0, 0][..], &short(b"q"), &[0]].concat();
        let came = on_all(&mut client, |channel| method_frame(channel, 60, 70, &get), (60, GET_OK));
        let report = proxied.wait_sessions(1).await;
        let mut told = Vec::new();
        for (channel, id) in &came {
            let number = &id[1..];
            told.push(format!("publish |q|{id}|{number}"));
            told.push(format!("confirm ack {id}"));
            told.push(format!("deliver q|1|false||q|{id}|{number}|false"));
            // The one half is acknowledged, the other goes back with the connection.
            let acknowledged = channel % 2 == 0;
            if acknowledged {
                client.method(*channel, 60, 80, &[&1_u64.to_be_bytes()[..], &[0]].concat());
            }
            told.push(if acknowledged {
                format!("settle ack false|false|{id}")
            } else {
                format!("settle close true|{id}")
            });
        }
        let close = [&200_u16.to_be_bytes()[..], &short(b"bye"), &[0; 4]].concat();
        client.method(0, 10, 50, &close);
        client.expect(0, 10, 51);
        drop(client);
        told.sort();
        proxied.wait_recorded(&told).await;
        let closes = proxied.wait_closes(1).await;
        assert_eq!(ended_by(&closes[0]), "client");
        assert_eq!(closes[0].close.as_ref().unwrap()["unsettled"], CHANNELS / 2 + 1);
        assert_eq!(report.sessions[0].channels, u64::from(CHANNELS));
        proxied.wait_sessions(0).await;
        proxied.assert_no_gap().await;
    });
}

/// Asks on all channels at once, and waits for all answers, in whatever order; the message id of each answer that has one.
fn on_all(client: &mut End, ask: impl Fn(u16) -> Vec<u8>, (class, method): (u16, u16)) -> HashMap<u16, String> {
    let all: Vec<u8> = (1..=CHANNELS).flat_map(ask).collect();
    let mut writing = client.stream.try_clone().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || std::io::Write::write_all(&mut writing, &all).unwrap());
        let (mut answered, mut left) = (0, 0);
        let mut ids = HashMap::new();
        while answered < CHANNELS || left > 0 || (method == GET_OK && ids.len() < usize::from(CHANNELS)) {
            let frame = client.frame();
            match frame.kind {
                1 => {
                    let head = [&class.to_be_bytes()[..], &method.to_be_bytes()].concat();
                    assert_eq!(frame.payload[..4], head, "channel {}: {:?}", frame.channel, frame.payload);
                    // An acknowledgement is for this channel's only publish.
                    answered += 1;
                }
                2 => {
                    left += u64::from_be_bytes(frame.payload[4..12].try_into().unwrap());
                    ids.insert(frame.channel, message_id(&frame.payload));
                }
                3 => left -= frame.payload.len() as u64,
                _ => {}
            }
        }
        ids
    })
}

/// Of a content header that has no other property.
fn message_id(header: &[u8]) -> String {
    let length = usize::from(header[14]);
    String::from_utf8(header[15..15 + length].to_vec()).unwrap()
}
