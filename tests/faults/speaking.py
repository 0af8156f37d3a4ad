"""What is said over every transport, and HTTP as the run needs it."""

import asyncio
from urllib.parse import quote


class Refused(Exception):
    """Who was asked said no; `after` is when to come again, in seconds, where it said so."""

    def __init__(self, status, after=None):
        super().__init__(f"refused with {status}")
        self.status, self.after = status, after


class Ended(Exception):
    """The server has closed the connection in order."""


def asked(device, **more):
    """The query of a session of this device."""
    given = {"user": device.user, "device": device.name, **{k: v for k, v in more.items() if v is not None}}
    return "&".join(f"{name}={quote(str(value), safe='')}" for name, value in given.items())


async def head_of(reader):
    """The status of an answer, and its headers by their names in lower case."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.strip().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines if ": " in line)
    return int(first.split(" ", 2)[1]), headers


async def body_of(reader, headers):
    """What an answer with a length brings."""
    return await reader.readexactly(int(headers.get("content-length", 0)))


def retry_after(headers):
    """When to come again, as the answer says."""
    after = headers.get("retry-after", "")
    return float(after) if after.isdigit() else None


class Http:
    """Requests to one address, one after the other over a connection that is opened anew when it is gone."""

    def __init__(self, address):
        self.address = address
        self.reader = self.writer = None

    async def open(self):
        """Connects if there is no connection."""
        if self.writer is None:
            host, port = self.address.split(":")
            self.reader, self.writer = await asyncio.open_connection(host, int(port))

    async def send(self, method, path, body=b"", headers=()):
        """Writes a request."""
        await self.open()
        own = [f"{method} {path} HTTP/1.1", f"Host: {self.address}", f"Content-Length: {len(body)}"]
        self.writer.write("\r\n".join([*own, *headers]).encode() + b"\r\n\r\n" + body)
        await self.writer.drain()

    async def answer(self):
        """Reads its answer: status, headers, body."""
        status, headers = await head_of(self.reader)
        body = await body_of(self.reader, headers)
        if headers.get("connection") == "close":
            self.close()
        return status, headers, body

    async def ask(self, method, path, body=b"", headers=(), seconds=15):
        """A request and its answer; an OSError, also for one that does not come in time or whole."""
        try:
            async with asyncio.timeout(seconds):
                await self.send(method, path, body, headers)
                return await self.answer()
        except (asyncio.IncompleteReadError, TimeoutError) as error:
            self.close()
            raise ConnectionError(f"no answer: {error!r}") from error
        except BaseException:
            self.close()
            raise

    def close(self):
        """Lets the connection go."""
        if self.writer is not None:
            self.writer.close()
        self.reader = self.writer = None


async def get(address, path, seconds=5):
    """One request over a connection of its own: status and body."""
    http = Http(address)
    try:
        status, _, body = await http.ask("GET", path, seconds=seconds)
        return status, body
    finally:
        http.close()
