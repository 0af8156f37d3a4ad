"""Requests that are held, and what they cost meanwhile: figures by name."""

import time

from benches.measured.client import Client, lost
from benches.measured.readings import cpu_seconds, own, resident, settled_slab, slab
from benches.measured.runs import await_sessions

# What a load client is to ask for. Streams are pinged every 25 s; polls wait for 30 to 90 s, as long as the
# report's requests did.
PATHS = {"sse": "/v1/sse", "poll": "/v1/poll"}
MANNERS = {"sse": [], "poll": ["--poll-wait", "30s-90s"]}
# The requests of polls that have begun.
POLLS = 'holdfast_handshakes_total{result="poll",transport="http"}'
# Before CPU is looked at: each stream has had a ping by then, and each poll its first answer.
SETTLE_SECONDS = {"sse": 30, "poll": 90}
# What it may take until all sessions have been seen, and the readings.
SPARE_SECONDS = 15


def hold(given, holdfast, transport, flags):
    """Opens sessions, lets them be, and says what they cost; `flags` are the load client's for tokens."""
    await_sessions(holdfast, 0)
    kernel = settled_slab()
    servers = holdfast.gateways
    before = {read: read(servers) for read in (resident, own)}

    def grown(read):
        return (read(servers) - before[read]) / given.sessions

    settle = SETTLE_SECONDS[transport]
    run = Client(
        given.program, "idle", "--target", holdfast.over(PATHS[transport]), *flags,
        *MANNERS[transport], "--hold", f"{settle + given.seconds + SPARE_SECONDS}s",
        sessions=given.sessions,
    )
    try:
        await_sessions(holdfast, given.sessions, run)
        time.sleep(settle)
        figures = {"early_bytes": grown(resident)} | busy(holdfast, given.seconds) | {
            "bytes": grown(resident),
            "own_bytes": grown(own),
            "slab_bytes": (slab() - kernel) / given.sessions,
        }
        run.wait()
    finally:
        report = run.report(stop=True)
    return figures | {
        "held": report["sessions"]["held_to_end"],
        "per_second": report["sessions"]["per_second"],
        "lost": lost(report),
    }


def busy(holdfast, seconds):
    """CPU of the gateways over a while, in cores, and how many polls were asked a second."""
    def read():
        return cpu_seconds(holdfast.gateways), sum(holdfast.metric(POLLS))

    started, (cpu, polls) = time.monotonic(), read()
    time.sleep(seconds)
    later, spent = read(), time.monotonic() - started
    return {"cores": (later[0] - cpu) / spent, "polls": (later[1] - polls) / spent}
