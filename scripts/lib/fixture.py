"""Reads fixtures/ and turns it into messages: what is published, by whom, where to, and what consumers then do.

Knows nothing of brokers. A fixture can be played in several rounds: each has the same orders under other numbers.
"""

import datetime
import hashlib
import json
import pathlib
import re
import uuid
from dataclasses import dataclass, field

ORDER_ID = re.compile(r"JW-\d{4}-\d{6}")
PLACEHOLDER = re.compile(r"\{([a-z_.]+)\}")
RANGE = re.compile(r"^(JW-\d{4}-)(\d{6})\.\.(\d{6})$")
# Rounds are this far apart, so that their order numbers do not meet.
ROUND_STEP = 1000
ROUNDS_MAX = 900


@dataclass
class Message:
    """One message, ready to be published."""

    name: str
    order_id: str
    service: str
    exchange: str
    key: str
    to: list
    body: bytes
    content_type: str
    message_id: str | None
    correlation_id: str
    headers: dict = field(default_factory=dict)
    expiration: str | None = None

    @property
    def identity(self):
        """What a delivery is recognised by."""
        return self.message_id or hashlib.sha256(self.body).hexdigest()


def expand(order_ids):
    """`JW-2026-001101..001125` stands for 25 orders."""
    for text in order_ids:
        match = RANGE.match(text)
        if not match:
            yield text
            continue
        prefix, first, last = match.groups()
        for number in range(int(first), int(last) + 1):
            yield f"{prefix}{number:06d}"


def of_round(order_id, number):
    """The order id in the given round, counted from 1."""
    prefix, digits = order_id[:-6], order_id[-6:]
    return f"{prefix}{int(digits) + ROUND_STEP * (number - 1):06d}"


def first_round(order_id):
    """The order id as the fixture has it, whatever round it was played in."""
    prefix, digits = order_id[:-6], order_id[-6:]
    return f"{prefix}{int(digits) % ROUND_STEP + ROUND_STEP:06d}"


class Fixture:
    """All of one directory."""

    def __init__(self, directory):
        directory = pathlib.Path(directory)
        self.topology = _load(directory / "topology.json")
        self.messages = _load(directory / "messages.json")
        self.scenes = _load(directory / "day.json")["scenes"]
        self.expected = _load(directory / "expected.json")
        self.orders = {}
        for order in _load(directory / "orders.json")["orders"]:
            for order_id in expand([order["id"]]):
                self.orders[order_id] = {**order, "id": order_id}

    def published(self, scene):
        """Pairs of message name and order id, in order."""
        for entry in scene.get("publish", []):
            for order_id in expand(entry["orders"]):
                yield entry["message"], order_id

    def build(self, name, order_id, round_number=1):
        """The message `name` about an order, with the present time in it."""
        template = self.messages[name]
        order = {**self.orders[order_id], "id": of_round(order_id, round_number), "now": _now()}
        body = self._body(template, order)
        named = order.get("message_ids", True)
        return Message(
            name=name,
            order_id=order["id"],
            service=template["by"],
            exchange=template["exchange"],
            key=_fill(template["key"], order),
            to=template["to"],
            body=body,
            content_type=template.get("content_type", "application/json"),
            message_id=str(uuid.uuid4()) if named else None,
            correlation_id=str(uuid.uuid5(uuid.NAMESPACE_OID, order["id"])),
            headers=_fill(template.get("headers", {}), order),
            expiration=template.get("expiration"),
        )

    def _body(self, template, order):
        if "text" in template:
            return _fill(template["text"], order).encode()
        body = _fill(template["body"], order)
        missing = template.get("pad_to", 0) - len(json.dumps(body).encode())
        if missing > 0:
            body["model"] = _model(missing)
        return json.dumps(body).encode()

    def personal(self):
        """Every piece of personal data in the fixture, in the spellings in which it could turn up."""
        found = set()
        for order in self.orders.values():
            customer = order["customer"]
            found.update((customer["name"], customer["email"], customer["phone"], customer["address"], order["card"]))
            for number in (customer["phone"], order["card"]):
                found.add(re.sub(r"\D", "", number))
        return sorted(found)


def order_of(body, routing_key):
    """The order that a delivery is about."""
    match = ORDER_ID.search(body[:4096].decode("utf-8", "replace")) or ORDER_ID.search(routing_key)
    return match.group(0) if match else None


def _fill(value, order):
    """Fills placeholders in; a text that is nothing but one takes the value's own type."""
    if isinstance(value, dict):
        return {key: _fill(inner, order) for key, inner in value.items()}
    if isinstance(value, list):
        return [_fill(inner, order) for inner in value]
    if not isinstance(value, str):
        return value
    whole = PLACEHOLDER.fullmatch(value)
    if whole:
        return _lookup(order, whole.group(1))
    return PLACEHOLDER.sub(lambda match: str(_lookup(order, match.group(1))), value)


def _lookup(order, path):
    for key in path.split("."):
        order = order[key]
    return order


def _model(length):
    """A three-dimensional model as its file would look in base64: letters that compress badly, the same each time."""
    blocks = []
    for number in range(length // 64 + 1):
        digest = hashlib.sha256(str(number).encode()).hexdigest()
        blocks.append(digest.translate(str.maketrans("0123456789", "ghijklmnop")))
    return "".join(blocks)[:length]


def _load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def _now():
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="microseconds").replace("+00:00", "Z")
