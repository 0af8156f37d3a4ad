"""What kept messages leave: on the disk, for the next start, and in memory for each session."""

import time

from benches.measured.client import Client
from benches.measured.holdfast import Holdfast
from benches.measured.readings import own, resident
from benches.measured.runs import await_sessions

from . import disk
from .parts import users
from .pushes import Batches, each
from .servers import Kept, kept

EACH = 10
SETTLE_SECONDS = 4


def on_disk(given):
    """Bytes of the store's files for each message of 100 bytes, and how long a start takes with a million."""
    names = users(given.kept // EACH)
    some = names[:given.sessions]
    with kept(given) as servers:
        first, _ = Batches(each(some, EACH)).wait()
        figures = {"bytes": disk.size(servers.data) / first}
        figures["start_some_s"] = servers.restart(killed=False)
        figures["bytes_closed"] = disk.size(servers.data) / first
        begun = time.monotonic()
        more, _ = Batches(each(names[given.sessions:], EACH)).wait()
        figures["fill_per_s"] = more / (time.monotonic() - begun)
        figures["bytes_many"] = disk.size(servers.data) / (first + more)
        figures["start_killed_s"] = servers.restart(killed=True)
        figures["start_s"] = servers.restart(killed=False)
        figures["bytes_many_closed"] = disk.size(servers.data) / (first + more)
        figures["missing"] = len(names) * EACH - first - more
    return figures


def memory(given):
    """Bytes of the gateway for each idle WebSocket: of the build before, of this one, and with a store."""
    builds = {"before": given.before and given.before / "holdfast", "now": given.program}
    figures = {}
    for name, program in builds.items():
        if program:
            figures |= _held(given, name, lambda directory, program=program: Holdfast(program, directory))
    figures |= _held(given, "store", lambda directory: Kept(given.program, directory))
    if given.before:
        figures["more"] = figures["own_now"] - figures["own_before"]
    return figures


def _held(given, name, start):
    with disk.fresh(given.directory) as directory, start(directory) as servers:
        servers.await_ready()
        before = own(servers.gateways), resident(servers.gateways)
        flags = ["--hold", "600s", *servers.client_flags()]
        run = Client(given.program, "idle", *flags, sessions=given.sessions)
        await_sessions(servers, given.sessions, run)
        time.sleep(SETTLE_SECONDS)
        after = own(servers.gateways), resident(servers.gateways)
        run.report(stop=True)
    grown = [(now - then) / given.sessions for now, then in zip(after, before, strict=True)]
    return {f"own_{name}": grown[0], f"resident_{name}": grown[1]}
