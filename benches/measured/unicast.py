"""A few sessions that get a push now and then, to see how long it takes while more goes on.

Latency counts from when a push was due, not from when it could be sent, so that a server that does
not answer cannot hide it. As root the threads run before all others, so that their own waiting for a
processor is not in it.
"""

import contextlib
import http.client
import itertools
import json
import os
import re
import selectors
import socket
import threading
import time

from .holdfast import API, CLIENTS, SECRET
from .joining import upgrade
from .tokens import hs256

USERS, RATE = 32, 100
# Requests that may be under way at once: with one, a slow answer would delay what is due next.
CONNECTIONS = 32
STAMP = re.compile(rb'"unicast": (\d+)')
BROADCAST = re.compile(rb'\{"t":(\d+),(?:"f":\d+,)?"b":(\d+)')
# An empty pong, masked with zeros (RFC 6455 section 5.5.3).
PONG = b"\x8a\x80\0\0\0\0"


def connect(user, port):
    """An open WebSocket, and what came behind its handshake."""
    connection = socket.create_connection(("127.0.0.1", port))
    connection.sendall(upgrade(hs256(SECRET, user)))
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(4096) or b"\r\n\r\n"
    head, _, rest = received.partition(b"\r\n\r\n")
    if b" 101 " not in head:
        raise SystemExit(f"a session of the run's own was refused: {head[:200]}")
    return connection, bytearray(rest)


def frames(buffer):
    """Takes whole frames off a buffer: opcode and payload."""
    while len(buffer) >= 2:
        length, header = buffer[1] & 0x7F, 2
        if length == 126:
            length, header = int.from_bytes(buffer[2:4], "big"), 4
        if len(buffer) < header + length:
            return
        yield buffer[0] & 0x0F, bytes(buffer[header:header + length])
        del buffer[:header + length]


class Unicast:
    """Pushes to sessions of its own in the background, until the `with` block ends.

    They are at so many gateways, or at those of these numbers."""

    def __init__(self, gateways):
        numbers = range(gateways) if isinstance(gateways, int) else gateways
        self.selector = selectors.DefaultSelector()
        for number in range(USERS):
            connection, buffer = connect(f"unicast{number}", CLIENTS + numbers[number % len(numbers)])
            self.selector.register(connection, selectors.EVENT_READ, buffer)
        self.due, self.latencies, self.broadcasts = {}, {}, {}
        self.refused = []
        self.pushed, self.ended = threading.Event(), threading.Event()
        self.pushers = [
            threading.Thread(target=self._push, args=(first,)) for first in range(CONNECTIONS)
        ]
        self.receiver = threading.Thread(target=self._receive)

    def __enter__(self):
        self.receiver.start()
        self.start = time.time()
        for pusher in self.pushers:
            pusher.start()
        return self

    def __exit__(self, *_):
        self.pushed.set()
        for pusher in self.pushers:
            pusher.join()
        deadline = time.monotonic() + 10
        while len(self.latencies) < len(self.due) and time.monotonic() < deadline:
            time.sleep(0.1)
        self.ended.set()
        self.receiver.join()
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()

    def _push(self, first):
        """Sends one push in so many, over a connection of its own."""
        run_before_others()
        api = http.client.HTTPConnection("127.0.0.1", API, timeout=60)
        headers = {"Authorization": f"Bearer {SECRET}", "Content-Type": "application/json"}
        for number in itertools.count(first, CONNECTIONS):
            due = self.start + number / RATE
            if self.pushed.wait(max(0.0, due - time.time())):
                break
            self.due[number] = due
            body = {"to": {"user": f"unicast{number % USERS}"}, "data": {"unicast": number}}
            api.request("POST", "/v1/push", json.dumps(body), headers)
            answer = api.getresponse()
            answer.read()
            if answer.status != 202:
                self.refused.append(number)
        api.close()

    def _receive(self):
        run_before_others()
        while not self.ended.is_set():
            for key, _ in self.selector.select(0.2):
                key.data.extend(key.fileobj.recv(65536))
                for opcode, payload in frames(key.data):
                    self._on_frame(key.fileobj, opcode, payload)

    def _on_frame(self, connection, opcode, payload):
        if opcode == 9:
            connection.sendall(PONG)
        elif stamp := STAMP.search(payload):
            self.latencies[int(stamp[1])] = time.time() - self.due[int(stamp[1])]
        elif broadcast := BROADCAST.search(payload):
            self.broadcasts[int(broadcast[2])] = int(broadcast[1]) / 1e6

    def during(self, spans):
        """Latencies of the pushes that were due within one of these spans of time, sorted."""
        return sorted(
            latency for number, latency in self.latencies.items()
            if any(start <= self.due[number] <= end for start, end in spans)
        )

    def missing(self):
        """Pushes that were accepted and never came."""
        return len(self.due) - len(self.refused) - len(self.latencies)


def run_before_others():
    """Gives this thread a processor whenever it wants one, where that is allowed."""
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))


def quantile(values, share):
    """The value that this share of sorted values does not exceed."""
    return values[min(len(values) - 1, int(share * len(values)))] if values else None
