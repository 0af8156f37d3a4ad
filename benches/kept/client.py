"""A process of clients over TCP: the cheapest way to hold many, to count what they get and to acknowledge it.

The load client cannot acknowledge. Each client acknowledges the newest of what one read brought.
"""

import contextlib
import json
import os
import re
import resource
import select
import socket
import struct
import time

# What a process of clients tells in memory that it shares with who has started it.
HELLOS, PUSHES, FIRST_NS, LAST_NS, ENDED, FIELDS = range(6)
PUSH, HELLO, PING, CURSOR = b'{"type":"push"', b'{"type":"hello"', b'{"type":"ping"}', b'"cursor":"'
STAMP = re.compile(rb'"t":(\d+)')
# Reads so often while it opens sessions.
OPENED_AT_ONCE = 50


class Clients:
    """Sessions of these users, each with a token; told is memory of FIELDS numbers."""

    def __init__(self, told, port, acknowledging, timed):
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
        self.told, self.port = told, port
        self.acknowledging, self.timed = acknowledging, timed
        self.sockets, self.tails, self.latencies = {}, {}, []
        self.epoll = select.epoll()

    def open(self, tokens):
        """Opens a session for each token; what comes meanwhile is read now and then."""
        for number, token in enumerate(tokens):
            client = socket.create_connection(("127.0.0.1", self.port))
            # Closed without a wait for its port.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.sendall(json.dumps({"type": "connect", "token": token}).encode() + b"\n")
            client.setblocking(False)
            self.sockets[client.fileno()] = client
            self.epoll.register(client.fileno(), select.EPOLLIN)
            if number % OPENED_AT_ONCE == 0:
                self.read(0)

    def read(self, seconds):
        """Reads from all who have something."""
        for descriptor, _ in self.epoll.poll(seconds, 1000):
            try:
                data = os.read(descriptor, 65536)
            except BlockingIOError:
                continue
            except OSError:
                data = b""
            if data:
                self.lines(descriptor, data)
            else:
                self.told[ENDED] += 1
                self.epoll.unregister(descriptor)
                self.sockets.pop(descriptor).close()

    def lines(self, descriptor, data):
        """Takes whole lines; the beginning of another waits for its end."""
        data = self.tails.pop(descriptor, b"") + data
        if not data.endswith(b"\n"):
            cut = data.rfind(b"\n") + 1
            data, self.tails[descriptor] = data[:cut], data[cut:]
        pushes = data.count(PUSH)
        self.told[HELLOS] += data.count(HELLO)
        if PING in data:
            self.write(descriptor, b'{"type":"pong"}\n')
        if not pushes:
            return
        now = time.time_ns()
        self.told[PUSHES] += pushes
        self.told[LAST_NS] = now
        if self.timed:
            self.latencies += [(now - int(stamp)) / 1e9 for stamp in STAMP.findall(data)]
        if self.acknowledging:
            begin = data.rfind(CURSOR) + len(CURSOR)
            cursor = data[begin:data.index(b'"', begin)]
            self.write(descriptor, b'{"type":"ack","cursor":"' + cursor + b'"}\n')

    def write(self, descriptor, line):
        """Some dozens of bytes, for which there is always room; reading shows who has been closed."""
        with contextlib.suppress(OSError):
            os.write(descriptor, line)


def hold(told, port, tokens, acknowledging, timed, ended):
    """The whole life of a process of clients; it ends when `ended` has something to read, and says there how
    late pushes were."""
    told[FIRST_NS] = time.time_ns()
    clients = Clients(told, port, acknowledging, timed)
    clients.open(tokens)
    while not ended.poll():
        clients.read(0.2)
    ended.send(clients.latencies)
