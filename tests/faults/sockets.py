"""WebSockets and lines over TCP: transports with a connection that takes frames, too."""

import asyncio
import base64
import json
import os
import struct

from tests.faults.speaking import Ended, Refused, asked, head_of, retry_after

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


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
