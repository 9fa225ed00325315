use amq_protocol::types::{AMQPValue, FieldArray, FieldTable};

use super::*;
use crate::capture::tap::clients::{Client, Clients};
use crate::model::{Body, Death, Kind, Session, Source, Topology};
use crate::wire::nested;

fn text(text: &str) -> AMQPValue {
    AMQPValue::LongString(text.into())
}

fn list(items: &[&str]) -> AMQPValue {
    AMQPValue::FieldArray(items.iter().map(|item| text(item)).collect::<Vec<_>>().into())
}

fn fields<const N: usize>(entries: [(&str, AMQPValue); N]) -> FieldTable {
    let mut fields = FieldTable::default();
    entries.into_iter().for_each(|(name, value)| _ = fields.insert(name.into(), value));
    fields
}

fn x_death(queue: &str, count: i64) -> AMQPValue {
    let death = fields([
        ("queue", text(queue)),
        ("reason", text("rejected")),
        ("exchange", text("mes.commands")),
        ("routing-keys", list(&["order.approved"])),
        ("count", AMQPValue::LongLongInt(count)),
        ("time", AMQPValue::Timestamp(1_795_226_400)),
    ]);
    AMQPValue::FieldArray(FieldArray::from(vec![AMQPValue::FieldTable(death)]))
}

fn death(queue: &str) -> Death {
    Death {
        queue: queue.into(),
        reason: "rejected".into(),
        exchange: "mes.commands".into(),
        routing_keys: vec!["order.approved".into()],
        count: 1,
        first_at: Some(Timestamp::from_micros(1_795_226_400_000_000)),
    }
}

fn arrival(exchange: &str, routing_key: &str, headers: FieldTable) -> Arrival {
    Arrival {
        at: Timestamp::from_micros(1_795_226_500_000_000),
        late: false,
        exchange: exchange.into(),
        routing_key: routing_key.into(),
        properties: AMQPProperties::default().with_message_id("m-1".into()).with_headers(headers),
        body: b"{}".to_vec(),
    }
}

/// A trace of a message `m-1` with these headers of its own.
fn trace(key: &str, facts: FieldTable, message_headers: FieldTable) -> Arrival {
    let properties = fields([("message_id", text("m-1")), ("headers", AMQPValue::FieldTable(message_headers))]);
    let mut headers = fields([
        ("connection", text("10.0.0.1:5000 -> 10.0.0.2:5672")),
        ("channel", AMQPValue::LongInt(3)),
        ("user", text("shop")),
        ("vhost", text("/")),
        ("node", text("rabbit@a")),
        ("properties", AMQPValue::FieldTable(properties)),
    ]);
    facts.into_iter().for_each(|(name, value)| _ = headers.insert(name.clone(), value.clone()));
    Arrival {
        properties: AMQPProperties::default().with_headers(headers),
        ..arrival("amq.rabbitmq.trace", key, FieldTable::default())
    }
}

fn published(exchange: &str, queues: &[&str]) -> FieldTable {
    fields([
        ("exchange_name", text(exchange)),
        ("routing_keys", list(&["order.approved"])),
        ("routed_queues", list(queues)),
    ])
}

fn delivered(exchange: &str, redelivered: i32) -> FieldTable {
    fields([
        ("exchange_name", text(exchange)),
        ("routing_keys", list(&["order.approved"])),
        ("redelivered", AMQPValue::LongInt(redelivered)),
    ])
}

fn decoder(source: Source) -> Decoder {
    Decoder::new(source, "/".into(), Clients::default(), BoundDeadLetterExchanges::default())
}

fn kinds(events: &[Event]) -> Vec<Kind> {
    events.iter().map(|event| event.kind).collect()
}

#[test]
fn a_delivery_from_an_application_exchange_is_a_publish() {
    let headers = fields([("CC", list(&["audit"])), ("x-death", x_death("old", 1))]);
    let events = decoder(Source::Binding).decode(arrival("shop.orders", "order.created", headers)).events;
    let [event] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((event.kind, event.source), (Kind::Publish, Source::Binding));
    assert_eq!(event.exchange.as_deref(), Some("shop.orders"));
    assert_eq!(event.routing_key.as_deref(), Some("order.created"));
    assert_eq!(event.routing_keys, ["order.created".into(), "audit".into()]);
    assert_eq!((event.message_id.as_deref(), event.vhost.as_deref()), (Some("m-1"), Some("/")));
    assert_eq!(event.body, Some(Body { len: 2, data: b"{}".to_vec(), ..Body::default() }));
    assert_eq!((&event.death, &event.routed_queues), (&None, &None), "the history is the publisher's claim");
}

#[test]
fn a_dead_letter_names_the_queue_that_gave_it_up() {
    let headers = fields([("x-death", x_death("mes.orders", 1))]);
    let events = decoder(Source::DeadLetter).decode(arrival("mes.dlx", "order.approved", headers)).events;
    let [event] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((event.kind, event.exchange.as_deref()), (Kind::DeadLetter, Some("mes.dlx")));
    assert_eq!((event.queue.as_deref(), &event.death), (Some("mes.orders"), &Some(death("mes.orders"))));
}

#[test]
fn what_a_client_publishes_to_a_dead_letter_exchange_is_a_publish() {
    let events = decoder(Source::DeadLetter).decode(arrival("mes.dlx", "k", FieldTable::default())).events;
    assert_eq!(kinds(&events), [Kind::Publish]);
    assert_eq!(events[0].source, Source::DeadLetter);
}

#[test]
fn what_a_tap_queue_gave_up_is_left_out() {
    let headers = fields([("x-death", x_death("hoptrail.default.firehose", 1))]);
    assert_eq!(decoder(Source::DeadLetter).decode(arrival("mes.dlx", "k", headers)).events, []);
}

#[test]
fn a_traced_publish_names_queues_and_client() {
    let mut decoder = decoder(Source::Firehose);
    let client = Client { name: Some("Shop".into()), ..Client::default() };
    decoder.clients.put("10.0.0.1:5000 -> 10.0.0.2:5672".into(), client);
    let facts = published("shop.orders", &["mes.orders", "hoptrail.default.binding", "crm.orders"]);
    let own = fields([("order", text("4711"))]);
    let events = decoder.decode(trace("publish.shop.orders", facts, own)).events;
    let [event] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((event.kind, event.exchange.as_deref()), (Kind::Publish, Some("shop.orders")));
    assert_eq!(event.routed_queues, Some(vec!["mes.orders".into(), "crm.orders".into()]));
    assert_eq!(event.headers, [("order".into(), Value::Text("4711".into()))]);
    let session = Session {
        connection: Some("10.0.0.1:5000 -> 10.0.0.2:5672".into()),
        user: Some("shop".into()),
        client_name: Some("Shop".into()),
        channel: Some(3),
    };
    assert_eq!(event.session, Some(session));
}

#[test]
fn a_publish_that_only_the_tap_received_is_unroutable() {
    let cases: [(&str, &[&str], Kind); 4] = [
        ("shop.orders", &[], Kind::Unroutable),
        ("shop.orders", &["hoptrail.default.binding"], Kind::Unroutable),
        ("shop.orders", &["hoptrail.default.binding", "mes.orders"], Kind::Publish),
        ("", &["mes.orders"], Kind::Publish),
    ];
    for (exchange, queues, expected) in cases {
        let key = format!("publish.{exchange}");
        let events = decoder(Source::Firehose).decode(trace(&key, published(exchange, queues), FieldTable::default()));
        assert_eq!(kinds(&events.events), [expected], "{exchange:?} {queues:?}");
    }
}

#[test]
fn a_traced_delivery_names_its_queue_dots_and_all() {
    let facts = delivered("shop.orders", 1);
    let events = decoder(Source::Firehose).decode(trace("deliver.mes.orders.v2", facts, FieldTable::default())).events;
    let [event] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((event.kind, event.queue.as_deref()), (Kind::Deliver, Some("mes.orders.v2")));
    assert_eq!((event.redelivered, &event.routed_queues), (Some(true), &None));
}

#[test]
fn deliveries_to_taps_and_on_hoptrail_s_connections_are_left_out() {
    let facts = || delivered("shop.orders", 0);
    let events = decoder(Source::Firehose).decode(trace("deliver.hoptrail.b.binding", facts(), FieldTable::default()));
    assert_eq!(events, Decoded::default());
    let mut decoder = decoder(Source::Firehose);
    decoder.clients.put("10.0.0.1:5000 -> 10.0.0.2:5672".into(), Client { own: true, ..Client::default() });
    assert_eq!(decoder.decode(trace("deliver.mes.orders", facts(), FieldTable::default())), Decoded::default());
}

#[test]
fn a_first_delivery_gives_away_a_death_that_no_binding_saw() {
    let died = || fields([("x-death", x_death("mes.orders", 1))]);
    let events = decoder(Source::Firehose).decode(trace("deliver.dlq", delivered("", 0), died())).events;
    assert_eq!(kinds(&events), [Kind::DeadLetter, Kind::Deliver]);
    let [dead_letter, deliver] = events.as_slice() else { panic!("{events:?}") };
    assert!(dead_letter.observed_late && !deliver.observed_late);
    assert_eq!((dead_letter.queue.as_deref(), &dead_letter.death), (Some("mes.orders"), &Some(death("mes.orders"))));
    assert_eq!((&dead_letter.session, deliver.queue.as_deref()), (&None, Some("dlq")));

    let again = decoder(Source::Firehose).decode(trace("deliver.dlq", delivered("", 1), died())).events;
    assert_eq!(kinds(&again), [Kind::Deliver], "a redelivery tells nothing new");
    let seen = decoder(Source::Firehose);
    seen.bound.set(["mes.dlx".into()]);
    let mut seen = seen;
    let bound = seen.decode(trace("deliver.dlq", delivered("mes.dlx", 0), died())).events;
    assert_eq!(kinds(&bound), [Kind::Deliver], "the binding saw it");
}

#[test]
fn a_history_that_the_publisher_claims_is_no_death() {
    let mut decoder = decoder(Source::Firehose);
    let claimed = || fields([("x-death", x_death("mes.orders", 1))]);
    decoder.decode(trace("publish.shop.orders", published("shop.orders", &["q"]), claimed()));
    let events = decoder.decode(trace("deliver.q", delivered("shop.orders", 0), claimed())).events;
    assert_eq!(kinds(&events), [Kind::Deliver]);
    let grown = fields([("x-death", x_death("mes.orders", 2))]);
    let events = decoder.decode(trace("deliver.dlq", delivered("", 0), grown)).events;
    assert_eq!(kinds(&events), [Kind::DeadLetter, Kind::Deliver], "another death is none of the claim");
}

#[test]
fn headers_too_deep_are_followed_by_a_gap() {
    let deep = || fields([("deep", nested(40))]);
    let traced = decoder(Source::Firehose).decode(trace("deliver.q", delivered("x", 0), deep())).events;
    let bound = decoder(Source::Binding).decode(arrival("shop.orders", "k", deep())).events;
    for (events, source, place) in
        [(traced, Source::Firehose, "queue \"q\""), (bound, Source::Binding, "exchange \"shop.orders\"")]
    {
        let gap = events.last().and_then(|event| event.gap.clone()).expect("a gap at the end");
        assert_eq!((gap.source, gap.count), (source, Some(1)));
        assert!(gap.cause.contains("\"m-1\"") && gap.cause.contains(place), "{}", gap.cause);
        assert_eq!(events[1].source, Source::Hoptrail);
    }
}

fn broker_event(key: &str, facts: FieldTable) -> Arrival {
    arrival("amq.rabbitmq.event", key, facts)
}

fn connection(product: &str) -> FieldTable {
    let printed = format!("{{<<\"product\">>,longstr,<<\"{product}\">>}}");
    fields([
        ("name", text("c-1")),
        ("user", text("shop")),
        ("vhost", text("/")),
        (
            "client_properties",
            list(&["{<<\"capabilities\">>,table,[]}", &printed, "{<<\"version\">>,longstr,<<\"1.2\">>}"]),
        ),
    ])
}

#[test]
fn a_connection_is_known_by_its_name_or_its_program() {
    let mut named = connection("pika");
    named.insert("user_provided_name".into(), text("Shop \"1\""));
    let mut escaped = connection("pi\\\\ka");
    escaped.insert("user_provided_name".into(), text(""));
    for (facts, expected) in [(named, "Shop \"1\""), (connection("pika"), "pika 1.2"), (escaped, "pi\\ka 1.2")] {
        let mut decoder = decoder(Source::Events);
        let events = decoder.decode(broker_event("connection.created", facts)).events;
        assert_eq!(kinds(&events), [Kind::SessionOpen]);
        let closed = decoder.decode(broker_event("connection.closed", fields([("name", text("c-1"))]))).events;
        assert_eq!((kinds(&closed), closed[0].vhost.as_deref()), (vec![Kind::SessionClose], Some("/")));
        for event in [&events[0], &closed[0]] {
            let session = event.session.clone().expect("a session");
            assert_eq!((session.client_name.as_deref(), session.user.as_deref()), (Some(expected), Some("shop")));
        }
    }
}

#[test]
fn hoptrail_s_own_connections_queues_and_bindings_are_left_out() {
    let own_queue = |name| fields([("name", text(name)), ("vhost", text("/"))]);
    let own_binding = fields([
        ("source_name", text("shop.orders")),
        ("destination_name", text("hoptrail.default.binding")),
        ("destination_kind", text("queue")),
    ]);
    for (key, facts) in [
        ("connection.created", connection("hoptrail")),
        ("queue.created", own_queue("hoptrail.default.events")),
        ("binding.created", own_binding),
        ("consumer.created", fields([("queue", text("mes.orders"))])),
        ("channel.closed", FieldTable::default()),
        ("user.authentication.success", fields([("name", text("shop"))])),
    ] {
        assert_eq!(decoder(Source::Events).decode(broker_event(key, facts)), Decoded::default(), "{key}");
    }
    let mut decoder = decoder(Source::Events);
    decoder.decode(broker_event("connection.created", connection("hoptrail")));
    let closed = decoder.decode(broker_event("connection.closed", fields([("name", text("c-1"))])));
    assert_eq!(closed, Decoded::default());
}

#[test]
fn a_change_of_topology_tells_what_and_where_and_nothing_secret() {
    let binding = fields([
        ("source_name", text("shop.orders")),
        ("destination_name", text("mes.orders")),
        ("destination_kind", text("queue")),
        ("routing_key", text("order.#")),
        ("vhost", text("/")),
    ]);
    let decoded = decoder(Source::Events).decode(broker_event("binding.created", binding));
    assert_eq!(decoded.changed.as_deref(), Some("/"));
    let event = &decoded.events[0];
    assert_eq!((event.exchange.as_deref(), event.queue.as_deref()), (Some("shop.orders"), Some("mes.orders")));
    let detail = "source_name=shop.orders, destination_kind=queue, destination_name=mes.orders, routing_key=order.#";
    assert_eq!(event.topology, Some(Topology { change: "binding.created".into(), detail: detail.into() }));

    let parameter = fields([
        ("name", text("shovel-1")),
        ("component", text("shovel")),
        ("value", text("amqp://user:secret@host")),
        ("vhost", text("/")),
    ]);
    let events = decoder(Source::Events).decode(broker_event("parameter.set", parameter)).events;
    assert_eq!(events[0].topology.as_ref().map(|change| &*change.detail), Some("\"shovel-1\": component=shovel"));
}

#[test]
fn a_long_definition_is_cut() {
    let facts = fields([("name", text("p")), ("definition", text(&"ü".repeat(2000)))]);
    let events = decoder(Source::Events).decode(broker_event("policy.set", facts)).events;
    let detail = events[0].topology.clone().expect("a change").detail;
    assert!(detail.len() < 520 && detail.ends_with('…'), "{}", detail.len());
}
