"""What waits to be sent, and in which order: no sockets, no clock, no threads.

Pushes with one name in common are answered in the order in which they came: what was refused for lack of room
is sent again before anything else of its names, and others go on meanwhile. Between names there is no order.
"""

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from holdfast.pushes import Counts, GivenUp, Push, QueueFull, Reason

# Of one batch.
MOST_LINES, MOST_BYTES = 1000, 256 * 1024
# pusher-api remembers an id for five minutes: a live push that it may have taken longer ago is not repeated.
# One that is kept is: it was promised to arrive, and may come twice then.
REMEMBERED_SECONDS = 280.0
# How often what has waited too long is looked for.
SWEEP_SECONDS = 1.0
# What a push takes beside its line, in bytes, about.
OVERHEAD = 400
EVERYBODY = "everybody"


@dataclass(slots=True, eq=False)
class Waiting:
    """A push that is not answered yet."""

    push: Push
    flush: int
    """Which call of `flush` waits for it at least."""
    sent: int = 0
    uncertain_since: float | None = None
    """When it was first sent without an answer."""
    process: str | None = None
    """Who was asked then."""
    is_settled: bool = False

    def size(self) -> int:
        """Bytes that it counts for."""
        return len(self.push.line) + OVERHEAD


@dataclass(slots=True)
class Outbox:
    """Pushes in their order, those that wait for another try apart."""

    most: int
    most_bytes: int
    patience: float
    counts: Counts = field(default_factory=Counts)
    fresh: deque[Waiting] = field(default_factory=deque)
    again: deque[Waiting] = field(default_factory=deque)
    again_at: float = 0.0
    behind: Counter[str] = field(default_factory=Counter)
    flushes: Counter[int] = field(default_factory=Counter)
    flush: int = 0
    swept: float = 0.0

    def put(self, push: Push) -> None:
        """Lets a push wait; `QueueFull` if there is no room for it."""
        waiting = Waiting(push, self.flush)
        counts = self.counts
        if counts.waiting >= self.most or counts.waiting_bytes + waiting.size() > self.most_bytes:
            counts.full += 1
            raise QueueFull(f"{counts.waiting:,} pushes of {counts.waiting_bytes:,} bytes wait already")
        counts.pushed += 1
        counts.waiting += 1
        counts.waiting_bytes += waiting.size()
        self.flushes[self.flush] += 1
        self.fresh.append(waiting)

    def take(self, now: float) -> list[Waiting]:
        """The lines of the next batch; none where nothing may be sent before `again_at`."""
        batch: list[Waiting] = []
        room = MOST_BYTES
        if self.again and now >= self.again_at:
            while self.again and fits(self.again[0], batch, room):
                waiting = self.again.popleft()
                self.behind.subtract(waiting.push.names)
                room -= len(waiting.push.line)
                batch.append(waiting)
            self.behind = +self.behind
        while self.fresh and fits(self.fresh[0], batch, room):
            waiting = self.fresh.popleft()
            if self.is_behind(waiting.push):
                self.hold(waiting)
            else:
                room -= len(waiting.push.line)
                batch.append(waiting)
        return batch

    def is_behind(self, push: Push) -> bool:
        """Whether it would overtake one that waits for another try."""
        if not self.behind:
            return False
        if EVERYBODY in self.behind or EVERYBODY in push.names:
            return True
        return any(name in self.behind for name in push.names)

    def hold(self, waiting: Waiting) -> None:
        """Lets it wait behind the others that wait for another try."""
        self.again.append(waiting)
        self.behind.update(waiting.push.names)

    def back(self, batch: Iterable[Waiting], again_at: float) -> None:
        """Takes lines of the last batch back, in front of all that came later."""
        lines = [waiting for waiting in batch if not waiting.is_settled]
        self.again.extendleft(reversed(lines))
        for waiting in lines:
            self.behind.update(waiting.push.names)
        self.again_at = max(self.again_at, again_at)

    def uncertain(self, batch: Iterable[Waiting], process: str | None, now: float) -> list[GivenUp]:
        """Notes that lines were sent and not answered; who knows their ids decides what is given up."""
        given_up = []
        for waiting in batch:
            if waiting.uncertain_since is None:
                waiting.uncertain_since = now
            waiting.process = process
            if not waiting.push.is_kept and process is None:
                detail = "no answer came, and it is not known which process was asked"
                given_up.append(self.give_up(waiting, Reason.UNKNOWN, detail))
        return [one for one in given_up if one is not None]

    def elsewhere(self, batch: Iterable[Waiting], process: str | None) -> list[GivenUp]:
        """Another process answers now: it does not know the live pushes that the one before may have had."""
        given_up = []
        for waiting in [*batch, *self.again]:
            is_lost = waiting.uncertain_since is not None and waiting.process != process
            if is_lost and not waiting.push.is_kept:
                detail = "no answer came, and the process that was asked is gone"
                given_up.append(self.give_up(waiting, Reason.UNKNOWN, detail))
        self.forget_settled()
        return [one for one in given_up if one is not None]

    def accept(self, waiting: Waiting) -> None:
        """It was taken."""
        if self.settle(waiting):
            self.counts.accepted += 1

    def give_up(
        self, waiting: Waiting, reason: Reason, detail: str, status: int | None = None
    ) -> GivenUp | None:
        """It will not be sent again; what is to be told of it, once."""
        if not self.settle(waiting):
            return None
        self.counts.given_up += 1
        uncertain = waiting.uncertain_since is not None
        return GivenUp(waiting.push, reason, detail, status, uncertain)

    def sweep(self, now: float) -> list[GivenUp]:
        """Gives up what has waited too long, or may have been taken too long ago."""
        if now < self.swept + SWEEP_SECONDS:
            return []
        self.swept = now
        given_up = [self.too_late(waiting, now) for waiting in [*self.again, *self.fresh]]
        self.forget_settled()
        return [one for one in given_up if one is not None]

    def too_late(self, waiting: Waiting, now: float) -> GivenUp | None:
        """Gives this one up if it is too late for it."""
        since = waiting.uncertain_since
        is_live = not waiting.push.is_kept
        if is_live and since is not None and now - since > REMEMBERED_SECONDS:
            detail = "no answer came, and its id may have been forgotten"
            return self.give_up(waiting, Reason.UNKNOWN, detail)
        if now - waiting.push.since > self.patience:
            return self.give_up(waiting, Reason.TOO_LATE, f"not taken within {self.patience:g} s")
        return None

    def give_up_all(self, in_flight: Iterable[Waiting]) -> list[GivenUp]:
        """Nothing is sent any more."""
        for waiting in in_flight:
            waiting.uncertain_since = waiting.uncertain_since or 0.0
        left = [*in_flight, *self.again, *self.fresh]
        detail = "closed before it was answered"
        given_up = [self.give_up(waiting, Reason.CLOSED, detail) for waiting in left]
        self.forget_settled()
        return [one for one in given_up if one is not None]

    def settle(self, waiting: Waiting) -> bool:
        """Whether nobody had settled it before."""
        if waiting.is_settled:
            return False
        waiting.is_settled = True
        self.counts.waiting -= 1
        self.counts.waiting_bytes -= waiting.size()
        self.flushes[waiting.flush] -= 1
        if not self.flushes[waiting.flush]:
            del self.flushes[waiting.flush]
        return True

    def is_flushed(self, flush: int) -> bool:
        """Whether nothing waits that was pushed before this flush."""
        return all(other > flush for other in self.flushes)

    def forget_settled(self) -> None:
        """Drops from the queues what was given up there."""
        self.fresh = deque(waiting for waiting in self.fresh if not waiting.is_settled)
        self.again = deque(waiting for waiting in self.again if not waiting.is_settled)
        self.behind = Counter(name for waiting in self.again for name in waiting.push.names)


def fits(waiting: Waiting, batch: list[Waiting], room: int) -> bool:
    """Whether a batch has room for it; one that is larger than any batch goes alone."""
    return not batch or (len(batch) < MOST_LINES and len(waiting.push.line) <= room)
