"""A device: it comes, hears, acknowledges its share, and comes back by the rules for clients."""

import asyncio
import random

from tests.faults.ledger import Visit, now
from tests.faults.speaking import Ended, Refused
from tests.faults.subscription import Subscription
from tests.faults.transports import TRANSPORTS

GREETING_SECONDS = 30
# Who was not told when to come back waits for so long, or twice as long, or anything in between.
BACK_SECONDS = 0.3
# Of devices: how many give their cursors; of the others, how many acknowledge.
GIVE, ACKNOWLEDGE = 0.6, 0.75
# How many are subscribed to a topic, and how many topics there are.
SUBSCRIBE, TOPICS = 0.1, 20


class Device:
    """One device of a user, on one transport for all its life."""

    def __init__(self, seed, user, number, transport, world, options):
        self.user, self.name, self.transport = user, f"d{number}", transport
        self.world, self.options = world, options
        self.seed = f"{seed}-{user}-{self.name}"
        chosen = random.Random(self.seed)
        self.gives = chosen.random() < GIVE
        # Of what it hears: so much is acknowledged, by some never anything.
        self.share = chosen.choice([0.1, 0.5, 1.0]) if chosen.random() < ACKNOWLEDGE else 0.0
        self.says_in_header = chosen.random() < 0.5
        topic = f"t{chosen.randrange(TOPICS)}"
        self.subscription = Subscription(self, topic) if chosen.random() < SUBSCRIBE else None
        self.places = random.Random(f"{self.seed}-places")
        self.cursor = None
        self.visits = []
        # How many of them there were before all came once more, at the end.
        self.before_last = None
        self.connection = self.visit = None
        self.saying = self.to_say = None

    def gateway(self):
        """The one it comes to next."""
        return self.places.choice(self.world.gateways)

    def is_greeted(self):
        """Whether it is in a session and nothing stands between it and what is kept."""
        visit = self.visit
        if self.subscription is not None and not self.subscription.is_greeted():
            return False
        return bool(visit and visit.greeted and not visit.ended and len(visit.recovered) >= visit.owed())

    async def live(self, ledger, doors):
        """Comes back for as long as the run lasts."""
        while True:
            pause = await self.come(ledger, doors)
            await asyncio.sleep(min(pause, self.options.retry_cap))

    async def come(self, ledger, doors):
        """One session; how long to stay away after it."""
        gateway = self.gateway()
        after = self.cursor if self.gives else None
        self.visit = visit = Visit(gateway.name, now(), after)
        self.visits.append(visit)
        self.connection = connection = TRANSPORTS[self.transport]()
        pause = BACK_SECONDS * (1 + self.places.random())
        try:
            async with doors, asyncio.timeout(GREETING_SECONDS):
                await connection.open(gateway, self, after)
                self.hear(ledger, await connection.frames())
            if self.subscription is not None:
                await connection.say(self.subscription.begin(gateway.name))
            while True:
                self.hear(ledger, await connection.frames())
        except (OSError, EOFError, Ended) as error:
            visit.why = visit.why or f"{type(error).__name__}: {error}"
        except TimeoutError:
            visit.why = "no hello in time"
            ledger.count(ledger.endings, "no hello in time")
        except Refused as error:
            visit.why = str(error)
            ledger.count(ledger.endings, str(error))
            pause = error.after or pause
        finally:
            visit.ended = now()
            if self.subscription is not None:
                self.subscription.end(visit.why)
            if hasattr(connection, "reader") or hasattr(connection, "http"):
                connection.close()
        return visit.retry if visit.retry is not None else pause

    def hear(self, ledger, frames):
        """Takes frames in."""
        for frame in frames:
            if self.subscription is None or not self.subscription.takes(frame):
                self.on_frame(ledger, frame)

    def on_frame(self, ledger, frame):
        """Writes down what a frame says, and remembers its cursor."""
        visit, at, kind = self.visit, now(), frame["type"]
        if kind == "push":
            key = tuple(frame["data"])
            visit.heard.append((at, key))
            self.acknowledge(ledger, frame["cursor"], key)
        elif kind == "hello":
            visit.greeted, visit.hello = at, frame
        elif kind == "gap":
            visit.gaps.append((at, frame["reason"]))
        elif kind == "recovered":
            visit.recovered.append(at)
        elif kind == "bye":
            visit.why = f"bye: {frame['reason']}"
            visit.retry = frame["retry_ms"] / 1000 if "retry_ms" in frame else None
            ledger.count(ledger.endings, visit.why)
        elif kind != "ping":
            ledger.wrong.append((self.user, f"{self.name} was sent {frame}"))
        cursor = frame.get("event_id") or frame.get("cursor")
        if cursor is not None and kind != "bye":
            self.cursor = cursor

    def acknowledge(self, ledger, cursor, key):
        """Says that it has this one, if it is one of its share: the same ones for the same seed."""
        if random.Random(f"{self.seed}-{key}").random() >= self.share:
            return
        visit = self.visit
        told = [now(), len(visit.heard), False]
        visit.acknowledged.append(told)
        self.to_say = (self.connection, cursor, told)
        if self.saying is None or self.saying.done():
            self.saying = asyncio.ensure_future(self.say())

    async def say(self):
        """Says the newest of what it has to say; what cannot be said is known not to have been."""
        while self.to_say is not None:
            (connection, cursor, told), self.to_say = self.to_say, None
            try:
                await connection.say({"type": "ack", "cursor": cursor})
                told[0], told[2] = now(), True
            except (OSError, EOFError, Refused):
                pass
