//! However a session ends, the other side is told, the journal says who it was, nothing of it is left, and the sessions
//! of others go on.

use crate::proxy::amqp::End;
use crate::proxy::proxied::ended_by;
use crate::proxy::stage::{CONSUMER, Pair, Stage, delivered, given_back, message, on_stage, published};
use crate::support::chance::Chance;
use crate::support::eventually;
use crate::support::wait::ensure;

/// More than fits into one frame.
const LARGE: usize = 1 << 20;
/// Sessions that end in a way left to chance.
const ENDINGS: u64 = 60;

#[test]
fn a_client_that_resets_in_mid_frame_ends_its_session_and_no_other() {
    on_stage(async |stage| {
        let mut bystander = stage.session();
        let Pair { mut client, mut broker } = stage.session();
        let frames = message("given", b"ring").deliver(1, client.frame_max, CONSUMER, 1);
        broker.send(&frames);
        assert_eq!(client.bytes(frames.len()), frames);
        let half = half_a_message(&client);
        client.send(&half);
        assert_eq!(broker.bytes(half.len()), half);
        client.reset();
        assert_eq!(broker.rest(), b"");
        let mut told = vec![delivered("given", 1, 4), given_back("given")];
        ended(&stage, "client", 1).await;
        told.extend(bystander.goes_on("bystander", 1));
        told.sort();
        stage.proxied.wait_recorded(&told).await;
    });
}

#[test]
fn a_broker_that_resets_in_mid_frame_ends_that_session_and_no_other() {
    on_stage(async |stage| {
        let mut bystander = stage.session();
        let Pair { mut client, mut broker } = stage.session();
        let frames = message("given", &vec![b'x'; LARGE]).deliver(1, client.frame_max, CONSUMER, 1);
        let half = &frames[..frames.len() / 2];
        broker.send(half);
        assert!(client.bytes(half.len()) == half);
        broker.reset();
        assert_eq!(client.rest(), b"");
        ended(&stage, "broker", 0).await;
        let mut told = bystander.goes_on("bystander", 1);
        told.sort();
        stage.proxied.wait_recorded(&told).await;
    });
}

#[test]
fn a_client_that_has_nothing_more_to_say_still_hears_everything() {
    on_stage(async |stage| {
        let Pair { mut client, mut broker } = stage.session();
        client.publish(1, &message("last", b"word"));
        client.half_close();
        broker.expect(1, 60, 40);
        assert_eq!(broker.content(), b"word");
        assert_eq!(broker.rest(), b"", "the broker is told of the end");
        let frames = message("late", &vec![b'x'; LARGE]).deliver(1, client.frame_max, CONSUMER, 1);
        let length = frames.len();
        let sending = std::thread::spawn(move || {
            broker.send(&frames);
            (broker, frames)
        });
        let came = client.bytes(length);
        let (broker, frames) = sending.join().unwrap();
        assert!(came == frames, "the client got something else");
        stage.proxied.wait_sessions(1).await;
        drop(broker);
        assert_eq!(client.rest(), b"");
        ended(&stage, "client", 1).await;
        let mut told = vec![published("last", 4), delivered("late", 1, LARGE), given_back("late")];
        told.sort();
        stage.proxied.wait_recorded(&told).await;
    });
}

#[test]
fn a_broker_that_has_nothing_more_to_say_still_gets_everything() {
    on_stage(async |stage| {
        let Pair { mut client, mut broker } = stage.session();
        broker.half_close();
        assert_eq!(client.rest(), b"", "the client is told of the end");
        let body = vec![b'x'; LARGE];
        let frames = message("late", &body).publish(1, client.frame_max);
        let sent = frames.clone();
        let sending = std::thread::spawn(move || {
            client.send(&sent);
            client
        });
        assert!(broker.bytes(frames.len()) == frames, "the broker got something else");
        let client = sending.join().unwrap();
        stage.proxied.wait_sessions(1).await;
        drop(client);
        assert_eq!(broker.rest(), b"");
        ended(&stage, "broker", 0).await;
        stage.proxied.wait_recorded(&[published("late", LARGE)]).await;
    });
}

#[test]
fn a_client_is_told_by_an_end_that_there_is_no_broker() {
    on_stage(async |mut stage| {
        // Its port is free now, and answers with a reset.
        stage.listener.close();
        let mut client = End::connect(stage.proxied.port);
        assert_eq!(client.rest(), b"");
        stage.proxied.wait_sessions(0).await;
    });
}

#[test]
fn a_session_that_outlives_a_stop_is_cut_by_hoptrail_which_says_so() {
    on_stage(async |mut stage| {
        let Pair { mut client, mut broker } = stage.session();
        let frames = message("given", b"ring").deliver(1, client.frame_max, CONSUMER, 1);
        broker.send(&frames);
        assert_eq!(client.bytes(frames.len()), frames);
        assert_eq!(stage.proxied.hoptrail.stop().code(), Some(0));
        assert_eq!((client.rest(), broker.rest()), (Vec::new(), Vec::new()));
        stage.proxied.hoptrail.restart();
        ended(&stage, "hoptrail", 1).await;
        stage.proxied.wait_recorded(&[delivered("given", 1, 4), given_back("given")]).await;
    });
}

#[test]
fn sessions_that_end_in_all_manners_leave_nothing_behind() {
    on_stage(async |stage| {
        let mut bystander = stage.session();
        let descriptors = stage.proxied.hoptrail.descriptors();
        let seed = std::env::var("HOPTRAIL_TEST_SEED").map_or(1, |seed| seed.parse().unwrap());
        println!("HOPTRAIL_TEST_SEED={seed}");
        let mut chance = Chance::new(seed);
        for number in 0..ENDINGS {
            end_somehow(&stage, &mut chance);
            if number % 10 == 0 {
                bystander.goes_on("bystander", number + 1);
            }
        }
        stage.proxied.wait_sessions(1).await;
        eventually("every descriptor is closed", async || {
            // Those who ask over HTTP have some too.
            let now = stage.proxied.hoptrail.descriptors();
            ensure(now <= descriptors + 4, || format!("there were {descriptors}, and now are {now}"))
        })
        .await;
        bystander.goes_on("bystander", ENDINGS + 1);
        let opens = stage.proxied.hoptrail.events("&kind=session_open").await.len();
        // Of all but the bystander's.
        stage.proxied.wait_closes(opens - 1).await;
    });
}

/// Before the login, or after it; in the middle of a frame, or between two; by one side or both, quietly or not.
fn end_somehow(stage: &Stage, chance: &mut Chance) {
    let Pair { mut client, mut broker } = match chance.below(4) {
        0 => stage.connect(),
        _ => stage.session(),
    };
    let frames = message("x", &vec![b'x'; 10_000]).publish(1, client.frame_max);
    let length = usize::try_from(chance.below(frames.len() as u64)).unwrap();
    match chance.below(3) {
        0 => client.send(&frames[..length]),
        1 => broker.send(&frames[..length]),
        _ => {}
    }
    match chance.below(6) {
        0 => client.reset(),
        1 => broker.reset(),
        2 => drop(client),
        3 => drop(broker),
        4 => {
            client.half_close();
            broker.rest();
            broker.reset();
        }
        _ => {
            broker.half_close();
            client.rest();
            client.reset();
        }
    }
}

/// Waits for the one end of a session; it was this side's, and so many deliveries went back.
async fn ended(stage: &Stage, by: &str, unsettled: u64) {
    let closes = stage.proxied.wait_closes(1).await;
    assert_eq!(ended_by(&closes[0]), by, "{closes:?}");
    assert_eq!(closes[0].close.as_ref().unwrap()["unsettled"], unsettled, "{closes:?}");
    eventually("the session is gone", async || {
        let report = stage.proxied.sessions().await;
        let ended = closes[0].session.as_ref().unwrap()["connection"].as_str().unwrap();
        ensure(report.sessions.iter().all(|session| &*session.connection != ended), || format!("{report:?}"))
    })
    .await;
}

fn half_a_message(client: &End) -> Vec<u8> {
    let mut frames = message("never", &[b'x'; 1000]).publish(1, client.frame_max);
    frames.truncate(frames.len() - 500);
    frames
}
