"""The same of the floor: only what it has."""

import time

from benches.measured.client import Client
from benches.measured.readings import resident, settled_slab, slab

from .holdfast_runs import PAYLOAD, await_sessions, idle_cpu, ramp_figures, rate

# A push's frame around its data.
FRAME = PAYLOAD + 71


def idle(given, floors, _):
    """Memory and CPU while clients only hold."""
    kernel, before = settled_slab(), resident(floors.floors)
    run = start(given, floors)
    try:
        await_sessions(floors, given.sessions, run)
        time.sleep(3)
        figures = {
            "gateway_bytes": (resident(floors.floors) - before) / given.sessions,
            "slab_bytes": (slab() - kernel) / given.sessions,
        }
        figures |= idle_cpu(given, floors.floors, 5)
    finally:
        report = run.report(stop=True)
    figures["system_bytes"] = figures["gateway_bytes"] + figures["slab_bytes"] / 2
    return figures | ramp_figures(report)


def batch(given, floors, _):
    """Writes to random sessions, as fast as they go."""
    report = written(given, floors, f"random {given.pushes // floors.count} {FRAME}")
    per_second = rate(report)
    return {"batch_per_s": per_second, "single_per_s": per_second}


def broadcast(given, floors, _):
    """A write to every session."""
    commands = (f"all {FRAME} {number}" for number in range(given.broadcasts))
    report = written(given, floors, *commands)
    return {"broadcast_s": (report["broadcasts"] or {}).get("median_seconds")}


RUNS = {"idle": idle, "batch": batch, "broadcast": broadcast}


def start(given, floors):
    """A client that holds until it is told to stop."""
    flags = ["--hold", "24h", *floors.client_flags()]
    return Client(given.program, "idle", *flags, sessions=given.sessions)


def written(given, floors, *commands):
    """What clients received of what the floors were told to write."""
    await_sessions(floors, 0)
    run = start(given, floors)
    await_sessions(floors, given.sessions, run)
    time.sleep(2)
    sent = sum(floors.tell(command) for command in commands)
    time.sleep(2)
    report = run.report(stop=True)
    received = (report["received"] or {}).get("messages", 0)
    if received != sent:
        raise SystemExit(f"the floors wrote {sent} messages and clients received {received}")
    return report
