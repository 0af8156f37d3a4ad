"""What people notice meanwhile: newcomers, a client that is there already, backends and operators,
each asked for at a steady pace and measured from when it was due."""

import http.client
import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from benches.measured.holdfast import healthz
from benches.measured.joining import join
from benches.measured.tokens import hs256

from . import peers

# Nobody waits longer than this; what takes longer counts as lost.
PATIENCE = 10
EVERY = {"newcomer": 0.1, "newcomer over TCP": 0.2, "push": 0.05, "health": 0.2, "pusher-api's health": 0.2}


class Witness:
    """Asks until it is stopped."""

    def __init__(self, holdfast, secret):
        self.ports = {"http": holdfast.clients, "tcp": holdfast.tcp}
        self.urls = {"health": holdfast.operators(0), "pusher-api's health": holdfast.api}
        self.api, self.secret = urlsplit(holdfast.api), secret
        self.found = {what: [] for what in EVERY}
        self.stopped = threading.Event()
        self.arrived, self.numbers = {}, 0
        self.canary = self.join("canary")
        self.threads = [threading.Thread(target=self.listen, daemon=True)]
        self.threads += [threading.Thread(target=self.ask, args=(what,), daemon=True) for what in EVERY]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        for thread in self.threads[1:]:
            thread.join(PATIENCE + 5)
        self.canary.close()

    def ask(self, what):
        """One thing again and again; each try on a thread of its own, so that none waits for another."""
        with ThreadPoolExecutor(200) as pool:
            due = time.monotonic()
            while not self.stopped.wait(max(0, due - time.monotonic())):
                pool.submit(self.once, what, due)
                due += EVERY[what]

    def once(self, what, due):
        """One try."""
        tries = {"newcomer": self.newcomer, "newcomer over TCP": self.newcomer_tcp, "push": self.push}
        try:
            tries.get(what, lambda _: healthz(self.urls[what], PATIENCE))(due)
            self.found[what].append(time.monotonic() - due)
        except (OSError, http.client.HTTPException, ValueError):
            self.found[what].append(None)

    def join(self, user):
        """A session over WebSocket that has its hello."""
        return join(self.ports["http"], hs256(self.secret, user), PATIENCE)

    def newcomer(self, _):
        """Comes, gets its hello and goes."""
        self.join("newcomer").close()

    def newcomer_tcp(self, _):
        """The same over TCP."""
        with socket.create_connection(("127.0.0.1", self.ports["tcp"]), PATIENCE) as client:
            line = {"type": "connect", "token": hs256(self.secret, "newcomer")}
            client.sendall(json.dumps(line).encode() + b"\n")
            if b'"hello"' not in client.recv(4096):
                raise ValueError("no hello")

    def push(self, due):
        """A push over a new connection, until the canary has it."""
        self.numbers += 1
        name = f"push-{self.numbers}-"
        arrived = self.arrived[name] = threading.Event()
        body = json.dumps({"to": {"user": "canary"}, "data": name})
        headers = {"Authorization": f"Bearer {self.secret}", "Content-Type": "application/json"}
        connection = http.client.HTTPConnection(self.api.hostname, self.api.port, timeout=PATIENCE)
        connection.request("POST", "/v1/push", body, headers)
        status = connection.getresponse().status
        connection.close()
        left = PATIENCE - (time.monotonic() - due)
        if status != 202 or not arrived.wait(max(0, left)):
            raise ValueError(status)

    def listen(self):
        """The canary's end; answers no pings, its traffic shows that it is there."""
        read = ""
        self.canary.settimeout(None)
        try:
            while more := self.canary.recv(65536):
                read += more.decode(errors="replace")
                for name in [name for name in list(self.arrived) if name in read]:
                    self.arrived.pop(name).set()
                read = read[-100:]
                self.canary.sendall(peers.frame(b"", 10))
        except OSError:
            pass

    def summary(self):
        """p99 in seconds and how many were lost, for each thing."""
        return {what: summarise(list(values)) for what, values in self.found.items()}


def summarise(values):
    """p99 of all tries; those that were lost count as longer than any."""
    done = sorted(value for value in values if value is not None)
    at = int(len(values) * 0.99)
    return {
        "tries": len(values),
        "lost": len(values) - len(done),
        "p99": done[at] if at < len(done) else None,
    }
