use serde_json::json;

use super::*;

fn tap(settings: &[(&str, &str)]) -> Tap {
    let flags = settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    crate::config::load(None, [], &flags).expect("settings").tap
}

fn exchange(name: &str, kind: &str) -> Exchange {
    Exchange { name: name.to_owned(), kind: kind.to_owned() }
}

fn queue(name: &str, arguments: Value, policy: Value) -> Queue {
    Queue { name: name.to_owned(), arguments, effective_policy_definition: policy }
}

fn binding(source: &str, key: &str, destination: &str) -> Binding {
    Binding {
        source: source.to_owned(),
        destination: destination.to_owned(),
        destination_type: "queue".to_owned(),
        routing_key: key.to_owned(),
    }
}

fn binds(plan: &Plan) -> Vec<(&str, &str)> {
    plan.binds.iter().map(|bind| (bind.exchange.as_str(), bind.routing_key.as_str())).collect()
}

#[test]
fn every_type_is_bound_so_that_it_gives_all_or_refused_in_words() {
    let topology = Topology {
        exchanges: vec![
            exchange("", "direct"),
            exchange("amq.topic", "topic"),
            exchange("amq.rabbitmq.trace", "topic"),
            exchange("d", "direct"),
            exchange("f", "fanout"),
            exchange("h", "headers"),
            exchange("t", "topic"),
            exchange("hash", "x-consistent-hash"),
            exchange("modulus", "x-modulus-hash"),
            exchange("random", "x-random"),
            exchange("local", "x-local-random"),
            exchange("recent", "x-recent-history"),
            exchange("plugin", "x-somebody"),
        ],
        bindings: vec![
            binding("d", "paid", "mes.orders"),
            binding("d", "paid", "crm.orders"),
            binding("d", "shipped", "crm.orders"),
            binding("d", "unused", "hoptrail.default.binding"),
            binding("t", "order.*", "mes.orders"),
        ],
        ..Topology::default()
    };
    let plans = plan(&topology, &tap(&[]), &BTreeSet::new());
    assert_eq!(binds(&plans.binding), [("d", "paid"), ("d", "shipped"), ("f", ""), ("h", ""), ("t", "#")]);
    let refused: Vec<_> = plans.binding.refused.keys().map(String::as_str).collect();
    assert_eq!(refused, ["hash", "local", "modulus", "plugin", "random", "recent"]);
    assert!(plans.binding.refused["hash"].contains("splits messages"), "{}", plans.binding.refused["hash"]);
    assert_eq!(plans.dead_letter, Plan::default());
}

#[test]
fn dead_letter_exchanges_are_found_wherever_they_are_named() {
    let policy = json!({"dead-letter-exchange": "dlx.policy"});
    let topology = Topology {
        exchanges: ["dlx.argument", "dlx.policy", "dlx.future", "dlx.named", "shop"]
            .map(|name| exchange(name, "topic"))
            .into(),
        queues: vec![
            queue("a", json!({"x-dead-letter-exchange": "dlx.argument"}), json!([])),
            queue("b", json!({}), policy),
            queue("c", json!({"x-dead-letter-exchange": ""}), json!({})),
            queue("d", json!({"x-dead-letter-exchange": "dlx.missing"}), json!({})),
            queue("hoptrail.x.binding", json!({}), json!({"dead-letter-exchange": "shop"})),
        ],
        policies: vec![Policy { definition: json!({"dead-letter-exchange": "dlx.future"}) }],
        ..Topology::default()
    };
    let named = [("tap.dead_letter_exchanges", "[\"dlx.named\"]")];
    let plans = plan(&topology, &tap(&named), &BTreeSet::new());
    let found: Vec<_> = plans.dead_letter.exchanges().into_iter().collect();
    assert_eq!(found, ["dlx.argument", "dlx.future", "dlx.named", "dlx.policy"]);
    assert_eq!(binds(&plans.binding), [("shop", "#")], "dead-letter exchanges are not bound twice");
    assert!(plans.dead_letter.refused[""].contains("default exchange"));
    assert!(plans.dead_letter.refused["dlx.missing"].contains("does not exist"));

    let only_named =
        plan(&topology, &tap(&[named[0], ("tap.discover_dead_letter_exchanges", "false")]), &BTreeSet::new());
    assert_eq!(binds(&only_named.dead_letter), [("dlx.named", "#")]);
}

#[test]
fn only_exchanges_that_match_and_are_not_excluded_are_bound() {
    let topology = Topology {
        exchanges: ["shop.orders", "shop.internal", "mes.orders"].map(|name| exchange(name, "fanout")).into(),
        ..Topology::default()
    };
    let tap = tap(&[("tap.exchanges", "[\"shop.*\", \"gone\"]"), ("tap.exclude", "[\"*.internal\"]")]);
    let plans = plan(&topology, &tap, &BTreeSet::new());
    assert_eq!(binds(&plans.binding), [("shop.orders", "")]);
    assert!(plans.binding.refused["gone"].contains("does not exist"), "{:?}", plans.binding.refused);
}

#[test]
fn without_discovery_plain_names_are_bound() {
    let tap = tap(&[
        ("tap.exchanges", "[\"shop.orders\", \"mes.*\", \"dlx\"]"),
        ("tap.dead_letter_exchanges", "[\"dlx\", \"\"]"),
    ]);
    let plans = plan_blind(&tap);
    assert_eq!(binds(&plans.binding), [("shop.orders", "#")]);
    assert_eq!(binds(&plans.dead_letter), [("dlx", "#")]);
}

#[test]
fn bindings_of_a_queue_are_those_to_it_and_not_to_the_default_exchange() {
    let bindings = [binding("", "q", "q"), binding("x", "k", "q"), binding("x", "k", "other")];
    let expected = BTreeSet::from([Bind { exchange: "x".to_owned(), routing_key: "k".to_owned() }]);
    assert_eq!(bound(&bindings, "q"), expected);
}

#[test]
fn a_policy_that_reaches_the_tap_s_queues_is_told() {
    let harmless = queue("hoptrail.default.binding", json!({}), json!({"queue-mode": "lazy"}));
    assert_eq!(policy_problems(&harmless), Vec::<String>::new());
    let harmful = json!({"dead-letter-exchange": "dlx", "message-ttl": 1000, "max-length": 5});
    let problems = policy_problems(&queue("hoptrail.default.binding", json!({}), harmful));
    // The queue names a dead-letter exchange of its own, which comes before the policy's.
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(problems[0].contains("message-ttl") && problems[1].contains("max-length"), "{problems:?}");
}

#[test]
fn a_dead_letter_exchange_stays_one_while_it_exists() {
    let mut topology = Topology { exchanges: vec![exchange("dlx", "topic")], ..Topology::default() };
    topology.queues = vec![queue("a", json!({"x-dead-letter-exchange": "dlx"}), json!({}))];
    let first = plan(&topology, &tap(&[]), &BTreeSet::new());
    topology.queues.clear();
    let second = plan(&topology, &tap(&[]), &first.dead_letter_names);
    assert_eq!((binds(&second.dead_letter), binds(&second.binding)), (vec![("dlx", "#")], vec![]));
    topology.exchanges.clear();
    assert_eq!(plan(&topology, &tap(&[]), &second.dead_letter_names), Plans::default());
}
