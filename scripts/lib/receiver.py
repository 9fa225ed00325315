"""A messenger's webhook: takes POSTs, and keeps them."""

import http.server
import json
import threading


class Receiver:
    """Listens on a free port of loopback."""

    def __init__(self):
        self._bodies = []
        self._lock = threading.Lock()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):  # pylint: disable=invalid-name
                length = int(self.headers.get("content-length", 0))
                receiver.keep(self.rfile.read(length).decode("utf-8", "replace"))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *arguments):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/alerts"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def keep(self, body):
        with self._lock:
            self._bodies.append(body)

    def bodies(self):
        """What came, as it came."""
        with self._lock:
            return list(self._bodies)

    def alerts(self):
        """What came, read as JSON."""
        return [json.loads(body) for body in self.bodies()]

    def close(self):
        self._server.shutdown()
        self._server.server_close()
