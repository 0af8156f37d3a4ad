"""Clients that come back when they are told to, as a load balancer sends them: to who has fewest.

A process for each ten thousand, since a process has no more than 20,000 descriptors.
"""

import contextlib
import errno
import heapq
import json
import multiprocessing
import random
import select
import socket
import time

from benches.measured.holdfast import CLIENTS, SECRET
from benches.measured.joining import upgrade
from benches.measured.tokens import hs256
from benches.measured.unicast import PONG, frames

# Of one process.
MOST = 10_000
# Handshakes under way at once, of one process.
UNDER_WAY = 100
# After a connection that could not be opened.
PAUSE = 0.2


class Session:
    """One client: its socket, what has come, and whether it has its hello."""

    def __init__(self, user, gateway, connection):
        self.user, self.gateway, self.connection = user, gateway, connection
        self.buffer, self.state, self.retry = bytearray(), "connecting", None


class Clients:
    """Those of one process."""

    def __init__(self, users, held, orders, found):
        self.held, self.orders, self.found = held, orders, found
        self.epoll, self.sessions = select.epoll(), {}
        now = time.time()
        self.waiting = [(now, user, True) for user in users]
        heapq.heapify(self.waiting)
        self.returns, self.lost, self.under_way, self.new = [], 0, 0, set(users)

    def run(self):
        """Until told to end; then says when clients had come back, and how many were cut off."""
        while not self.orders.is_set():
            self.open_due()
            for descriptor, _ in self.epoll.poll(0.02):
                self.on_ready(self.sessions[descriptor])
        self.found.put((self.returns, self.lost))

    def open_due(self):
        """Opens those whose time has come."""
        while self.waiting and self.waiting[0][0] <= time.time() and self.under_way < UNDER_WAY:
            _, user, _ = heapq.heappop(self.waiting)
            self.open(user)

    def open(self, user):
        """Connects to the gateway that has fewest sessions."""
        # As it is now: the other processes go on counting.
        held = list(self.held)
        fewest = min(held)
        gateway = random.choice([number for number, count in enumerate(held) if count == fewest])
        connection = socket.socket()
        connection.setblocking(False)
        with self.held.get_lock():
            self.held[gateway] += 1
        session = Session(user, gateway, connection)
        self.sessions[connection.fileno()] = session
        self.under_way += 1
        if connection.connect_ex(("127.0.0.1", CLIENTS + gateway)) in (0, errno.EINPROGRESS):
            self.epoll.register(connection, select.EPOLLOUT)
        else:
            self.end(session)

    def on_ready(self, session):
        """Its socket has something, or takes something."""
        try:
            if session.state == "connecting":
                session.connection.sendall(upgrade(hs256(SECRET, session.user)))
                session.state = "joining"
                self.epoll.modify(session.connection, select.EPOLLIN)
                return
            received = session.connection.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            received = b""
        if received:
            session.buffer.extend(received)
            self.read(session)
        else:
            self.end(session)

    def read(self, session):
        """Takes in what has come whole."""
        if session.state == "joining":
            head, found, rest = bytes(session.buffer).partition(b"\r\n\r\n")
            if not found:
                return
            if b" 101 " not in head:
                self.end(session)
                return
            session.buffer, session.state = bytearray(rest), "greeted"
        for opcode, payload in list(frames(session.buffer)):
            if opcode == 9:
                session.connection.sendall(PONG)
            elif opcode == 1:
                self.on_frame(session, json.loads(payload))
            elif opcode == 8:
                self.end(session)
                return

    def on_frame(self, session, frame):
        """A hello makes it one that is there, a bye says when to come back."""
        if frame["type"] == "hello":
            session.state = "there"
            self.under_way -= 1
            if session.user in self.new:
                self.new.remove(session.user)
            else:
                self.returns.append(time.time())
        elif frame["type"] == "bye":
            session.retry = frame.get("retry_ms")

    def end(self, session):
        """It comes back: when it was told, or, where it could not be opened, soon."""
        del self.sessions[session.connection.fileno()]
        # One that could not connect was never registered.
        with contextlib.suppress(FileNotFoundError):
            self.epoll.unregister(session.connection)
        session.connection.close()
        with self.held.get_lock():
            self.held[session.gateway] -= 1
        pause = PAUSE
        if session.state != "there":
            self.under_way -= 1
        elif session.retry is None:
            self.lost += 1
        else:
            pause = session.retry / 1000
        heapq.heappush(self.waiting, (time.time() + pause, session.user, False))


class Crowd:
    """All of them, until the `with` block ends; then `returns` and `lost` are there."""

    def __init__(self, sessions, gateways):
        self.held = multiprocessing.Array("i", gateways)
        self.orders, self.found = multiprocessing.Event(), multiprocessing.Queue()
        firsts = range(0, sessions, MOST)
        names = ([f"r{user}" for user in range(first, min(first + MOST, sessions))] for first in firsts)
        self.processes = [
            multiprocessing.Process(target=run, args=(users, self.held, self.orders, self.found))
            for users in names
        ]
        self.returns, self.lost = [], 0

    def __enter__(self):
        for process in self.processes:
            process.start()
        return self

    def avoid(self, gateway, so_much=1 << 20):
        """Sends nobody to a gateway, as a load balancer that has seen that it is not ready."""
        with self.held.get_lock():
            self.held[gateway] += so_much

    def welcome(self, gateway):
        """Takes that back."""
        self.avoid(gateway, -(1 << 20))

    def __exit__(self, kind, *_):
        self.orders.set()
        for _ in self.processes if kind is None else ():
            returns, lost = self.found.get(timeout=60)
            self.returns += returns
            self.lost += lost
        for process in self.processes:
            process.kill() if kind else process.join()


def run(users, held, orders, found):
    """One process of them."""
    Clients(users, held, orders, found).run()
