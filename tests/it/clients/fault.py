"""A client to which something happens: it tells what it sees, a line of JSON each.

usage: fault.py SCENARIO --port PORT [--host HOST] [--vhost V] [--queue Q] [--user U] [--ca F [--cert F --key F] [--name N]]

hold          take a message and keep it, until something ends that
precondition  take a message and keep it, then declare the queue as it is not
publish       publish one message, and see whether the broker takes it
roundtrip     publish a large message, take it again, and stay connected
login         log in and out
"""

import argparse
import json
import ssl

import pika


def tell(what, **more):
    print(json.dumps({"what": what, **more}), flush=True)


def parameters(given):
    options = None
    if given.ca:
        context = ssl.create_default_context(cafile=given.ca)
        if given.cert:
            context.load_cert_chain(given.cert, given.key)
        options = pika.SSLOptions(context, given.name)
    return pika.ConnectionParameters(
        host=given.host,
        port=given.port,
        virtual_host=given.vhost,
        credentials=pika.PlainCredentials(given.user, given.user),
        ssl_options=options,
        client_properties={"connection_name": "fault-" + given.queue},
        connection_attempts=1,
        socket_timeout=30,
    )


def consume(channel, queue):
    def keep(_channel, method, properties, _body):
        tell("holding", message=properties.message_id, redelivered=method.redelivered, tag=method.delivery_tag)

    channel.basic_qos(prefetch_count=1)
    channel.basic_consume(queue, keep, consumer_tag="keeper")


def hold(connection, given):
    channel = connection.channel()
    consume(channel, given.queue)
    channel.start_consuming()


def precondition(connection, given):
    channel = connection.channel()
    consume(channel, given.queue)
    connection.process_data_events(time_limit=None)
    try:
        channel.queue_declare(given.queue, durable=False)
    except pika.exceptions.ChannelClosedByBroker as error:
        tell("channel", error=type(error).__name__, code=error.reply_code, text=error.reply_text)
    # The connection lives on.
    tell("queue", messages=connection.channel().queue_declare(given.queue, passive=True).method.message_count)
    connection.close()
    tell("closed")


def publish(connection, given):
    seen = []

    def note(what):
        def noted(_connection, frame):
            seen.append(what)
            tell(what, reason=getattr(frame.method, "reason", None))

        return noted

    connection.add_on_connection_blocked_callback(note("blocked"))
    connection.add_on_connection_unblocked_callback(note("unblocked"))
    channel = connection.channel()
    properties = pika.BasicProperties(message_id="blocked-" + given.queue, delivery_mode=2)
    channel.basic_publish("", given.queue, b"late", properties)
    while "unblocked" not in seen:
        connection.process_data_events(time_limit=None)
    channel.queue_declare(given.queue, passive=True)
    connection.close()
    tell("closed")


def roundtrip(connection, given):
    body = bytes(range(256)) * 2000
    channel = connection.channel()
    channel.confirm_delivery()
    channel.basic_publish("", given.queue, body, pika.BasicProperties(message_id=given.queue))
    method, _properties, back = channel.basic_get(given.queue)
    channel.basic_ack(method.delivery_tag)
    tell("roundtrip", bytes=len(body), same=back == body)
    connection.process_data_events(time_limit=None)


def login(connection, _given):
    tell("in")
    connection.close()


def main():
    parser = argparse.ArgumentParser()
    scenarios = [hold, precondition, publish, roundtrip, login]
    parser.add_argument("scenario", choices=[scenario.__name__ for scenario in scenarios])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--vhost", default="/")
    parser.add_argument("--queue", default="")
    parser.add_argument("--user", default="guest")
    for name in ["--ca", "--cert", "--key"]:
        parser.add_argument(name)
    parser.add_argument("--name", default="localhost")
    given = parser.parse_args()
    try:
        connection = pika.BlockingConnection(parameters(given))
        globals()[given.scenario](connection, given)
    except (pika.exceptions.AMQPError, OSError) as error:
        code, text = getattr(error, "reply_code", None), getattr(error, "reply_text", None)
        # Errors of the connection come wrapped.
        tell("error", error=type(error).__name__, code=code, text=text or repr(error.args))


main()
