"""Things asked for at a steady pace, each measured from when it was due."""

import http.client
import socket
import threading
import time
from urllib.parse import urlsplit

from benches.measured.unicast import quantile, run_before_others

PATIENCE = 30


class Asked:
    """Asks in the background, until the `with` block ends: `ask()` so many times a second."""

    def __init__(self, ask, rate, threads=8):
        self.ask, self.rate = ask, rate
        self.started, self.stopped = time.monotonic(), threading.Event()
        self.took, self.lost = [], 0
        self.threads = [threading.Thread(target=self._run, args=(number, threads))
                        for number in range(threads)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        for thread in self.threads:
            thread.join()

    def _run(self, number, step):
        run_before_others()
        due = self.started + number / self.rate
        while not self.stopped.wait(max(0, due - time.monotonic())):
            try:
                self.ask()
                self.took.append((due - self.started, time.monotonic() - due))
            except (OSError, http.client.HTTPException, ValueError):
                self.lost += 1
            due += step / self.rate

    def p99_ms(self, since=0.0):
        """Of those due this many seconds after the beginning, and later; the lost are longer than any."""
        took = sorted(took for due, took in self.took if due >= since) + [float("inf")] * self.lost
        return (quantile(took, 0.99) or float("inf")) * 1000

    def count(self):
        """How many were answered."""
        return len(self.took)


class Posts:
    """Requests over connections that are kept, one for each thread."""

    def __init__(self, url, path, key, body, wanted=202):
        self.url, self.path, self.body, self.wanted = urlsplit(url), path, body, wanted
        self.headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self.local = threading.local()

    def __call__(self):
        """Sends one, and reads what it is answered."""
        connection = getattr(self.local, "connection", None)
        if not connection:
            connection = http.client.HTTPConnection(self.url.hostname, self.url.port, timeout=PATIENCE)
            connection.connect()
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.local.connection = connection
        try:
            connection.request("POST", self.path, self.body, self.headers)
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            self.local.connection = None
            raise
        if answer.status != self.wanted:
            raise ValueError(answer.status)
