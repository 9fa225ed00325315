"""An AMQP 1.0 client: sends a message to a queue, takes it again, and tells how that went in one line.

usage: amqp10.py PORT VHOST QUEUE
"""

import json
import sys

from proton import Message, ProtonException
from proton.utils import BlockingConnection


def main():
    port, vhost, queue = sys.argv[1:]
    try:
        connection = BlockingConnection(
            f"amqp://guest:guest@127.0.0.1:{port}", timeout=30, virtual_host=f"vhost:{vhost}", sasl_enabled=True
        )
        address = f"/queues/{queue}"
        connection.create_sender(address).send(Message(id="ten", body="by AMQP 1.0"))
        receiver = connection.create_receiver(address)
        received = receiver.receive()
        receiver.accept()
        connection.close()
        print(json.dumps({"id": received.id, "body": received.body}))
    except ProtonException as error:
        print(json.dumps({"error": type(error).__name__}))


main()
