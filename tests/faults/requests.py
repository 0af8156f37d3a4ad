"""Server-sent events and long polls: transports whose clients speak by requests beside."""

import asyncio
import json

from tests.faults.speaking import Ended, Http, Refused, asked, head_of, retry_after

POLL_SECONDS = 20
# A poll that is held longer has lost its connection.
SILENCE_SECONDS = 90
# How often a poll without an answer is repeated before its client begins anew.
MOST_TRIES, PAUSE_SECONDS = 3, 0.3


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
