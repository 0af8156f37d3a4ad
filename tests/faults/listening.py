"""A client of a case: it keeps all it hears, and waits for more."""

import asyncio
import contextlib
from types import SimpleNamespace

from tests.faults.speaking import Ended
from tests.faults.transports import TRANSPORTS

PATIENCE_SECONDS = 30


class Listening:
    """One session; what it hears is in `frames`."""

    def __init__(self, gateway, user, name="d", transport="tcp"):
        self.gateway = gateway
        self.device = SimpleNamespace(user=user, name=name, says_in_header=True, gateway=lambda: gateway)
        self.connection = TRANSPORTS[transport]()
        self.frames = []
        self.task = None

    async def come(self, after=None):
        """Connects, and waits for hello."""
        await self.connection.open(self.gateway, self.device, after)
        self.task = asyncio.ensure_future(self.read())
        await self.hears(type="hello")
        return self

    async def read(self):
        """Takes in what comes."""
        with contextlib.suppress(OSError, EOFError, Ended):
            while True:
                self.frames.extend(await self.connection.frames())

    async def hears(self, **what):
        """Waits for a frame like that; the first of them."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while True:
                    for frame in self.frames:
                        if what.items() <= frame.items():
                            return frame
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"not heard: {what}, but {self.frames}") from None

    def data(self):
        """What pushes have brought."""
        return [frame["data"] for frame in self.frames if frame["type"] == "push"]

    def gaps(self):
        """What it was told of what is missing."""
        return [frame["reason"] for frame in self.frames if frame["type"] == "gap"]

    def cursor(self):
        """The newest it was given."""
        return next(frame["cursor"] for frame in reversed(self.frames) if "cursor" in frame)

    def go(self):
        """Leaves."""
        self.task.cancel()
        self.connection.close()
