"""A running hoptrail: its process, its command line, its HTTP API. Keeps every answer, to look through them later."""

import json
import os
import pathlib
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

# Starting takes a second; on a busy machine, with topology to discover, several.
READY_SECONDS = 60
STOP_SECONDS = 30


class NotRunning(Exception):
    """hoptrail ended, or does not become ready."""


class Hoptrail:
    """One process with its own journal directory, configured by `config.toml` and the environment."""

    def __init__(self, binary, config, work, settings):
        self.binary = str(binary)
        self.journal = pathlib.Path(work) / "journal"
        self.log_path = pathlib.Path(work) / "hoptrail.log"
        self.address = f"127.0.0.1:{free_port()}"
        self.url = f"http://{self.address}"
        self.answers = []
        self._config = str(config)
        self._settings = {**settings, "JOURNAL__DIR": str(self.journal), "SERVE__LISTEN": self.address}
        self._process = None

    def start(self):
        environment = {name: text for name, text in os.environ.items() if not name.startswith("HOPTRAIL_")}
        environment.update({f"HOPTRAIL__{name}": text for name, text in self._settings.items()})
        with open(self.log_path, "ab") as log:
            self._process = subprocess.Popen(
                [self.binary, "run", "--config", self._config], env=environment, stdout=log, stderr=log
            )

    def wait_ready(self):
        """Until /readyz says so."""
        deadline = time.monotonic() + READY_SECONDS
        last = "no answer"
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise NotRunning(f"hoptrail ended with exit code {self._process.returncode}\n{self.log()}")
            try:
                status, last = self._get("/readyz?verbose")
                if status == 200:
                    return
            except OSError as error:
                last = str(error)
            time.sleep(0.1)
        raise NotRunning(f"hoptrail is not ready after {READY_SECONDS} seconds: {last}\n{self.log()}")

    def stop(self):
        """Ends it in good order, and returns its exit code."""
        if self._process is None or self._process.poll() is not None:
            return None
        self._process.terminate()
        try:
            return self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def log(self):
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def api(self, path, **query):
        """The JSON of an answer of /api/v1; None: 404."""
        query = {name: value for name, value in query.items() if value is not None}
        suffix = "?" + urllib.parse.urlencode(query) if query else ""
        status, text = self._get(f"/api/v1{path}{suffix}")
        if status == 404:
            return None
        if status != 200:
            raise RuntimeError(f"GET /api/v1{path}{suffix} answered {status}: {text}")
        return json.loads(text)

    def events(self, **query):
        """All events of a search, page by page."""
        cursor = None
        while True:
            page = self.api("/events", **query, limit=500, cursor=cursor)
            yield from page["events"]
            cursor = page.get("next_cursor")
            if cursor is None:
                return

    def command(self, *arguments):
        """What a command of the command line prints."""
        color = "always" if sys.stdout.isatty() else "never"
        command = [self.binary, "--color", color, *arguments, "--url", self.url]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        self.answers.append((" ".join(arguments), done.stdout + done.stderr))
        if done.returncode != 0:
            raise RuntimeError(f"hoptrail {' '.join(arguments)} ended with {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def _get(self, path):
        try:
            with urllib.request.urlopen(self.url + path, timeout=30) as response:
                status, text = response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read().decode()
        self.answers.append((f"GET {path}", text))
        return status, text


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
