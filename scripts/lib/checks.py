"""Compares hoptrail's answers with fixtures/expected.json. Each check returns the differences, a line for each.

An existing broker may lack the event exchange (`unnamed`). Then no source knows the names of clients.
"""

import fixture as fixtures

# The default of record.body_bytes_max, which config.toml leaves as it is.
BODY_BYTES_MAX = 64 * 1024


def differs(where, expected, found):
    """The line for one difference, or nothing."""
    return [] if expected == found else [f"{where}: expected {expected!r}, found {found!r}"]


def all_checks(hoptrail, fixture, receiver, ledger, unnamed=False):
    """Every check but those for personal data."""
    wrong = []
    for text, expected in fixture.expected["orders"].items():
        for order_id in fixtures.expand([text]):
            wrong += trail(hoptrail, fixture, order_id, expected, unnamed)
    wrong += stalled(hoptrail, fixture)
    wrong += dead_letters(hoptrail, fixture)
    wrong += alerts(hoptrail, fixture, receiver)
    wrong += coverage(hoptrail, fixture, unnamed)
    wrong += publishes(hoptrail, ledger)
    return wrong


def trail(hoptrail, fixture, order_id, expected, unnamed):
    """One order: where it stands, its statuses, and every hop of it."""
    found = hoptrail.api(f"/orders/{order_id}")
    if found is None:
        return [f"{order_id}: hoptrail does not know it"]
    wrong = differs(f"{order_id} order_id", order_id, found.get("order_id"))
    wrong += differs(f"{order_id} state", expected["state"], found["state"])
    wrong += differs(f"{order_id} customer_id", expected["customer_id"], found.get("customer_id"))
    wrong += differs(f"{order_id} gaps", [], found["gaps"])
    statuses = [change["status"] for change in found["statuses"]]
    wrong += differs(f"{order_id} statuses", expected["statuses"], statuses)
    announced = [fixture.messages[name]["by"] for name in expected["hops"] if "status" in fixture.messages[name]]
    wrong += differs(f"{order_id} statuses' services", announced, [c.get("service") for c in found["statuses"]])
    for word in expected["verdict"]:
        if word not in found["verdict"]:
            wrong.append(f"{order_id} verdict: expected {word!r} in it, found {found['verdict']!r}")
    wrong += late_death(order_id, expected, found)
    hops = [hop for hop in found["hops"] if "dead_lettered_from" not in hop]
    moved = [hop["dead_lettered_from"] for hop in found["hops"] if "dead_lettered_from" in hop]
    given_up = [leg["queue"] for hop in hops for leg in hop["queues"] if "death" in leg]
    wrong += differs(f"{order_id} hops by the broker", given_up, moved)
    if len(hops) != len(expected["hops"]):
        keys = [(hop.get("exchange"), hop.get("routing_key")) for hop in hops]
        return wrong + [f"{order_id} hops: expected {expected['hops']}, found {keys}"]
    for name, hop in zip(expected["hops"], hops):
        wrong += one_hop(fixture, order_id, name, expected, hop)
        if not unnamed:
            client = fixture.topology["services"][fixture.messages[name]["by"]]["client_name"]
            wrong += differs(f"{order_id} {name} client", client, hop.get("client_name"))
    return wrong


def late_death(order_id, expected, found):
    """Whether the death was seen at once, or only later."""
    deaths = [event for event in found["events"] if event["kind"] == "dead_letter"]
    if expected["state"] != "dead_lettered":
        return differs(f"{order_id} dead letters", 0, len(deaths))
    late = [event.get("observed_late", False) for event in deaths]
    return differs(f"{order_id} dead letters seen late", [expected.get("late_death", False)], late)


def one_hop(fixture, order_id, name, expected, hop):
    """The publisher, the address, and the state of the message in every queue."""
    message = fixture.messages[name]
    where = f"{order_id} {name}"
    wrong = differs(f"{where} exchange", message["exchange"], hop.get("exchange"))
    wrong += differs(f"{where} routing key", message["key"].replace("{id}", order_id), hop.get("routing_key"))
    wrong += differs(f"{where} service", message["by"], hop.get("service"))
    wrong += differs(f"{where} status", message.get("status"), hop.get("status"))
    named = fixture.orders[order_id].get("message_ids", True)
    wrong += differs(f"{where} known by its message id", named, not hop["message"].startswith("fp:"))
    special = expected.get("legs", {}).get(name, {})
    legs = {leg["queue"]: leg for leg in hop["queues"]}
    if special:
        legs.pop(expected.get("dead_letter_queue"), None)
    wrong += differs(f"{where} queues", sorted(message["to"]), sorted(legs))
    for queue, leg in legs.items():
        wrong += one_leg(f"{where} in {queue}", special.get(queue, {}), leg)
    return wrong


def one_leg(where, special, leg):
    wanted = {"state": "delivered", "deliveries": 1, "redelivered": False, "death": None, **special}
    death = leg.get("death")
    found = {
        "state": leg["state"],
        "deliveries": leg["deliveries"],
        "redelivered": leg.get("redelivered", False),
        "death": death["reason"] if death else None,
    }
    return differs(where, wanted, found)


def stalled(hoptrail, fixture):
    """The report names exactly the stalled items, each with its reason."""
    fields = {"what": "what", "reason": "reason", "order": "order_id"}
    places = ("queue", "exchange", "status")
    wanted = set()
    for item in fixture.expected["stalled"]:
        for order_id in fixtures.expand([item["order"]]):
            place = next(item[place] for place in places if place in item)
            wanted.add((item["what"], item["reason"], order_id, place))
    report = hoptrail.api("/stalled", limit=1000)
    by_reason = {"unroutable": "exchange", "status": "status"}
    found = [
        (*(item.get(name) for name in fields.values()), item.get(by_reason.get(item["reason"], "queue")))
        for item in report["stalled"]
    ]
    wrong = differs("stalled total", len(wanted), report["total"])
    wrong += [f"stalled: {item} is missing" for item in sorted(wanted - set(found))]
    return wrong + [f"stalled: {item} should not be there" for item in found if item not in wanted]


def dead_letters(hoptrail, fixture):
    """Grouped by queue and by reason."""
    wanted = fixture.expected["dead_letters"]
    by_queue = hoptrail.api("/dead-letters", group_by="queue")
    found = {group["key"]: group["reasons"] for group in by_queue["groups"]}
    wrong = differs("dead letters by queue", wanted, found)
    reasons = {}
    for counts in wanted.values():
        for reason, count in counts.items():
            reasons[reason] = reasons.get(reason, 0) + count
    by_reason = hoptrail.api("/dead-letters", group_by="reason")
    found = {group["key"]: group["count"] for group in by_reason["groups"]}
    wrong += differs("dead letters by reason", reasons, found)
    return wrong + differs("dead letters in all", sum(reasons.values()), by_queue["total"])


def alerts(hoptrail, fixture, receiver):
    """One alert fires, and the webhook was told of it once."""
    wanted = fixture.expected["alert"]
    found = hoptrail.api("/alerts")["alerts"]
    if len(found) != 1:
        return differs("alerts", 1, len(found))
    wrong = one_alert("alert", wanted, found[0])
    told = receiver.alerts()
    if len(told) != 1:
        return wrong + differs("alerts that the webhook got", 1, len(told))
    wrong += differs("the webhook's alert", found[0]["id"], told[0]["id"])
    # It was told when the threshold was reached, not when the burst was over.
    return wrong + one_alert("the webhook's alert", {**wanted, "value": told[0]["value"]}, told[0])


def one_alert(where, wanted, found):
    wrong = []
    for name in ("rule", "detector", "state", "value", "threshold"):
        wrong += differs(f"{where} {name}", wanted[name], found.get(name))
    for name, value in wanted["labels"].items():
        wrong += differs(f"{where} label {name}", value, found.get("labels", {}).get(name))
    return wrong


def coverage(hoptrail, fixture, unnamed):
    """Every source is live, sees all that it should, and nothing is missing."""
    report = hoptrail.api("/coverage")
    wanted = {name: "live" for name in fixture.expected["sources"]}
    if unnamed:
        wanted["events"] = "off"
    found = {entry["source"]: entry["state"] for entry in report["sources"] if entry["source"] != "proxy"}
    wrong = differs("coverage", wanted, found)
    for entry in report["sources"]:
        if entry["state"] == "off":
            continue
        wrong += problems(entry)
    wrong += differs("coverage gaps", [], report["gaps"])
    return wrong + differs("gap events", 0, sum(1 for _ in hoptrail.events(kind="gap")))


def problems(entry):
    """The day has a queue that dead-letters through the default exchange, which nobody can bind to: it must be said."""
    found = entry.get("problems", [])
    if entry["source"] == "dead_letter" and len(found) == 1 and "default exchange" in found[0]:
        return []
    return differs(f"coverage problems of {entry['source']}", [], found)


def publishes(hoptrail, ledger):
    """Each message that was published is in the journal: once from the firehose, and joined over all sources."""
    lost = [entry for entry in ledger.entries if not entry["confirmed"]]
    wrong = differs("publishes that the broker did not confirm", 0, len(lost))
    # A publish that the firehose saw go nowhere is an event of its own kind.
    found = [*hoptrail.events(kind="publish"), *hoptrail.events(kind="unroutable")]
    firehose = [event for event in found if event["source"] == "firehose"]
    wrong += differs("publishes that the firehose saw", len(ledger.entries), len(firehose))
    joined = {event.get("message_id") or event.get("fingerprint") for event in found}
    wrong += differs("messages published", len(ledger.entries), len(joined))
    named = {entry["message_id"] for entry in ledger.entries if entry["message_id"]}
    missing = named - {event.get("message_id") for event in found}
    wrong += differs("message ids that are not in the journal", [], sorted(missing))
    return wrong + bodies(found, ledger)


def bodies(found, ledger):
    """Every body's length is as published, whether or not it was small enough to be kept whole."""
    published = {entry["message_id"]: entry["bytes"] for entry in ledger.entries if entry["message_id"]}
    wrong = []
    for event in found:
        size = published.get(event.get("message_id"))
        if size is not None:
            body = event["body"]
            wanted = (size, size > BODY_BYTES_MAX)
            wrong += differs(f"body of event {event['seq']}", wanted, (body["bytes"], body.get("truncated", False)))
    return wrong + differs("bodies that are cut", True, any(size > BODY_BYTES_MAX for size in published.values()))
