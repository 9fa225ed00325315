"""Plays a fixture's day on a broker: topology, services, scenes, and what every consumer does."""

import hashlib
import json
import threading
import time

import pika
import pika.exceptions

import fixture as fixtures
import service as services

# A scene takes less than a second, and on a machine that has much else to do not much more.
SCENE_SECONDS = 60
# Where deliveries may be missing for good there is no use in waiting long for each.
SCENE_SECONDS_TOLERANT = 5


class Overdue(Exception):
    """What a scene waits for did not happen in time."""


class Ledger:
    """A line for every publish, written when the broker has answered for it."""

    def __init__(self, path=None):
        self.entries = []
        self._file = open(path, "a", encoding="utf-8") if path else None

    def add(self, message, confirmed, started):
        entry = {
            "message_id": message.message_id,
            "identity": message.identity,
            "order_id": message.order_id,
            "message": message.name,
            "service": message.service,
            "exchange": message.exchange,
            "routing_key": message.key,
            "queues": message.to,
            "bytes": len(message.body),
            "published_at": started,
            "confirmed": confirmed,
        }
        self.entries.append(entry)
        if self._file:
            self._file.write(json.dumps(entry) + "\n")
            self._file.flush()


class Settled:
    """Which messages each queue's consumer is done with, and how often it has put one back."""

    def __init__(self):
        self._condition = threading.Condition()
        self._done = set()
        self._returns = {}

    def done(self, queue_name, identity):
        with self._condition:
            self._done.add((queue_name, identity))
            self._condition.notify_all()

    def returned(self, queue_name, identity):
        """How often it was put back before this time."""
        with self._condition:
            before = self._returns.get((queue_name, identity), 0)
            self._returns[queue_name, identity] = before + 1
            return before

    def wait(self, wanted, seconds):
        """Those of `wanted` that were not done in time."""
        with self._condition:
            self._condition.wait_for(lambda: wanted <= self._done, timeout=seconds)
            return wanted - self._done


class Day:
    """One fixture on one broker. Where it is tolerant, a scene that does not end in time is noted in `overdue`."""

    def __init__(self, fixture, url, ledger=None, tolerant=False):
        self.fixture = fixture
        self.url = url
        self.ledger = ledger or Ledger()
        self.tolerant = tolerant
        self.overdue = []
        self._seconds = SCENE_SECONDS_TOLERANT if tolerant else SCENE_SECONDS
        self._played = 0
        self._left = {}
        self.settled = Settled()
        self.services = {
            name: services.Service(name, entry["client_name"], url)
            for name, entry in fixture.topology["services"].items()
        }
        self._consumers = {entry["queue"]: entry for entry in fixture.topology["consumers"]}
        self._behaviour = {
            queue_name: _by_order(entry.get("deliveries", {})) for queue_name, entry in self._consumers.items()
        }
        self._open = set()

    def declare(self):
        """Declares the topology; what is there already must be the same."""
        with pika.BlockingConnection(services.parameters(self.url, "Deployment")) as connection:
            channel = connection.channel()
            topology = self.fixture.topology
            for exchange in topology["exchanges"]:
                channel.exchange_declare(exchange["name"], exchange["type"], durable=True)
            for queue in topology["queues"]:
                channel.queue_declare(queue["name"], durable=True, arguments=queue["arguments"])
            for binding in topology["bindings"]:
                channel.queue_bind(
                    binding["queue"], binding["exchange"], binding["key"], arguments=binding.get("arguments")
                )

    def exists(self):
        """Some queue or exchange of the topology is there already."""
        names = [("queue_declare", queue["name"]) for queue in self.fixture.topology["queues"]]
        names += [("exchange_declare", exchange["name"]) for exchange in self.fixture.topology["exchanges"]]
        with pika.BlockingConnection(services.parameters(self.url, "Deployment")) as connection:
            for declare, name in names:
                channel = connection.channel()
                try:
                    getattr(channel, declare)(name, passive=True)
                    return True
                except pika.exceptions.ChannelClosedByBroker:
                    pass
        return False

    def remove(self):
        """Removes the topology again, and with it what waits in its queues."""
        with pika.BlockingConnection(services.parameters(self.url, "Deployment")) as connection:
            channel = connection.channel()
            for queue in self.fixture.topology["queues"]:
                channel.queue_delete(queue["name"])
            for exchange in self.fixture.topology["exchanges"]:
                channel.exchange_delete(exchange["name"])

    def start(self):
        """Connects the services, and opens the consumers that are not closed at the beginning."""
        for service in self.services.values():
            service.start()
        for queue_name, entry in self._consumers.items():
            if not entry.get("closed"):
                self._open_consumer(queue_name)
        for scene in self.fixture.scenes:
            for queue_name, count in scene.get("ready", {}).items():
                self._left[queue_name] = self._ready(queue_name) if count else 0

    def end(self):
        """Disconnects the services."""
        for service in self.services.values():
            service.end()

    def play(self, round_number=1, on_scene=lambda text: None):
        """Plays all scenes once. Raises `Overdue`."""
        self._played += 1
        for scene in self.fixture.scenes:
            on_scene(scene["scene"])
            try:
                self._play(scene, round_number)
            except Overdue as overdue:
                if not self.tolerant:
                    raise
                self.overdue.append(str(overdue))

    def _play(self, scene, round_number):
        for queue_name in scene.get("close", []):
            self._close_consumer(queue_name)
        for queue_name in scene.get("open", []):
            self._open_consumer(queue_name)
        wanted = set()
        for name, order_id in self.fixture.published(scene):
            wanted |= self._publish(self.fixture.build(name, order_id, round_number))
        missing = self.settled.wait(wanted, self._seconds)
        if missing:
            raise Overdue(f"{scene['scene']}: {len(missing)} deliveries did not come, one of them {min(missing)}")
        for queue_name, count in scene.get("ready", {}).items():
            # A queue that nobody reads keeps what the rounds before left in it.
            self._wait_ready(queue_name, self._left[queue_name] + count * self._played)

    def _publish(self, message):
        """The deliveries to wait for."""
        started = time.time()
        confirmed = self.services[message.service].publish(message)
        self.ledger.add(message, confirmed, started)
        if not confirmed:
            return set()
        reading = [queue_name for queue_name in message.to if queue_name in self._open]
        return {(queue_name, message.identity) for queue_name in reading if self._ends(queue_name, message.order_id)}

    def _ends(self, queue_name, order_id):
        """The consumer is done with it at some time: it does not put it back for ever."""
        rule = self._rule(queue_name, order_id)
        return rule["do"] != "requeue" or "times" in rule

    def _rule(self, queue_name, order_id):
        default = {"do": "ack"}
        return self._behaviour[queue_name].get(fixtures.first_round(order_id), default) if order_id else default

    def _open_consumer(self, queue_name):
        if queue_name in self._open:
            return
        entry = self._consumers[queue_name]

        def decide(method, properties, body):
            identity = properties.message_id or hashlib.sha256(body).hexdigest()
            return self._decide(queue_name, fixtures.order_of(body, method.routing_key), identity)

        self.services[entry["service"]].open(services.Consumer(queue_name, entry["prefetch"], decide))
        self._open.add(queue_name)

    def _close_consumer(self, queue_name):
        if queue_name in self._open:
            self.services[self._consumers[queue_name]["service"]].close(queue_name)
            self._open.remove(queue_name)

    def _decide(self, queue_name, order_id, identity):
        rule = self._rule(queue_name, order_id)
        if rule["do"] == "requeue":
            if self.settled.returned(queue_name, identity) < rule.get("times", float("inf")):
                return "requeue"
            self.settled.done(queue_name, identity)
            return "ack"
        self.settled.done(queue_name, identity)
        return rule["do"]

    def _wait_ready(self, queue_name, count):
        deadline = time.monotonic() + self._seconds
        while (ready := self._ready(queue_name)) != count:
            if time.monotonic() > deadline:
                self._left[queue_name] += ready - count
                raise Overdue(f"{queue_name} holds {ready} messages instead of {count}")
            time.sleep(0.05)

    def _ready(self, queue_name):
        """Messages that wait in a queue; -1 where the broker does not answer."""
        try:
            return self.services["Shop"].ready(queue_name)
        except pika.exceptions.AMQPError:
            return -1


def _by_order(deliveries):
    return {order_id: rule for text, rule in deliveries.items() for order_id in fixtures.expand([text])}
