"""Clients in a few processes."""

import multiprocessing
import time

from benches.measured.holdfast import SECRET, TCP
from benches.measured.tokens import hs256

from .client import ENDED, FIELDS, FIRST_NS, HELLOS, LAST_NS, PUSHES, hold

# Beyond so many there are more clients' processes than processors on small machines.
PROCESSES = 2
PATIENCE = 300


class Crowd:
    """Sessions of these users, held until the `with` block ends."""

    def __init__(self, users, acknowledging=False, timed=False):
        self.count, self.parts = len(users), []
        # Nothing of this process shall be in the clients': no descriptors, no threads.
        context = multiprocessing.get_context("spawn")
        tokens = [hs256(SECRET, user) for user in users]
        for number in range(PROCESSES):
            told = context.RawArray("q", FIELDS)
            here, there = context.Pipe()
            given = (told, TCP, tokens[number::PROCESSES], acknowledging, timed, there)
            process = context.Process(target=hold, args=given, daemon=True)
            self.parts.append((process, told, here))

    def __enter__(self):
        for process, _, _ in self.parts:
            process.start()
        return self

    def __exit__(self, *_):
        for process, _, _ in self.parts:
            process.kill()
            process.join()

    def total(self, field):
        """A number that all processes tell, together."""
        return sum(told[field] for _, told, _ in self.parts)

    def pids(self):
        """The processes."""
        return [process.pid for process, _, _ in self.parts]

    def pushes(self):
        """The pushes received so far."""
        return self.total(PUSHES)

    def first(self):
        """When the first process began to open its sessions."""
        return min(told[FIRST_NS] for _, told, _ in self.parts) / 1e9

    def last(self):
        """When the last of them came."""
        return max(told[LAST_NS] for _, told, _ in self.parts) / 1e9

    def await_hellos(self, servers):
        """Waits until all are sessions."""
        servers.wait_for(lambda: self.total(HELLOS) >= self.count, f"{self.count} sessions", PATIENCE)

    def await_pushes(self, servers, count):
        """Waits until so many have come, and returns when the last one did; some may be missing."""
        seen, since = -1, time.monotonic()

        def reached():
            nonlocal seen, since
            before, seen = seen, self.pushes()
            if seen != before:
                since = time.monotonic()
            return seen >= count or time.monotonic() - since > PATIENCE / 10

        servers.wait_for(reached, f"{count} pushes", PATIENCE, every=0.05)
        return self.last()

    def lost(self):
        """The sessions that have ended."""
        return self.total(ENDED)

    def latencies(self):
        """How late pushes were, in seconds; the clients are gone then."""
        for _, _, ended in self.parts:
            ended.send("end")
        return sorted(late for _, _, ended in self.parts for late in ended.recv())
