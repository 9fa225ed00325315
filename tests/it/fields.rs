//! Headers as AMQP allows them: of every type, and nested deeper than anybody needs.

use serde_json::json;

use crate::support::raw::{Message, field, long, short};
use crate::support::wait::ensure;
use crate::support::{Scene, eventually, on_each_broker};

#[test]
fn headers_of_every_field_type_arrive_as_they_were_sent() {
    on_each_broker(async |scene: Scene| {
        scene.exchange("orders", "topic").await;
        let hoptrail = scene.hoptrail(&[]).await;
        let list = [&[b't', 1][..], b"s", &(-2_i16).to_be_bytes(), b"S", &long(b"in a list"), b"V"].concat();
        let table = [field("inner", b'I', &7_i32.to_be_bytes()), field("list", b'A', &long(&list))].concat();
        let headers = [
            field("array", b'A', &long(&list)),
            field("binary", b'S', &long(b"\xff\x00")),
            field("bool", b't', &[1]),
            field("bytes", b'x', &long(b"\x01\x02")),
            field("decimal", b'D', &[&[2][..], &1995_u32.to_be_bytes()].concat()),
            field("double", b'd', &(-0.25_f64).to_be_bytes()),
            field("float", b'f', &0.5_f32.to_be_bytes()),
            field("i16", b's', &i16::MIN.to_be_bytes()),
            field("i32", b'I', &i32::MIN.to_be_bytes()),
            field("i64", b'l', &i64::MIN.to_be_bytes()),
            field("i8", b'b', &i8::MIN.to_be_bytes()),
            field("table", b'F', &long(&table)),
            field("text", b'S', &long("Größe 54".as_bytes())),
            field("time", b'T', &1_795_226_400_u64.to_be_bytes()),
            field("u16", b'u', &u16::MAX.to_be_bytes()),
            field("u32", b'i', &u32::MAX.to_be_bytes()),
            field("u8", b'B', &[u8::MAX]),
            field("void", b'V', &[]),
        ];
        scene.raw().publish(&message("every type", headers.concat()));
        let list = json!([true, -2, "in a list", null]);
        let expected = json!({
            "array": list, "binary": { "base64": "/wA=" }, "bool": true, "bytes": { "base64": "AQI=" },
            "decimal": "19.95", "double": -0.25, "float": 0.5, "i16": i16::MIN, "i32": i32::MIN, "i64": i64::MIN,
            "i8": i8::MIN, "table": { "inner": 7, "list": list }, "text": "Größe 54", "time": 1_795_226_400_u64,
            "u16": u16::MAX, "u32": u32::MAX, "u8": u8::MAX, "void": null,
        });
        for source in ["binding", "firehose"] {
            let found = hoptrail.wait_events(&format!("&message_id=every%20type&source={source}"), 1).await;
            let event = hoptrail.event(found[0].seq).await;
            assert_eq!(event.headers.as_ref(), Some(&expected), "{source}");
            assert_eq!(event.body.unwrap().text.as_deref(), Some("ring"));
        }
    });
}

#[test]
fn headers_nested_two_thousand_deep_become_one_gap_and_recording_goes_on() {
    on_each_broker(async |scene: Scene| {
        scene.exchange("orders", "topic").await;
        let mut hoptrail = scene.hoptrail(&[]).await;
        let mut raw = scene.raw();
        for (id, kind) in [("tables", b'F'), ("lists", b'A')] {
            raw.publish(&message(id, field("deep", kind, &long(&nested(kind, 2000)))));
        }
        raw.publish(&message("after", Vec::new()));
        for source in ["binding", "firehose"] {
            for id in ["tables", "lists", "after"] {
                hoptrail.wait_events(&format!("&message_id={id}&source={source}"), 1).await;
            }
            for id in ["tables", "lists"] {
                let found = hoptrail.events(&format!("&message_id={id}&source={source}")).await;
                let headers = hoptrail.event(found[0].seq).await.headers.unwrap().to_string();
                assert_eq!(found.len(), 1, "{source} {id}");
                assert!(headers.contains("too_deep"), "{source} {id}: {headers}");
                let about = format!("headers of the message {id:?}");
                eventually(&format!("one gap of {source} about {id}"), async || {
                    let events = hoptrail.events("&kind=gap").await;
                    let gaps = events.iter().filter_map(|event| event.gap.as_ref());
                    let own: Vec<_> =
                        gaps.filter(|gap| gap.source.as_ref() == source && gap.cause.starts_with(&about)).collect();
                    ensure(own.len() == 1 && own[0].count == Some(1), || format!("{events:?}"))
                })
                .await;
            }
        }
        assert!(hoptrail.is_running());
    });
}

fn message(id: &str, headers: Vec<u8>) -> Message<'_> {
    Message { exchange: "orders", routing_key: b"k", message_id: id, headers, body: b"ring" }
}

/// The content of a table or list with so many levels inside it.
fn nested(kind: u8, levels: usize) -> Vec<u8> {
    (0..levels).fold(Vec::new(), |inner, _| {
        let name = if kind == b'F' { short(b"n") } else { Vec::new() };
        [&name[..], &[kind], &long(&inner)].concat()
    })
}
