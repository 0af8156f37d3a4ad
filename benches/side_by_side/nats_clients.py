"""Many WebSocket clients of nats-server in one process: `PORT SESSIONS`.

Each subscribes to a subject of its own (`u` and its number) and to `everybody`. When all are open,
a line of JSON says so; then `begin` starts counting, `count` tells messages and the seconds from
the first to the last, `end` ends. Python is slower than the server: rates are the client's.
"""

import json
import resource
import selectors
import socket
import sys
import time

UNDER_WAY = 256
SOURCES = 32
IP_BIND_ADDRESS_NO_PORT = 24
REQUEST = (
    "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {'A' * 22}==\r\n\r\n"
).encode()


def frame(text):
    """A binary frame of less than 126 bytes, masked with zeros (RFC 6455 section 5.2)."""
    return b"\x82" + bytes([0x80 | len(text)]) + b"\0\0\0\0" + text


GREETING = frame(b'CONNECT {"verbose":false,"protocol":1}\r\n')
NATS_PONG = frame(b"PONG\r\n")


class Clients:
    """All of them, by one epoll."""

    def __init__(self, port, count):
        self.port, self.count, self.started = port, count, 0
        self.waiting, self.open = {}, set()
        self.messages, self.first, self.last = 0, 0.0, 0.0
        self.epoll = selectors.EpollSelector()

    def start(self):
        """Connects the next one."""
        number = self.started
        self.started += 1
        connection = socket.socket()
        connection.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        connection.bind((f"127.0.0.{2 + number % SOURCES}", 0))
        # On loopback this does not wait: the kernel answers from the accept queue.
        connection.connect(("127.0.0.1", self.port))
        connection.setblocking(False)
        connection.send(REQUEST)
        self.waiting[connection] = number, bytearray()
        self.epoll.register(connection, selectors.EVENT_READ)

    def open_all(self):
        """Opens all; clients per second."""
        began = time.monotonic()
        while len(self.open) < self.count:
            while self.started < self.count and len(self.waiting) < UNDER_WAY:
                self.start()
            self.turn(1)
        return self.count / (time.monotonic() - began)

    def turn(self, timeout):
        """Reads what has come; whether standard input has something."""
        commanded = False
        for key, _ in self.epoll.select(timeout):
            if key.fileobj is sys.stdin:
                commanded = True
            else:
                self.read(key.fileobj)
        return commanded

    def read(self, connection):
        """One client's socket has something."""
        try:
            received = connection.recv(65536)
        except BlockingIOError:
            return
        if not received:
            self.forget(connection)
        elif connection in self.open:
            self.on_live(connection, received)
        else:
            self.on_opening(connection, received)

    def forget(self, connection):
        """The server has closed it, which it may do only when it was open."""
        self.epoll.unregister(connection)
        self.open.discard(connection)
        if self.waiting.pop(connection, None):
            sys.exit("nats-server closed a client that was being opened")
        connection.close()

    def on_opening(self, connection, received):
        """Upgraded and informed, it subscribes; a PONG says that the server has it all."""
        number, buffer = self.waiting[connection]
        asked = b"INFO " in buffer
        buffer += received
        if not asked and b"INFO " in buffer:
            subscribe = f"SUB u{number} 1\r\nSUB everybody 2\r\nPING\r\n".encode()
            connection.send(GREETING + frame(subscribe))
        elif b"PONG\r\n" in buffer:
            del self.waiting[connection]
            self.open.add(connection)

    def on_live(self, connection, received):
        """Counts messages, answers pings."""
        if b"PING\r\n" in received:
            connection.send(NATS_PONG)
        messages = received.count(b"MSG ")
        if messages:
            self.last = time.monotonic()
            self.first = self.first or self.last
            self.messages += messages

    def obey(self, command):
        """One line of standard input."""
        if command == "begin":
            self.messages, self.first, self.last = 0, 0.0, 0.0
        return {
            "messages": self.messages, "seconds": self.last - self.first, "open": len(self.open)
        }


def say(value):
    """One line of JSON to whoever has started this."""
    print(json.dumps(value), flush=True)


def main():
    """Opens all of them, then does as it is told."""
    port, count = map(int, sys.argv[1:])
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    clients = Clients(port, count)
    say({"asked": count, "per_second": clients.open_all()})
    clients.epoll.register(sys.stdin, selectors.EVENT_READ)
    while True:
        if clients.turn(None):
            command = sys.stdin.readline().strip()
            say(clients.obey(command))
            if command in ("end", ""):
                return


if __name__ == "__main__":
    main()
