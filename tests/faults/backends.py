"""Backends: they push kept messages under ids of their own, and repeat them until they are answered."""

import asyncio
import json
import random
import uuid

from tests.faults.client import TOPICS
from tests.faults.ledger import Push, now
from tests.faults.speaking import Http
from tests.faults.subscription import name_of

TTL_SECONDS = 3600
ANSWER_SECONDS = 15
PAUSE_SECONDS = 0.2
# Of what a writer sends: single pushes, batches, lists of users, pushes to topics.
KINDS, WEIGHTS = ("single", "batch", "list", "topic"), (65, 20, 10, 5)
BATCH, LIST = (2, 20), (2, 40)


def body_of(push, identity):
    """A push as it is said: the number of its writer and its own are what the judge knows it by."""
    if push.kind == "topic":
        to = {"topic": push.users[0].removeprefix(name_of(""))}
    else:
        to = {"users": list(push.users)} if len(push.users) > 1 else {"user": push.users[0]}
    return json.dumps({"to": to, "data": push.key, "ttl": TTL_SECONDS, "id": identity}).encode()


class Writer:
    """One backend: what it pushes next is decided by the seed alone."""

    def __init__(self, seed, number, users, world, ledger):
        self.number, self.users, self.world, self.ledger = number, users, world, ledger
        self.seeded = random.Random(f"{seed}-writer-{number}")
        self.ways = random.Random(f"{seed}-ways-{number}")
        self.count = 0
        self.last_of = {}
        self.http = None

    async def live(self, rate, is_over):
        """Pushes about so many a second until the run is over; what has begun is brought to its end."""
        due = now()
        while not is_over():
            pushes = self.next_pushes()
            await self.deliver(pushes)
            due = max(due + self.seeded.expovariate(rate / len(pushes)), now() - 1)
            await asyncio.sleep(max(0.0, due - now()))

    def next_pushes(self):
        """What is sent together."""
        kind, = self.seeded.choices(KINDS, WEIGHTS)
        size = self.seeded.randint(*BATCH) if kind == "batch" else 1
        return [self.next_push(kind) for _ in range(size)]

    def next_push(self, kind):
        """One of them, with the id that it keeps."""
        several = self.seeded.randint(*LIST) if kind == "list" else 1
        users = tuple(self.seeded.sample(self.users, min(several, len(self.users))))
        if kind == "topic":
            users = (name_of(f"t{self.seeded.randrange(TOPICS)}"),)
        identity = str(uuid.UUID(int=self.seeded.getrandbits(128) | 1))
        self.count += 1
        push = Push((self.number, self.count), users, kind)
        self.ledger.pushes[push.key] = push
        return push, body_of(push, identity)

    async def deliver(self, pushes):
        """Repeats what was not answered until all of it is."""
        left, sent = pushes, now()
        for push, _ in pushes:
            push.sent = sent
        while left:
            try:
                left = await self.attempt(left)
            except OSError as error:
                self.ledger.count(self.ledger.refusals, type(error).__name__)
                self.http = None
            if left:
                await asyncio.sleep(PAUSE_SECONDS * (1 + self.ways.random()))

    async def attempt(self, pushes):
        """Sends them to the pusher-api in use, or another one; what is to be sent again."""
        if self.http is None:
            self.http = Http(self.ways.choice(self.world.pusher_apis).address)
        for push, _ in pushes:
            push.attempts += 1
        if len(pushes) == 1 and pushes[0][0].kind != "batch":
            return await self.one(pushes)
        return await self.batch(pushes)

    async def one(self, pushes):
        """A request for one push."""
        (push, body), = pushes
        status, _, answer = await self.http.ask(
            "POST", "/v1/push", body, ["Content-Type: application/json"], ANSWER_SECONDS)
        self.ledger.count(self.ledger.answers, status)
        if status == 202:
            push.promised = now()
            return []
        if status != 503:
            self.ledger.wrong.append((push.users[0], f"{push.key} was answered with {status}: {answer!r}"))
            return []
        return pushes

    async def batch(self, pushes):
        """A request for several; the lines that it says were refused."""
        lines = b"\n".join(body for _, body in pushes)
        status, _, answer = await self.http.ask(
            "POST", "/v1/push/batch", lines, ["Content-Type: application/x-ndjson"], ANSWER_SECONDS)
        self.ledger.count(self.ledger.answers, f"batch {status}")
        if status == 503:
            return pushes
        refused = set()
        for entry in json.loads(answer).get("rejected", []) if status == 200 else [{"status": status}]:
            first, last = entry.get("lines", [1, len(pushes)])
            self.ledger.count(self.ledger.answers, f"line {entry['status']}")
            if entry["status"] != 503:
                self.ledger.wrong.append((pushes[first - 1][0].users[0], f"in a batch: {answer!r}"))
            refused.update(range(first, last + 1))
        left = [push for line, push in enumerate(pushes, 1) if line in refused]
        for line, (push, _) in enumerate(pushes, 1):
            if line not in refused:
                push.promised = now()
        return left
