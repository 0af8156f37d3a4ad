"""The four transports over plain sockets: each opens a session, brings its frames and takes some."""

import asyncio
import base64
import json
import os
import struct
from urllib.parse import quote

from tests.faults.speaking import Http, Refused, head_of, retry_after

# An idle client is pinged long before; who hears nothing for so long has lost its connection.
SILENCE_SECONDS = 90
POLL_SECONDS = 20
# How often a poll without an answer is repeated before its client begins anew.
MOST_TRIES, PAUSE_SECONDS = 3, 0.3
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


class Ended(Exception):
    """The server has closed the connection in order."""


def asked(device, **more):
    """The query of a session of this device."""
    given = {"user": device.user, "device": device.name, **{k: v for k, v in more.items() if v is not None}}
    return "&".join(f"{name}={quote(str(value), safe='')}" for name, value in given.items())


class WebSocket:
    """Text frames, masked without a secret: nobody is in between."""

    async def open(self, gateway, device, after):
        """Connects and shakes hands."""
        host, port = gateway.clients.split(":")
        self.reader, self.writer = await asyncio.open_connection(host, int(port))
        key = base64.b64encode(os.urandom(16)).decode()
        self.writer.write(
            f"GET /v1/ws?{asked(device, after=after)} HTTP/1.1\r\nHost: {gateway.clients}\r\n"
            f"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {key}\r\n\r\n".encode())
        status, headers = await head_of(self.reader)
        if status != 101:
            raise Refused(status, retry_after(headers))

    async def frames(self):
        """The frames of the next message."""
        while True:
            first, length = await self.reader.readexactly(2)
            if length == 126:
                length, = struct.unpack("!H", await self.reader.readexactly(2))
            elif length == 127:
                length, = struct.unpack("!Q", await self.reader.readexactly(8))
            payload = await self.reader.readexactly(length)
            opcode = first & 15
            if opcode == TEXT:
                return [json.loads(payload)]
            if opcode == PING:
                self.write(PONG, payload)
            elif opcode == CLOSE:
                self.write(CLOSE, payload[:2])
                raise Ended(payload[2:].decode())

    def write(self, opcode, payload):
        """A frame of fewer than 64 KiB."""
        size = bytes([128 | len(payload)]) if len(payload) < 126 else struct.pack("!BH", 254, len(payload))
        self.writer.write(bytes([128 | opcode]) + size + bytes(4) + payload)

    async def say(self, frame):
        """Sends a frame."""
        self.write(TEXT, json.dumps(frame).encode())

    def close(self):
        """Lets the connection go without a word."""
        self.writer.close()


class Lines:
    """A frame a line, over TCP."""

    async def open(self, gateway, device, after):
        """Connects and says who it is."""
        host, port = gateway.tcp.split(":")
        self.reader, self.writer = await asyncio.open_connection(host, int(port), limit=1 << 20)
        first = {"type": "connect", "user": device.user, "device": device.name}
        await self.say(first if after is None else first | {"after": [after]})

    async def frames(self):
        """The next line."""
        while True:
            line = await self.reader.readline()
            if not line.endswith(b"\n"):
                raise Ended("end of the connection")
            if not line.strip():
                continue
            frame = json.loads(line)
            if frame["type"] != "ping":
                return [frame]
            await self.say({"type": "pong"})

    async def say(self, frame):
        """Sends a frame."""
        self.writer.write(json.dumps(frame).encode() + b"\n")

    def close(self):
        """Lets the connection go without a word."""
        self.writer.close()


class Posting:
    """What SSE and polls have in common: frames go by requests of their own."""

    gateway = device = session = None

    async def say(self, frame):
        """Posts a frame to the session."""
        http = Http(self.gateway.clients)
        try:
            status, headers, _ = await http.ask(
                "POST", f"/v1/frames?{asked(self.device, session=self.session)}", json.dumps(frame).encode(),
                ["Content-Type: application/json", "Connection: close"])
        finally:
            http.close()
        if status != 204:
            raise Refused(status, retry_after(headers))


class Events(Posting):
    """A stream of server-sent events; the id of the last one goes back as the browser would give it."""

    async def open(self, gateway, device, after):
        """Asks for a stream; of two devices one says in its header where it was, one in its query."""
        self.gateway, self.device = gateway, device
        host, port = gateway.clients.split(":")
        self.reader, self.writer = await asyncio.open_connection(host, int(port), limit=1 << 20)
        in_header = after is not None and device.says_in_header
        header = f"Last-Event-ID: {after}\r\n" if in_header else ""
        query = asked(device, after=None if in_header else after)
        self.writer.write(f"GET /v1/sse?{query} HTTP/1.1\r\nHost: {gateway.clients}\r\n{header}\r\n".encode())
        status, headers = await head_of(self.reader)
        if status != 200:
            raise Refused(status, retry_after(headers))

    async def frames(self):
        """The next event with data; its id stands in for the frame's cursor."""
        fields = {}
        while True:
            line = await self.reader.readline()
            if not line.endswith(b"\n"):
                raise Ended("end of the stream")
            line = line.decode().rstrip("\r\n")
            if not line:
                if fields.get("data"):
                    return [self.frame(fields)]
                fields = {}
            elif not line.startswith(":"):
                name, _, value = line.partition(":")
                fields[name] = value.removeprefix(" ")

    def frame(self, fields):
        """What an event says."""
        frame = json.loads(fields["data"])
        self.session = frame.get("session", self.session)
        if frame["type"] != "bye" and fields.get("id"):
            frame["event_id"] = fields["id"]
        return frame

    def close(self):
        """Lets the connection go without a word."""
        self.writer.close()


class Polls(Posting):
    """One request after the other, over one connection; it moves with its session to another gateway."""

    async def open(self, gateway, device, after):
        """Begins a session; its first frames are there at once."""
        self.gateway, self.device = gateway, device
        self.http = Http(gateway.clients)
        status, headers, body = await self.http.ask("GET", f"/v1/poll?{asked(device, after=after)}")
        if status != 200:
            raise Refused(status, retry_after(headers))
        self.take(json.loads(body))

    def take(self, answer):
        """What an answer brings is seen from now on."""
        self.session, self.seen, self.first = answer["session"], answer["seen"], answer["frames"]

    async def frames(self):
        """The frames of the next answer that has some."""
        tries = 0
        while not self.first:
            query = asked(self.device, session=self.session, seen=self.seen, wait=f"{POLL_SECONDS}s")
            try:
                path = f"/v1/poll?{query}"
                status, headers, body = await self.http.ask("GET", path, seconds=SILENCE_SECONDS)
            except OSError:
                status, headers = 503, {}
            if status == 200:
                self.take(json.loads(body))
            elif status == 503 and tries < MOST_TRIES:
                tries += 1
                await asyncio.sleep(PAUSE_SECONDS)
                self.move()
            elif status != 204:
                raise Refused(status, retry_after(headers))
        frames, self.first = self.first, []
        return frames

    def move(self):
        """Asks another gateway from now on, which passes it on to the session's own."""
        self.http.close()
        self.gateway = self.device.gateway()
        self.http = Http(self.gateway.clients)

    def close(self):
        """Lets the connection go; the session stays until another one of the device begins."""
        self.http.close()


TRANSPORTS = {"websocket": WebSocket, "tcp": Lines, "sse": Events, "poll": Polls}
