"""The backend's end: a push is queued at once, and sent by a thread in the background."""

import atexit
import logging
import os
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from ssl import SSLContext
from time import monotonic
from types import TracebackType
from weakref import WeakSet

from holdfast import pushes
from holdfast.delivery import Delivery
from holdfast.outbox import SWEEP_SECONDS, Outbox, Waiting
from holdfast.pushes import Closed, Counts, GivenUp
from holdfast.sending import Sender

logger = logging.getLogger("holdfast")
# What is given to pushes that still wait when the interpreter ends, in seconds.
AT_EXIT_SECONDS = 5.0
# How long an idle thread is waited for after a close, in seconds.
JOIN_SECONDS = 1.0
everyone: "WeakSet[Pusher]" = WeakSet()


class Pusher:
    """Pushes to users, topics or everybody, fire and forget.

    `push` puts into a queue in memory, bounded in count and bytes, and returns; a thread sends batches to
    pusher-api and repeats what was not answered, with full jitter. Pushes with a `ttl` are repeated under
    their ids until they are answered; those without only to the process that may have had them. What is given
    up is told once each to `on_given_up`, from whichever thread found it out; without it, a line for all of
    them goes to the log `holdfast`.

    It may be used by many threads. Where a process forks, the child begins with an empty queue and its own
    thread.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8090",
        api_key: str | None = None,
        *,
        on_given_up: Callable[[GivenUp], None] | None = None,
        most: int = 100_000,
        most_bytes: int = 64 * 1024 * 1024,
        patience: float = 600.0,
        ssl: SSLContext | None = None,
    ) -> None:
        """Bounds of the queue are `most` pushes and `most_bytes`; a push waits `patience` seconds at most.

        `ssl` says who is believed; without it, whom the system believes. Raises `ValueError` for a `url` that
        is none of a pusher-api, and an `api_key` that no header can carry.
        """
        self._make_outbox = partial(Outbox, most, most_bytes, patience)
        self._make_sender = partial(Sender, url, api_key, ssl)
        self._on_given_up = on_given_up
        self._begin()
        everyone.add(self)

    def _begin(self) -> None:
        """An empty queue, and no thread yet."""
        lock = threading.Lock()
        self._lock, self._work, self._done = lock, threading.Condition(lock), threading.Condition(lock)
        self._outbox, self._sender = self._make_outbox(), self._make_sender()
        self._delivery = Delivery(self._outbox, self._sender)
        self._thread: threading.Thread | None = None
        self._in_flight: list[Waiting] = []
        self._is_closing = self._is_over = False

    def push(
        self,
        data: object,
        *,
        user: str | None = None,
        users: Iterable[str] | None = None,
        topic: str | None = None,
        everybody: bool = False,
        ttl: int = 0,
        collapse_key: str | None = None,
        id: str | None = None,
    ) -> str:
        """Queues a push and returns its id, a UUID; `bytes` are sent as `data_base64`, all else as JSON.

        With a `ttl`, in seconds, it is kept for those it is for; without, it is for who is online now. Raises
        `QueueFull` or `Closed`, and `TypeError` or `ValueError` for what cannot be a push.
        """
        to, names = pushes.recipient(user, users, topic, everybody)
        made = pushes.push(data, to, names, ttl, collapse_key, id)
        with self._lock:
            if self._is_closing:
                raise Closed("the pusher is closed")
            self._outbox.put(made)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="holdfast-pusher", daemon=True)
                self._thread.start()
            self._work.notify()
        return made.id

    def flush(self, timeout: float | None = None) -> bool:
        """Waits until all that was pushed before has been answered or given up; whether that is so."""
        if self._thread is threading.current_thread():
            raise RuntimeError("on_given_up must not wait for what its own thread sends")
        with self._lock:
            flush = self._outbox.flush
            self._outbox.flush += 1
            return self._done.wait_for(lambda: self._outbox.is_flushed(flush), timeout)

    def close(self, timeout: float = 10.0) -> bool:
        """Takes nothing more, waits for what is queued, and gives up the rest; whether there was no rest."""
        thread = self._thread
        is_own = thread is threading.current_thread()
        with self._lock:
            self._is_closing = True
            self._work.notify()
            self._done.wait_for(lambda: not self._outbox.counts.waiting, 0 if is_own else timeout)
            self._is_over = True
            left = self._outbox.give_up_all(self._in_flight)
            self._work.notify()
            self._done.notify_all()
        self._tell(left)
        if thread is not None and not is_own:
            thread.join(JOIN_SECONDS)
        return not left

    @property
    def counts(self) -> Counts:
        """What has become of pushes so far."""
        with self._lock:
            return replace(self._outbox.counts)

    def __enter__(self) -> "Pusher":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self) -> None:
        """The thread: batch after batch until it is over."""
        while (batch := self._next()) is not None:
            if batch:
                answer, process = self._delivery.ask(batch)
                with self._lock:
                    self._delivery.on_answer(batch, answer, process, monotonic())
                    self._in_flight = []
            self._tell(self._delivery.to_tell())
            with self._lock:
                self._done.notify_all()
        self._sender.close()

    def _next(self) -> list[Waiting] | None:
        """The next batch; an empty one where something else is to be done first, none at the end."""
        with self._lock:
            now = monotonic()
            if self._is_over or (self._is_closing and not self._outbox.counts.waiting):
                return None
            self._delivery.sweep(now)
            self._in_flight = self._delivery.take(now)
            if not self._in_flight and not self._delivery.has_to_tell():
                is_idle = not self._outbox.counts.waiting
                self._work.wait(None if is_idle else self._delivery.pause(now, SWEEP_SECONDS))
            return self._in_flight

    def _tell(self, given_up: list[GivenUp]) -> None:
        """Tells of pushes that were given up, outside the lock."""
        callback = self._on_given_up or log(given_up)
        for one in given_up:
            try:
                callback(one)
            except Exception:
                logger.exception("on_given_up failed for push %s", one.push.id)


def log(given_up: list[GivenUp]) -> Callable[[GivenUp], None]:
    """Logs one line for all of them, which may be a hundred thousand, and nothing for each."""
    if given_up:
        one, count = given_up[0], len(given_up)
        said = "%d pushes were given up; push %s: %s, %s"
        logger.warning(said, count, one.push.id, one.reason.value, one.detail)
    return lambda _: None


def _at_exit() -> None:
    """Nobody waits for the threads of those that were not closed, so they are given a moment."""
    for pusher in list(everyone):
        pusher.close(AT_EXIT_SECONDS)


def _after_fork() -> None:
    """What waits is the parent's to send; its locks may be held by threads that are not here."""
    for pusher in list(everyone):
        pusher._begin()


atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
