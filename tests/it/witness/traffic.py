"""Traffic of pika for the test of the proxy: everything that a client can do with a message, on several connections.

    /usr/bin/python3 tests/it/witness/traffic.py amqp://…

Queues are made as they are needed, in a virtual host that has nothing in it. Where a call gives back or ends all that a
channel holds, nothing is under way to it: what one side of the proxy sees first the other then sees first, too.
"""

import sys
import threading
import time

import pika
import pika.exceptions

DEADLINE = 60.0
EXCHANGE = "pika.topic"
ALL_PROPERTIES = {
    "content_type": "application/json",
    "content_encoding": "utf-8",
    "delivery_mode": 2,
    "priority": 4,
    "correlation_id": "c-1",
    "reply_to": "pika.answers",
    "expiration": "600000",
    "timestamp": 1_700_000_000,
    "type": "order.created",
    "user_id": "guest",
    "app_id": "shop",
}
HEADERS = {
    "text": "grün & <wide>",
    "number": -7,
    "large": 1 << 40,
    "flag": True,
    "nothing": None,
    "list": [1, "two", {"three": 3}],
    "table": {"inner": {"innermost": "x"}},
}


def main():
    url = sys.argv[1]
    with Session(url, "setup") as session:
        session.channel.exchange_declare(EXCHANGE, "topic")
    failures = []
    parts = (publish_all_kinds, confirm_and_refuse, settle_by_consumers, take_by_get, give_back, transact, overlap)
    threads = [threading.Thread(target=run, args=(part, url, failures)) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


def run(part, url, failures):
    try:
        part(url)
    except Exception as error:  # pylint: disable=broad-except
        failures.append(f"{part.__name__}: {error!r}")


class Session:
    """A connection with a channel; `with` closes it in good order."""

    def __init__(self, url, name, **settings):
        parameters = pika.URLParameters(url)
        parameters.client_properties = {"connection_name": f"pika {name}"}
        for key, value in settings.items():
            setattr(parameters, key, value)
        self.connection = pika.BlockingConnection(parameters)
        self.channel = self.connection.channel()
        self.name = name
        self.sent = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.connection.is_open:
            self.connection.close()

    def queue(self, suffix, arguments=None):
        name = f"pika.{self.name}.{suffix}"
        self.channel.queue_declare(name, arguments=arguments)
        self.channel.queue_bind(name, EXCHANGE, f"{name}.#")
        return name

    def publish(self, queue, body=b"ring", exchange=EXCHANGE, channel=None, mandatory=False, **properties):
        """Publishes under the next id."""
        self.sent += 1
        properties.setdefault("message_id", f"{self.name}-{self.sent}")
        key = f"{queue}.{self.sent}" if exchange else queue
        properties = pika.BasicProperties(**properties)
        (channel or self.channel).basic_publish(exchange, key, body, properties, mandatory)

    def fill(self, queue, count):
        """Publishes, and waits until the queue has them all."""
        for _ in range(count):
            self.publish(queue)
        self.wait_ready(queue, count)

    def wait_ready(self, queue, count):
        self.wait(lambda: self.channel.queue_declare(queue, passive=True).method.message_count >= count)

    def wait(self, holds):
        """Lets the connection work until the condition holds."""
        deadline = time.monotonic() + DEADLINE
        while not holds():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.name}: what is waited for has not come")
            self.connection.process_data_events(time_limit=0.01)


def publish_all_kinds(url):
    """Without confirms: bodies of no, one and many frames; no, all and strange properties; returns."""
    with Session(url, "plain", frame_max=4096) as session:
        queue = session.queue("q")
        for size in (0, 1, 4088, 4089, 8176, 100_000):
            session.publish(queue, b"b" * size)
        session.publish(queue, headers=HEADERS, **ALL_PROPERTIES)
        session.publish(queue, headers={}, message_id="")
        session.channel.basic_publish("", queue, b"nothing but a body")
        session.publish("nowhere", b"r" * 10_000, mandatory=True, headers=HEADERS)
        session.publish("no.such.queue", b"", exchange="", mandatory=True)
        session.publish("nobody", b"dropped")
        session.wait_ready(queue, 9)
    with Session(url, "wide") as session:
        queue = session.queue("q")
        session.publish(queue, b"w" * 131_064)
        session.publish(queue, b"w" * 400_000)
        session.wait_ready(queue, 2)
        for _ in range(2):
            method, _, _ = session.channel.basic_get(queue)
            session.channel.basic_ack(method.delivery_tag)


def confirm_and_refuse(url):
    """Confirms, returns before a confirm, and publishes that the broker refuses."""
    with Session(url, "confirm") as session:
        queue = session.queue("q")
        full = session.queue("full", {"x-max-length": 1, "x-overflow": "reject-publish"})
        session.channel.confirm_delivery()
        refused = 0
        for number in range(30):
            session.publish(queue, b"c" * number, mandatory=number % 2 == 0)
            try:
                session.publish(full)
            except pika.exceptions.NackError:
                refused += 1
            if number % 5 == 0:
                try:
                    session.publish("nowhere", b"back", mandatory=True)
                    raise AssertionError("the broker returned nothing")
                except pika.exceptions.UnroutableError:
                    pass
        if not refused:
            raise AssertionError("the broker refused nothing")


def settle_by_consumers(url):
    """Every way to settle, by consumers of two channels of a connection."""
    with Session(url, "settle") as session:
        queue = session.queue("q")
        other = session.connection.channel(7)
        for channel in (session.channel, other):
            channel.basic_qos(prefetch_count=9)
        settled = []

        def take(channel, method, properties, _):
            tag = method.delivery_tag
            if method.redelivered:
                channel.basic_ack(tag)
                settled.append(properties.message_id)
                return
            turn = tag % 9
            if turn in (1, 6):
                channel.basic_ack(tag)
                settled.append(properties.message_id)
            elif turn == 2:
                channel.basic_reject(tag, requeue=False)
                settled.append(properties.message_id)
            elif turn == 3:
                channel.basic_nack(tag, requeue=False)
                settled.append(properties.message_id)
            elif turn == 4:
                channel.basic_reject(tag, requeue=True)
            elif turn == 5:
                channel.basic_nack(tag, requeue=True)
            elif turn == 0:
                # With it those of the turns 7 and 8, as far as they are not settled.
                channel.basic_nack(tag, multiple=True, requeue=True)

        session.channel.basic_consume(queue, take, consumer_tag="first")
        other.basic_consume(queue, take)
        for _ in range(150):
            session.publish(queue)
        # Those of the turns 7 and 8 may have no turn 0 after them; they go back when their channels are closed.
        session.wait(lambda: len(settled) >= 130)
        session.channel.basic_cancel("first")
        other.close()
    with Session(url, "free") as session:
        queue = session.queue("q")
        taken = []
        tag = session.channel.basic_consume(queue, lambda *delivery: taken.append(delivery), auto_ack=True)
        for _ in range(20):
            session.publish(queue, b"f" * 5000)
        session.wait(lambda: len(taken) == 20)
        session.channel.basic_cancel(tag)


def take_by_get(url):
    """basic.get: settled in all ways, by itself, several at once, and of an empty queue."""
    with Session(url, "get") as session:
        queue = session.queue("q")
        session.fill(queue, 20)
        channel = session.channel

        def get(**settings):
            return channel.basic_get(queue, **settings)[0].delivery_tag

        get(auto_ack=True)
        channel.basic_ack(get())
        channel.basic_nack(get(), requeue=False)
        channel.basic_reject(get(), requeue=False)
        for _ in range(4):
            last = get()
        channel.basic_ack(last - 2, multiple=True)
        channel.basic_nack(last, multiple=True, requeue=False)
        for _ in range(3):
            get()
        channel.basic_ack(0, multiple=True)
        get()
        get(auto_ack=True)
        channel.basic_nack(0, multiple=True, requeue=True)
        while channel.basic_get(queue, auto_ack=True)[0] is not None:
            pass


def give_back(url):
    """basic.recover, channels and connections that end with deliveries, and a channel that the broker closes."""
    with Session(url, "recover") as session:
        queue = session.queue("q")
        session.fill(queue, 6)
        channel = session.connection.channel()
        for _ in range(4):
            channel.basic_get(queue)
        channel.basic_recover(requeue=True)
        session.wait_ready(queue, 6)
        held = [channel.basic_get(queue)[0].delivery_tag for _ in range(3)]
        channel.basic_ack(held[1])
        channel.close()
        session.wait_ready(queue, 5)
        failing = session.connection.channel()
        for _ in range(2):
            failing.basic_get(queue)
        try:
            failing.queue_declare(queue, passive=False, durable=True)
            raise AssertionError("the broker took another declaration")
        except pika.exceptions.ChannelClosedByBroker:
            pass
        session.wait_ready(queue, 5)
        for _ in range(3):
            session.channel.basic_get(queue)
        # The connection ends with them.


def transact(url):
    """Transactions that are committed, rolled back, and left open."""
    with Session(url, "tx") as session:
        queue = session.queue("q")
        session.fill(queue, 8)
        channel = session.connection.channel()
        channel.tx_select()
        held = [channel.basic_get(queue)[0].delivery_tag for _ in range(6)]
        session.publish(queue, channel=channel)
        channel.basic_ack(held[0])
        session.publish(queue, b"t" * 200_000, channel=channel)
        channel.tx_commit()
        session.publish(queue, channel=channel)
        channel.basic_nack(held[2], multiple=True, requeue=False)
        channel.tx_rollback()
        channel.basic_reject(held[3], requeue=False)
        channel.tx_commit()
        session.publish(queue, channel=channel)
        channel.basic_ack(held[4])
        channel.close()


def overlap(url):
    """A publisher and a consumer of one queue at once, over two connections."""
    with Session(url, "from") as publisher, Session(url, "to") as consumer:
        queue = publisher.queue("q")
        consumer.channel.basic_qos(prefetch_count=50)
        taken = []

        def take(channel, method, properties, _):
            taken.append(properties.message_id)
            if len(taken) % 10 == 0:
                channel.basic_ack(method.delivery_tag, multiple=True)

        consumer.channel.basic_consume(queue, take)
        publisher.channel.confirm_delivery()
        for _ in range(100):
            publisher.publish(queue, b"o" * 2000)
        consumer.wait(lambda: len(taken) == 100)


if __name__ == "__main__":
    sys.exit(main())
