"""One business system as a real AMQP client: a thread with one connection that publishes and consumes.

Only the thread touches the connection. When the connection is lost it comes back by itself, consumers included; what
was being published then stays unconfirmed, and is not sent again: whoever asked is told.
"""

import concurrent.futures
import contextlib
import queue
import threading
import time

import pika
import pika.exceptions

# A broker that restarts is back within seconds; one that is away for longer is not coming back.
RECONNECT_SECONDS = 120
CALL_SECONDS = 180


class Consumer:
    """What a service reads, and the decision about each delivery: `decide(delivery) -> "ack" | "reject" | ...`."""

    def __init__(self, queue_name, prefetch, decide):
        self.queue_name = queue_name
        self.prefetch = prefetch
        self.decide = decide


class Service(threading.Thread):
    """A connection named like the system's own, with a confirming channel and one channel for each consumer."""

    def __init__(self, name, client_name, url):
        super().__init__(name=name, daemon=True)
        self.client_name = client_name
        self._parameters = parameters(url, client_name)
        self._calls = queue.Queue()
        self._consumers = {}
        self._channels = {}
        self._connection = None
        self._publisher = None
        self._ending = False
        self._failure = None

    # Called from other threads.

    def publish(self, message):
        """True when the broker has confirmed it, False when the connection broke before."""
        try:
            self.call(lambda: self._publish(message))
            return True
        except pika.exceptions.AMQPError:
            return False

    def open(self, consumer):
        """Starts to consume; where the connection is being lost, once it is back."""
        with contextlib.suppress(pika.exceptions.AMQPError):
            self.call(lambda: self._open(consumer))

    def close(self, queue_name):
        """Stops to consume; what was not settled goes back to the queue."""
        with contextlib.suppress(pika.exceptions.AMQPError):
            self.call(lambda: self._close(queue_name))

    def ready(self, queue_name):
        """Messages that wait in a queue."""
        declared = self.call(lambda: self._publisher.queue_declare(queue_name, passive=True))
        return declared.method.message_count

    def end(self):
        """Closes the connection."""
        self._ending = True
        self._wake()
        self.join(timeout=10)

    def call(self, function):
        """Runs a function in the service's thread, once it is connected."""
        future = concurrent.futures.Future()
        self._calls.put((function, future))
        self._wake()
        deadline = time.monotonic() + CALL_SECONDS
        while True:
            try:
                return future.result(timeout=1)
            except concurrent.futures.TimeoutError:
                if self._failure or time.monotonic() > deadline:
                    raise RuntimeError(f"{self.name} does not answer: {self._failure or 'its call takes too long'}")

    def _wake(self):
        connection = self._connection
        if connection is not None and connection.is_open:
            # Where it is being lost, its thread sees that itself.
            with contextlib.suppress(pika.exceptions.AMQPError):
                connection.add_callback_threadsafe(lambda: None)

    # Called in the thread.

    def run(self):
        try:
            while not self._ending:
                self._connect()
                try:
                    self._serve()
                except pika.exceptions.AMQPError:
                    continue
            if self._connection.is_open:
                self._connection.close()
        except Exception as error:  # pylint: disable=broad-except
            self._failure = error

    def _connect(self):
        deadline = time.monotonic() + RECONNECT_SECONDS
        while True:
            try:
                self._connection = pika.BlockingConnection(self._parameters)
                self._publisher = self._connection.channel()
                self._publisher.confirm_delivery()
                self._channels = {}
                for consumer in self._consumers.values():
                    self._consume(consumer)
                return
            except (pika.exceptions.AMQPError, OSError):
                if time.monotonic() > deadline or self._ending:
                    raise
                time.sleep(0.2)

    def _serve(self):
        while not self._ending:
            self._connection.process_data_events(time_limit=0.2)
            while not self._calls.empty():
                function, future = self._calls.get()
                try:
                    future.set_result(function())
                except Exception as error:  # pylint: disable=broad-except
                    future.set_exception(error)
                    if not self._connection.is_open:
                        raise

    def _publish(self, message):
        properties = pika.BasicProperties(
            content_type=message.content_type,
            delivery_mode=2,
            message_id=message.message_id,
            correlation_id=message.correlation_id,
            app_id=message.service,
            type=message.name,
            timestamp=int(time.time()),
            expiration=message.expiration,
            headers=message.headers or None,
        )
        self._publisher.basic_publish(message.exchange, message.key, message.body, properties)

    def _open(self, consumer):
        self._consumers[consumer.queue_name] = consumer
        self._consume(consumer)

    def _consume(self, consumer):
        channel = self._connection.channel()
        channel.basic_qos(prefetch_count=consumer.prefetch)

        def received(channel, method, properties, body):
            action = consumer.decide(method, properties, body)
            if action == "ack":
                channel.basic_ack(method.delivery_tag)
            elif action == "reject":
                channel.basic_reject(method.delivery_tag, requeue=False)
            elif action == "requeue":
                channel.basic_nack(method.delivery_tag, requeue=True)

        channel.basic_consume(consumer.queue_name, received)
        self._channels[consumer.queue_name] = channel

    def _close(self, queue_name):
        self._consumers.pop(queue_name, None)
        channel = self._channels.pop(queue_name, None)
        if channel is not None and channel.is_open:
            channel.close()


def parameters(url, client_name):
    """Connection parameters under the name by which the broker shows the client."""
    result = pika.URLParameters(url)
    result.client_properties = {"connection_name": client_name}
    result.socket_timeout = 10
    return result
