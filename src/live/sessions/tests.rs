//! The table of sessions, and the counters beside it.

use std::time::Duration;

use crate::config;
use crate::model::{Kind, Session, SessionState, SessionView, Side, Timestamp};

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

fn open(sessions: &Sessions, id: u64, seconds: i64) {
    let address = format!("10.0.0.7:{}", 50_000 + id);
    sessions.opened(id, address.clone(), format!("{address} -> 127.0.0.1:5673").into(), id == 2, at(seconds));
}

#[test]
fn a_session_is_shown_with_what_was_told_of_it_until_it_is_closed() {
    let sessions = Sessions::default();
    open(&sessions, 1, 100);
    let report = sessions.report(at(100));
    let [view] = report.sessions.as_slice() else { panic!("{report:?}") };
    assert_eq!((view.state, view.since), (SessionState::Opening, at(100)));
    assert_eq!((&*view.address, &*view.connection), ("10.0.0.7:50001", "10.0.0.7:50001 -> 127.0.0.1:5673"));
    sessions.connected(1, "127.0.0.1:40000 -> 127.0.0.1:5672".into());
    let session = Session {
        user: Some("shop".into()),
        client_name: Some("Shop API".into()),
        connection: Some("unused".into()),
        channel: None,
    };
    let figures = SessionFigures {
        session,
        service: Some("Shop".into()),
        vhost: Some("/".into()),
        channels: 3,
        published: 200,
        delivered: 100,
        unconfirmed: 7,
        unsettled: 5,
        oldest_unsettled_at: Some(at(90)),
        bytes_from_client: 4096,
        bytes_from_broker: 1024,
        state: SessionState::Blocked,
        gap: Some("a channel could not be followed".into()),
    };
    sessions.update(1, figures, at(110));
    let report = sessions.report(at(110));
    let expected = SessionView {
        connection: "10.0.0.7:50001 -> 127.0.0.1:5673".into(),
        address: "10.0.0.7:50001".into(),
        broker_connection: Some("127.0.0.1:40000 -> 127.0.0.1:5672".into()),
        tls: false,
        since: at(100),
        state: SessionState::Blocked,
        service: Some("Shop".into()),
        user: Some("shop".into()),
        client_name: Some("Shop API".into()),
        vhost: Some("/".into()),
        channels: 3,
        published: 200,
        delivered: 100,
        publish_rate: 20.0,
        deliver_rate: 10.0,
        bytes_from_client: 4096,
        bytes_from_broker: 1024,
        unconfirmed: 7,
        unsettled: 5,
        oldest_unsettled_at: Some(at(90)),
        oldest_unsettled: Some(Duration::from_secs(20)),
        gap: Some("a channel could not be followed".into()),
    };
    assert_eq!((report.total, report.sessions), (1, vec![expected]));
    sessions.closed(1);
    sessions.update(1, SessionFigures::default(), at(111));
    assert_eq!((sessions.report(at(111)).total, sessions.stats().closed), (0, 1));
}

#[test]
fn sessions_are_shown_oldest_first() {
    let sessions = Sessions::default();
    for (id, seconds) in [(3, 30), (1, 20), (2, 10)] {
        open(&sessions, id, seconds);
    }
    let report = sessions.report(at(40));
    let order: Vec<_> = report.sessions.iter().map(|view| (view.address.as_str(), view.tls)).collect();
    assert_eq!(order, [("10.0.0.7:50002", true), ("10.0.0.7:50001", false), ("10.0.0.7:50003", false)]);
}

#[test]
fn the_figures_add_up_over_sessions_and_time() {
    let proxy = config::load(None, [], &vec![("proxy.backlog_bytes_max".into(), "2MiB".into())]).expect("valid").proxy;
    let sessions = Sessions::new(&proxy);
    let figures = |unsettled, oldest: Option<i64>| SessionFigures {
        unsettled,
        unconfirmed: 1,
        oldest_unsettled_at: oldest.map(at),
        ..SessionFigures::default()
    };
    for (id, figures) in [(1, figures(2, Some(7))), (2, figures(3, Some(5))), (3, figures(0, None))] {
        open(&sessions, id, 1);
        sessions.update(id, figures, at(9));
    }
    open(&sessions, 4, 1);
    sessions.closed(4);
    sessions.refused(Refused::Guest);
    sessions.refused(Refused::Guest);
    sessions.refused(Refused::Draining);
    sessions.passed(Side::Client, 10);
    sessions.passed(Side::Client, 5);
    sessions.passed(Side::Broker, 1);
    sessions.dropped(Kind::Publish, 4, at(10));
    sessions.dropped(Kind::Deliver, 2, at(11));
    sessions.unobserved(1000, at(12));
    sessions.set_backlog(900);
    sessions.set_backlog(100);
    let expected = SessionStats {
        enabled: false,
        live: 3,
        opened: 4,
        closed: 1,
        refused: vec![
            (Refused::Guest, 2),
            (Refused::TooMany, 0),
            (Refused::BrokerUnreachable, 0),
            (Refused::ClientGone, 0),
            (Refused::Tls, 0),
            (Refused::Draining, 1),
        ],
        bytes: vec![(Side::Client, 15), (Side::Broker, 1)],
        dropped: vec![(Kind::Publish, 4), (Kind::Deliver, 2)],
        unobserved_bytes: 1000,
        last_loss_at: Some(at(12)),
        backlog: Backlog { now: 100, peak: 900, max: 2 << 20 },
        unconfirmed: 3,
        unsettled: 5,
        oldest_unsettled_at: Some(at(5)),
    };
    assert_eq!(sessions.stats(), expected);
    assert_eq!(sessions.stats().dropped_total(), 6);
}
