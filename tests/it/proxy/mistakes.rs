//! Whatever a client does wrong, it is told the same as without hoptrail, byte for byte, and the journal says that it was
//! the broker who ended it.

use std::net::SocketAddr;
use std::thread;

use hoptrail::model::api::EventView;
use serde_json::{Value, json};

use crate::proxy::amqp::{End, FRAME_MAX, frame, method_frame, open, start_ok, tune_ok};
use crate::proxy::proxied::Proxied;
use crate::support::raw::short;
use crate::support::{Scene, on_each_broker};

/// What a client does, and the code that hoptrail knows of the end; `None`: that there was one.
struct Mistake {
    name: &'static str,
    /// The password and the virtual host, where it logs in.
    login: Option<(&'static str, String)>,
    /// Sent when the broker has opened channel 1, or `at_once`, when it has opened the connection.
    at_once: bool,
    bytes: Vec<u8>,
    code: Option<u16>,
}

#[test]
fn a_mistake_is_answered_as_without_hoptrail() {
    on_each_broker(async |scene: Scene| {
        let proxied = Proxied::start(scene.dir(), scene.node.port).await;
        let mistakes = mistakes(&scene);
        let (broker, proxy) = (scene.node.port, proxied.port);
        // All at a time: the broker answers some of them late, on purpose.
        let made: Vec<_> = thread::scope(|scope| {
            let making =
                |mistake| (scope.spawn(move || make(mistake, broker)), scope.spawn(move || make(mistake, proxy)));
            let making: Vec<_> = mistakes.iter().map(making).collect();
            making.into_iter().map(|(direct, through)| (direct.join().unwrap().0, through.join().unwrap())).collect()
        });
        let closes = proxied.wait_closes(mistakes.len()).await;
        for (mistake, (direct, (through, client))) in mistakes.iter().zip(made) {
            assert!(direct == through, "{}:\ndirect:  {}\nthrough: {}", mistake.name, said(&direct), said(&through));
            let of_client = |close: &&EventView| {
                let connection = &close.session.as_ref().unwrap()["connection"];
                connection.as_str().unwrap().starts_with(&format!("{client} -> "))
            };
            let close = closes.iter().find(of_client).and_then(|event| event.close.as_ref()).unwrap();
            let expected = (json!("broker"), mistake.code.map_or(Value::Null, Value::from));
            assert_eq!((close["by"].clone(), close["code"].clone()), expected, "{}: {close}", mistake.name);
        }
        proxied.wait_sessions(0).await;
    });
}

fn mistakes(scene: &Scene) -> Vec<Mistake> {
    let here = || Some(("guest", scene.vhost.clone()));
    let channel = method_frame(1, 20, 10, &short(b""));
    let publish = [&[0, 0][..], &short(b""), &short(b"q"), &[0]].concat();
    let mut unended = channel.clone();
    *unended.last_mut().unwrap() = 0;
    let of = |name, login, bytes, code| Mistake { name, login, at_once: true, bytes, code };
    // The broker may end the connection before it has told that the channel is open, so that is waited for.
    let on_channel = |name, bytes, code| Mistake { at_once: false, ..of(name, here(), bytes, code) };
    vec![
        of("no AMQP", None, b"GET / HTTP/1.1\r\n\r\n".to_vec(), None),
        of("a version that never was", None, b"AMQP\0\0\x07\x07".to_vec(), None),
        of("a wrong password", Some(("wrong", scene.vhost.clone())), Vec::new(), Some(403)),
        of("a virtual host that is missing", Some(("guest", "missing".to_owned())), Vec::new(), Some(530)),
        of("no channel", here(), method_frame(7, 60, 80, &[0; 9]), Some(504)),
        // The broker says why, and hoptrail has given up reading by then: there are no frames any more.
        of("a frame without its end", here(), unended, None),
        on_channel("a channel opened twice", channel.clone(), Some(504)),
        on_channel("a frame that is too large", frame(3, 1, &vec![0; 2 * FRAME_MAX as usize]), None),
        on_channel("a body without its method", frame(3, 1, b"body"), Some(505)),
        on_channel("a method within a content", [method_frame(1, 60, 40, &publish), channel].concat(), Some(505)),
        on_channel("a method that never was", method_frame(1, 60, 99, &[]), None),
        on_channel("a recovery without requeueing", method_frame(1, 60, 110, &[0]), Some(540)),
    ]
}

/// All that the broker says, to its end, and the client's address. The client is polite, and agrees to the end.
fn make(mistake: &Mistake, port: u16) -> (Vec<u8>, SocketAddr) {
    let mut end = End::connect(port);
    let address = end.stream.local_addr().unwrap();
    let Some((password, vhost)) = &mistake.login else {
        end.send(&mistake.bytes);
        return (end.rest(), address);
    };
    end.send(b"AMQP\0\0\x09\x01");
    let mut heard = Vec::new();
    while let Some(frame) = end.next_frame() {
        match frame.payload.get(..4) {
            Some([0, 10, 0, 10]) => end.send(&start_ok(password)),
            Some([0, 10, 0, 30]) => end.send(&[tune_ok(FRAME_MAX), open(vhost)].concat()),
            Some([0, 10, 0, 41]) if mistake.at_once => end.send(&mistake.bytes),
            Some([0, 10, 0, 41]) => end.send(&method_frame(1, 20, 10, &short(b""))),
            Some([0, 20, 0, 11]) => end.send(&mistake.bytes),
            Some([0, 10, 0, 50]) => end.send(&method_frame(0, 10, 51, &[])),
            _ => {}
        }
        heard.extend(frame.payload);
    }
    (heard, address)
}

fn said(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(200)..]).into_owned()
}
