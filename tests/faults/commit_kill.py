"""Kills a pusher-api between its commit and everything it does after it.

A push waits for the store while this process holds the file's write lock. All threads of the pusher-api but
the one that commits are then put behind this one, on one processor and with the lowest class of scheduling
there is. The lock is let go, the file is watched, and once the push is in it the process is killed.
"""

import asyncio
import contextlib
import os
import signal
import sqlite3
from pathlib import Path

from tests.faults.ledger import now

COMMITTING = "store writer"
# How often is looked whether others have let go of the file: more often than they do.
STEP_SECONDS = 0.0002
# How long the store may take for its commit once it may.
PATIENCE_SECONDS = 10


class Lock:
    """The store's file, which nobody else writes for as long as this is held."""

    def __init__(self, store):
        self.writing = sqlite3.connect(store, isolation_level=None, timeout=0)
        self.reading = sqlite3.connect(f"file:{store}?mode=ro", uri=True, isolation_level=None, timeout=20)

    async def take(self):
        """Waits until nobody writes, and keeps them from it."""
        while True:
            try:
                self.writing.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError:
                await asyncio.sleep(STEP_SECONDS)

    def let_go(self):
        """Lets the others write; who only reads does not tidy up when nobody else is left."""
        self.writing.execute("ROLLBACK")
        self.writing.close()

    def holds(self, identity):
        """Whether this push is in the store."""
        found = self.reading.execute("SELECT 1 FROM ids WHERE id = ?", (identity.bytes,))
        return found.fetchone() is not None

    def close(self):
        """Closes both connections."""
        self.writing.close()
        self.reading.close()


def threads_of(pid):
    """All threads of a process but the one that commits."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            if (task / "comm").read_text().strip() != COMMITTING:
                yield int(task.name)


def put(pid, processors, policy):
    """Where those threads run, and before whom."""
    for thread in threads_of(pid):
        # One that has been killed may be gone by now.
        with contextlib.suppress(OSError):
            os.sched_setaffinity(thread, processors)
            os.sched_setscheduler(thread, policy, os.sched_param(0))


def kill_between(lock, server, identity):
    """Lets the store commit, and kills the process once it has; when, and whether it was seen in the file."""
    ours = os.sched_getaffinity(0)
    processor = min(ours)
    os.sched_setaffinity(0, {processor})
    try:
        put(server.process.pid, {processor}, os.SCHED_IDLE)
        lock.let_go()
        deadline = now() + PATIENCE_SECONDS
        while not (is_there := lock.holds(identity)) and now() < deadline:
            pass
        server.process.send_signal(signal.SIGKILL)
        killed = now()
        # They have to run to end.
        put(server.process.pid, ours, os.SCHED_OTHER)
    finally:
        os.sched_setaffinity(0, ours)
    server.process.wait()
    return killed, is_there
