"""A broker that is not ours: what the demo changes there is put back."""

import base64
import contextlib
import json
import urllib.error
import urllib.parse
import urllib.request

import pika

import service as services

INSTANCE = "demo"
SOURCES = ("binding", "dead_letter", "firehose", "events")


def management_of(url):
    """Where the management API of a broker usually is."""
    return f"http://{urllib.parse.urlsplit(url).hostname}:15672"


class Existing:
    """Remembers whether tracing was on, and removes what hoptrail leaves for its next start."""

    def __init__(self, url, management):
        self._url = url
        parts = urllib.parse.urlsplit(url)
        vhost = urllib.parse.quote(urllib.parse.unquote(parts.path[1:] or "/"), safe="")
        user = f"{urllib.parse.unquote(parts.username or 'guest')}:{urllib.parse.unquote(parts.password or 'guest')}"
        self._vhost_url = f"{management}/api/vhosts/{vhost}"
        self._login = "Basic " + base64.b64encode(user.encode()).decode()
        # Without the management API hoptrail cannot switch tracing on either.
        self._tracing = None
        with contextlib.suppress(OSError):
            self._tracing = json.loads(self._request("GET"))["tracing"]

    def restore(self):
        with pika.BlockingConnection(services.parameters(self._url, "Deployment")) as connection:
            channel = connection.channel()
            for source in SOURCES:
                channel.queue_delete(f"hoptrail.{INSTANCE}.{source}")
        # hoptrail switches tracing off when it stops; this is for a hoptrail that was killed.
        if self._tracing is False:
            vhost = json.loads(self._request("GET"))
            if vhost["tracing"]:
                # The broker empties every other setting that the request leaves out.
                kept = {key: vhost[key] for key in ("description", "default_queue_type") if vhost.get(key)}
                kept["tags"] = ",".join(vhost.get("tags") or [])
                self._request("PUT", {**kept, "tracing": False})

    def _request(self, method, body=None):
        headers = {"authorization": self._login, "content-type": "application/json"}
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self._vhost_url, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.read()
