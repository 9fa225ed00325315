"""A conversation of pika's with a broker: `talk.py URL SEED`. See README.md for what it prints."""

import hashlib
import sys

import pika
from pika import exceptions

FRAME_MAX = 4096
HEARTBEAT = 3
# Longer than a connection lives that gets no heartbeats.
IDLE = 8
MANY = 30
DEADLINE = 30


def say(*words):
    print(*words)


class Random:
    """The minimal standard generator: the same in every language."""

    def __init__(self, seed):
        self.state = seed % 2147483646 + 1

    def below(self, end):
        self.state = self.state * 48271 % 2147483647
        return self.state % end


class Talk:
    def __init__(self, url, seed):
        self.seed, self.random, self.ids = seed, Random(seed), 0
        self.tags = {}
        parameters = pika.URLParameters(url)
        parameters.frame_max, parameters.heartbeat = FRAME_MAX, HEARTBEAT
        parameters.client_properties = {"connection_name": "talk of pika"}
        self.connection = pika.BlockingConnection(parameters)
        tuned = self.connection._impl.params
        say("note tuned", tuned.frame_max, tuned.heartbeat, tuned.channel_max)
        server = self.connection._impl.server_properties
        say("note server", server["product"], server["version"])

    def channel(self):
        return self.connection.channel()

    # Publishing

    def message(self, size):
        self.ids += 1
        name = f"m{self.ids}"
        pattern = hashlib.sha256(f"{self.seed}:{name}".encode()).digest()
        body = (pattern * (size // len(pattern) + 1))[:size]
        headers = {"n": self.ids, "list": [1, "two", True], "table": {"deep": {"deeper": None}}}
        properties = pika.BasicProperties(
            message_id=name, headers=headers, delivery_mode=1 + self.ids % 2, content_type="application/octet-stream",
            correlation_id="order-" + name, type="talk", app_id="pika", priority=self.ids % 10, timestamp=1700000000)
        return name, body, properties

    def publish(self, channel, exchange, key, size, mandatory=False):
        """In confirm mode: pika waits for the confirm."""
        name, body, properties = self.message(size)
        say("publish", f"{exchange}|{key}|{name}|{size}")
        try:
            channel.basic_publish(exchange, key, body, properties, mandatory)
        except exceptions.UnroutableError as error:
            for came in error.messages:
                method, props = came.method, came.properties
                say("return", method.reply_code,
                    f"{method.exchange}|{method.routing_key}|{props.message_id}|{len(came.body)}")
                self.saw(props, came.body)
        say("confirm ack", name)
        return name

    # What comes

    def saw(self, properties, body):
        digest = hashlib.sha256(body).hexdigest()[:16]
        said = {key: value for key, value in vars(properties).items() if value is not None}
        death = said.get("headers", {}).get("x-death")
        for entry in death or []:
            entry.pop("time")
        say("note saw", digest, sorted(said.items()))

    def came(self, queue, method, properties, body, no_ack=False):
        tag, name = method.delivery_tag, properties.message_id
        say("deliver", f"{queue}|{tag}|{str(method.redelivered).lower()}|{method.exchange}|{method.routing_key}|{name}|"
            f"{len(body)}|{str(no_ack).lower()}")
        self.saw(properties, body)
        return tag, name

    def get(self, channel, queue, no_ack=False):
        method, properties, body = channel.basic_get(queue, no_ack)
        if method is None:
            say("note nothing in", queue)
            return None
        tag, name = self.came(queue, method, properties, body, no_ack)
        if not no_ack:
            self.tags.setdefault(channel, {})[tag] = name
        return tag

    def consume(self, channel, queue, tag=None):
        deliveries = []
        arguments = {} if tag is None else {"consumer_tag": tag}
        told = channel.basic_consume(queue, lambda _, *rest: deliveries.append(rest), **arguments)
        return told, deliveries

    def take(self, channel, queue, deliveries, count):
        while len(deliveries) < count:
            self.connection.process_data_events(DEADLINE)
        assert len(deliveries) == count, "more came than was asked for"
        for method, properties, body in deliveries:
            tag, name = self.came(queue, method, properties, body)
            self.tags.setdefault(channel, {})[tag] = name
        deliveries.clear()

    def wait_ready(self, channel, queue, count):
        while channel.queue_declare(queue, passive=True).method.message_count < count:
            pass

    # Settling

    def settled(self, channel, tag, kind, requeue, multiple):
        """What a method settles, by the book."""
        held = self.tags.get(channel, {})
        covered = [one for one in sorted(held) if one == tag or multiple and (tag == 0 or one <= tag)]
        for one in covered:
            say("settle", kind, f"{str(requeue).lower()}|{str(multiple).lower()}|{held.pop(one)}")

    def ack(self, channel, tag, multiple=False):
        channel.basic_ack(tag, multiple)
        self.settled(channel, tag, "ack", False, multiple)

    def nack(self, channel, tag, requeue, multiple=False):
        channel.basic_nack(tag, multiple, requeue)
        self.settled(channel, tag, "nack", requeue, multiple)

    def reject(self, channel, tag, requeue):
        channel.basic_reject(tag, requeue)
        self.settled(channel, tag, "reject", requeue, False)

    def gave_back(self, channel, kind):
        held = self.tags.pop(channel, {})
        for tag in sorted(held):
            say("settle", kind, f"true|{held[tag]}")

    # The conversation

    def confirms(self):
        self.publisher = channel = self.channel()
        channel.exchange_declare("x", "direct")
        dead = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"}
        channel.queue_declare("q", durable=True, arguments=dead)
        channel.queue_declare("dead")
        channel.queue_bind("q", "x", "k")
        channel.confirm_delivery()
        room = FRAME_MAX - 8
        sizes = [0, 1, room - 1, room, room + 1, 1 << 20] + [self.random.below(30000) for _ in range(6)]
        for size in sizes:
            self.publish(channel, "x", "k", size)
        self.publish(channel, "x", "nowhere", 5000, mandatory=True)
        self.publish(channel, "x", "nowhere", 0, mandatory=True)
        self.publish(channel, "x", "nowhere", 10)
        return len(sizes)

    def settlements(self, count):
        channel = self.channel()
        _, deliveries = self.consume(channel, "q")
        self.take(channel, "q", deliveries, count)
        self.ack(channel, 1)
        self.ack(channel, 3, multiple=True)
        self.nack(channel, 4, requeue=False)
        self.reject(channel, 5, requeue=False)
        self.nack(channel, 7, requeue=True, multiple=True)
        self.take(channel, "q", deliveries, 2)
        self.reject(channel, 8, requeue=True)
        self.take(channel, "q", deliveries, 1)
        self.ack(channel, 0, multiple=True)
        channel.close()

    def gets(self):
        channel = self.channel()
        assert self.get(channel, "q") is None
        for size in (10, 0, 5000, 20):
            self.publish(self.publisher, "x", "k", size)
        self.ack(channel, self.get(channel, "q"))
        self.get(channel, "q", no_ack=True)
        self.nack(channel, self.get(channel, "q"), requeue=True)
        self.reject(channel, self.get(channel, "q"), requeue=False)
        self.ack(channel, self.get(channel, "q"))
        self.wait_ready(channel, "dead", 3)
        for _ in range(3):
            self.get(channel, "dead", no_ack=True)
        channel.close()

    def recovery(self):
        channel = self.channel()
        for size in (1, 4100):
            self.publish(self.publisher, "x", "k", size)
        for _ in range(2):
            self.get(channel, "q")
        channel.basic_recover(True)
        self.gave_back(channel, "recover")
        for _ in range(2):
            tag = self.get(channel, "q")
        self.ack(channel, tag, multiple=True)
        channel.close()

    def transactions(self):
        channel = self.channel()
        returned = []
        channel.add_on_return_callback(lambda _, *rest: returned.append(rest))
        channel.tx_select()
        sent = []
        for key, size in (("k", 5000), ("nowhere", 30), ("k", 0)):
            name, body, properties = self.message(size)
            channel.basic_publish("x", key, body, properties, mandatory=True)
            sent.append((f"x|{key}|{name}|{size}", name))
        channel.tx_commit()
        while not returned:
            self.connection.process_data_events(DEADLINE)
        for text, name in sent:
            say("publish", text)
            say("confirm ack", name)
        for method, properties, body in returned:
            say("return", method.reply_code,
                f"{method.exchange}|{method.routing_key}|{properties.message_id}|{len(body)}")
        for size in (7, 4097):
            _, body, properties = self.message(size)
            channel.basic_publish("x", "k", body, properties)
        channel.tx_rollback()
        first, second = self.get(channel, "q"), self.get(channel, "q")
        assert self.get(channel, "q") is None, "what was rolled back is there"
        channel.basic_ack(first)
        channel.tx_rollback()
        channel.basic_ack(first)
        channel.basic_reject(second, False)
        channel.tx_commit()
        self.settled(channel, first, "ack", False, False)
        self.settled(channel, second, "reject", False, False)
        self.wait_ready(channel, "dead", 1)
        self.get(channel, "dead", no_ack=True)
        channel.close()

    def cancels(self):
        channel = self.channel()
        channel.basic_qos(prefetch_count=2)
        for size in (3, 2, 1):
            self.publish(self.publisher, "x", "k", size)
        told, deliveries = self.consume(channel, "q", "reader")
        self.take(channel, "q", deliveries, 2)
        channel.basic_cancel(told)
        self.ack(channel, 1)
        self.nack(channel, 2, requeue=True)
        for _ in range(2):
            self.ack(channel, self.get(channel, "q"))
        cancelled = []
        channel.add_on_cancel_callback(lambda frame: cancelled.append(frame.method.consumer_tag))
        channel.queue_declare("gone")
        self.consume(channel, "gone", "left")
        self.publisher.queue_delete("gone")
        while not cancelled:
            self.connection.process_data_events(DEADLINE)
        say("note cancelled by the broker:", *cancelled)
        channel.close()

    def mistakes(self):
        for mistake in (
            lambda channel: channel.queue_declare("q", durable=False),
            lambda channel: channel.queue_declare("missing", passive=True),
            lambda channel: (channel.basic_ack(99), channel.queue_declare("q", passive=True)),
        ):
            channel = self.channel()
            self.publish(self.publisher, "x", "k", 9)
            self.get(channel, "q")
            try:
                mistake(channel)
            except exceptions.AMQPChannelError:
                self.told_why(channel)
                self.gave_back(channel, "close")
            channel = self.channel()
            self.ack(channel, self.get(channel, "q"))
            channel.close()
        channel = self.channel()
        name, body, properties = self.message(11)
        say("publish", f"missing|k|{name}|11")
        try:
            channel.basic_publish("missing", "k", body, properties)
            channel.queue_declare("q", passive=True)
        except exceptions.AMQPChannelError:
            self.told_why(channel)

    @staticmethod
    def told_why(channel):
        """Whether the end came before the question or after it."""
        reason = channel._closing_reason
        say("note channel closed:", reason.reply_code, reason.reply_text)

    def many(self):
        channels = [self.channel() for _ in range(MANY)]
        queues = [channel.queue_declare("", exclusive=True).method.queue for channel in channels]
        for channel in channels:
            channel.confirm_delivery()
        for queue, channel in zip(queues, channels[1:] + channels[:1]):
            self.publish(channel, "", queue, self.random.below(9000))
        for queue, channel in zip(queues, channels):
            self.ack(channel, self.get(channel, queue))

    def end(self):
        self.connection.sleep(IDLE)
        self.publish(self.publisher, "x", "k", 42)
        channel = self.channel()
        self.get(channel, "q")
        self.connection.close()
        self.gave_back(channel, "close")
        say("note closed")

    def run(self):
        count = self.confirms()
        self.settlements(count)
        self.gets()
        self.recovery()
        self.transactions()
        self.cancels()
        self.mistakes()
        self.many()
        self.end()


if __name__ == "__main__":
    Talk(sys.argv[1], int(sys.argv[2])).run()
