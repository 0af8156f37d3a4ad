"""What was pushed, promised, heard, acknowledged and killed, as it happened; judge.py judges it."""

import time
from dataclasses import dataclass, field


def now():
    """Seconds, only ever forward."""
    return time.monotonic()


@dataclass(slots=True)
class Push:
    """What a backend has pushed: to whom, since when, and when it was answered."""

    key: tuple
    users: tuple
    kind: str
    sent: float = 0.0
    promised: float | None = None
    attempts: int = 0


@dataclass(slots=True)
class Visit:
    """One session of a device, from its connect to its end, and what it has heard."""

    gateway: str
    began: float
    given: str | None
    greeted: float | None = None
    hello: dict | None = None
    heard: list = field(default_factory=list)
    gaps: list = field(default_factory=list)
    recovered: list = field(default_factory=list)
    # When, how many had been heard by then, and whether it was said.
    acknowledged: list = field(default_factory=list)
    ended: float | None = None
    why: str = ""
    # What it was told: to come back after so many seconds.
    retry: float | None = None

    def owed(self):
        """How many gaps have to be closed by a `recovered`."""
        return sum(reason == "store_away" for _, reason in self.gaps)

    def was_there(self, since, until):
        """Whether it lived all that time."""
        is_greeted = self.greeted is not None and self.greeted <= since
        return is_greeted and (self.ended is None or self.ended > until)


@dataclass(slots=True)
class Kill:
    """One process that was killed, or told to stop."""

    number: int
    kind: str
    victim: str
    at: float
    # When it was started again, and when it worked.
    started: float | None = None
    back: float | None = None


@dataclass(slots=True)
class Wait:
    """How long a device waited for what was committed and not forwarded."""

    kill: int
    user: str
    device: str
    seconds: float | None
    of: str


class Ledger:
    """All of it."""

    def __init__(self):
        self.began = now()
        self.pushes = {}
        self.devices = []
        self.kills = []
        self.waits = []
        # What is wrong whatever else happened: (who, what).
        self.wrong = []
        self.answers = {}
        self.refusals = {}
        self.endings = {}
        # The longest time in which the run itself did not come to anything, in seconds.
        self.lag = 0.0

    def of_users(self):
        """The devices by user."""
        found = {}
        for device in self.hearers():
            found.setdefault(device.user, []).append(device)
        return found

    def hearers(self):
        """The devices, and their subscriptions."""
        subscriptions = (device.subscription for device in self.devices)
        return [*self.devices, *(one for one in subscriptions if one is not None)]

    def count(self, table, name):
        """Counts one more of that name."""
        table[name] = table.get(name, 0) + 1

    def disturbed(self, since, until):
        """Whether a process was away at some time in between."""
        return any(kill.at <= until and (kill.back is None or kill.back >= since) for kill in self.kills)

    def way_since(self, until):
        """When the last process came back that was away before this time."""
        return max((kill.back or until for kill in self.kills if kill.at <= until), default=self.began)
