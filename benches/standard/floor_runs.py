"""The same of the floor: only what it has."""

import time

from benches.measured.client import Client
from benches.measured.readings import resident, settled_slab, slab
from benches.measured.runs import await_sessions, dropped, storm_flags

from .figures import PAYLOAD, idle_cpu, pushed, ramp_figures
from .holdfast_runs import SETTLE_SECONDS

# A push's frame around its data.
FRAME = PAYLOAD + 71
# Until sessions that were dropped are gone, at the latest.
GONE_SECONDS = 180


def together(given, floors, names, _):
    """What is measured of sessions that are opened once."""
    kernel, before = settled_slab(), resident(floors.floors)
    run = Client(given.client, "idle", "--hold", "24h", *floors.client_flags(),
                 sessions=given.sessions)
    figures, sent = {}, 0
    try:
        await_sessions(floors, given.sessions, run)
        time.sleep(SETTLE_SECONDS)
        if "idle" in names:
            figures |= idle(given, floors, kernel, before)
        for command in commands(given, floors, names):
            sent += floors.tell(command)
            time.sleep(2)
    finally:
        report = run.report(stop=True)
    received = (report["received"] or {}).get("messages", 0)
    if received != sent:
        raise SystemExit(f"the floors wrote {sent} messages and clients received {received}")
    figures |= ramp_figures(report) | pushed(report["phases"])
    if "single" in names and "batch_per_s" in figures:
        figures["single_per_s"] = figures["batch_per_s"]
    figures["broadcast_s"] = (report["broadcasts"] or {}).get("median_seconds")
    return figures


def idle(given, floors, kernel, before):
    """Memory and CPU while clients only hold."""
    gateways = (resident(floors.floors) - before) / given.sessions
    slabs = (slab() - kernel) / given.sessions
    figures = {"gateway_bytes": gateways, "slab_bytes": slabs, "system_bytes": gateways + slabs / 2}
    return figures | idle_cpu(given, floors.floors, 5)


def commands(given, floors, names):
    """What the floors are told to write: to random sessions as fast as they go, and to all."""
    if "batch" in names or "single" in names:
        yield f"random {given.pushes // floors.count} {FRAME}"
    if "broadcast" in names:
        for number in range(given.broadcasts):
            yield f"all {FRAME} {number} {time.time_ns() // 1000}"


def storm(given, floors, _):
    """A third dropped at once: when the floors hold none of them any more."""
    await_sessions(floors, 0)
    # The floor answers no pings, so nobody is asked for a sign of life.
    flags = [*storm_flags(given), *floors.client_flags(), "--answer-within", "0s"]
    run = Client(given.client, "storm", *flags, sessions=given.sessions)
    await_sessions(floors, given.sessions, run)
    left = given.sessions - dropped(given)
    floors.wait_for(lambda: floors.sessions() <= left, f"{dropped(given)} sessions gone",
                    GONE_SECONDS, run)
    seen = time.time()
    found = run.report()["storms"][0]
    return {
        "storm_closed_s": found["closed_seconds"],
        "storm_gone_s": seen - found["dropped_at"] / 1e6,
        "storm_return_s": found["reopen_seconds"],
    }


SCENARIOS = {"storm": storm}
