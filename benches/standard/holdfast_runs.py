"""What is measured of Holdfast: figures by name."""

import time

from benches.measured.client import Client, lost
from benches.measured.readings import own, resident, settled_slab, slab
from benches.measured.runs import PAUSE_SECONDS, await_sessions, storm_flags, watching_flags
from benches.measured.unicast import Unicast

from .figures import PAYLOAD, add_unicast, idle_cpu, push_figures, pushed, ramp_figures

# Before memory is looked at; and what it may take to see that all sessions are there.
SETTLE_SECONDS, SPARE_SECONDS = 3, 7
# How long pushes come at a rate.
RATE_SECONDS = 20
PUSH_SECONDS = 900


def together(given, holdfast, names, hold):
    """What is measured of sessions that are opened once: first idle, then each kind of pushes."""
    steps = [flag for name in names for flag in PHASES[name](given, hold)]
    flags = [*steps, "--payload", f"{PAYLOAD}B", *holdfast.push_flags()]
    servers = [*holdfast.gateways, holdfast.pusher_api]
    kernel = settled_slab()
    before = {read: {pid: read([pid]) for pid in servers} for read in (resident, own)}
    run = Client(given.client, "push", *flags, sessions=given.sessions)
    figures = {}
    try:
        await_sessions(holdfast, given.sessions, run)
        if "idle" in names:
            figures |= idle(given, holdfast, hold, kernel, before)
        if "broadcast" in names:
            await_pushes(given, holdfast, names, run)
            with Unicast(holdfast.count) as unicast:
                run.wait()
        else:
            run.wait()
    finally:
        report = run.report(stop=True)
    figures |= ramp_figures(report) | pushed(report["phases"]) | push_figures(report)
    if "broadcast" in names:
        spread = report["broadcasts"] or {}
        figures["broadcast_s"] = spread.get("median_seconds")
        seconds = spread.get("max_seconds", 0.0)
        spans = [(start, start + seconds) for start in unicast.broadcasts.values()]
        add_unicast(figures, "unicast", unicast, spans)
    return figures


# What the load client is to do, by the name of what is measured.
PHASES = {
    "idle": lambda given, hold: ["--phase", f"hold:{hold + SETTLE_SECONDS + SPARE_SECONDS}s"],
    "batch": lambda given, _: ["--phase", f"batch:{given.pushes}"],
    "single": lambda given, _: ["--phase", f"single:{singles(given)}"],
    "latency": lambda given, _: ["--phase", f"rate:{given.push_rate}:{RATE_SECONDS}s"],
    # The pause is for the sessions that measure beside it.
    "broadcast": lambda given, _: ["--phase", f"hold:{PAUSE_SECONDS}s", "--phase",
                                   f"all:{given.broadcasts}"],
}


def singles(given):
    """How many pushes are sent in a request each."""
    return max(given.pushes // 4, 1)


def idle(given, holdfast, hold, kernel, before):
    """Memory, CPU and losses while clients only hold; `before` is what each way of reading said of the
    servers' memory."""
    def grown(read, *pids):
        return (read(pids) - sum(before[read][pid] for pid in pids)) / given.sessions

    time.sleep(SETTLE_SECONDS)
    figures = {
        "gateway_bytes": grown(resident, *holdfast.gateways),
        "gateway_own_bytes": grown(own, *holdfast.gateways),
        "pusher_api_bytes": grown(resident, holdfast.pusher_api),
        "slab_bytes": (slab() - kernel) / given.sessions,
        "stall_ms": stall(holdfast) if given.measure_stalls else None,
    }
    figures |= idle_cpu(given, holdfast.gateways, min(hold, 60))
    time.sleep(max(0, hold - 60))
    figures["gateway_bytes_after_hold"] = grown(resident, *holdfast.gateways)
    figures["system_bytes"] = figures["gateway_bytes"] + figures["slab_bytes"] / 2
    return figures


def stall(holdfast):
    """The longest time in which a worker was busy without a break."""
    return max(holdfast.metric("holdfast_worker_longest_stall_seconds")) * 1000


def await_pushes(given, holdfast, names, run):
    """Waits until the pushes to single users have been accepted; some may be refused, and then
    until the client has ended."""
    counts = {"batch": given.pushes, "single": singles(given),
              "latency": given.push_rate * RATE_SECONDS}
    expected = sum(count for name, count in counts.items() if name in names)
    holdfast.wait_for(lambda: run.has_ended() or holdfast.accepted() >= expected, "pushes",
                      given.hold + PUSH_SECONDS, every=1)


def storm(given, holdfast, _):
    """A third dropped at once, and back at once half a minute later; pushes to the others."""
    flags = [*storm_flags(given), "--push-rate", given.storm_push_rate, *watching_flags(holdfast)]
    await_sessions(holdfast, 0)
    run = Client(given.client, "storm", *flags, sessions=given.sessions)
    await_sessions(holdfast, given.sessions, run)
    with Unicast(holdfast.count) as unicast:
        run.wait()
    report = run.report()
    found, phases = report["storms"][0], report["phases"]
    figures = {
        "storm_closed_s": found["closed_seconds"],
        "storm_gone_s": found["gone_seconds"],
        "storm_return_s": found["reopen_seconds"],
        "storm_memory_ratio": found["gateway_memory_ratio"],
    } | push_figures(report)
    for phase in ("drop", "reopen"):
        quantiles = phases.get(phase, {}).get("latency") or {}
        figures[f"storm_{phase}_p99_ms"] = quantiles.get("p99_ms")
    start = found["dropped_at"] / 1e6
    add_unicast(figures, "storm_unicast", unicast, [(start, start + (found["gone_seconds"] or 0))])
    return figures


def probe(given, holdfast, _):
    """Whether other traffic is answered while sessions come and are held."""
    flags = ["--hold", "60s", "--probe-rate", 50, *watching_flags(holdfast)]
    await_sessions(holdfast, 0)
    report = Client(given.client, "probe", *flags, sessions=given.sessions).report()
    probes = [probe for probe in report["probes"] if not probe["unavailable"]]
    return {
        "probe_within_200_ms": min(probe["share_within_200_ms"] for probe in probes),
        "probe_p99_ms": max(probe["latency"]["p99_ms"] for probe in probes if probe["latency"]),
        "lost": lost(report),
    }


# Those that open their own sessions, each with a scenario of the load client of that name.
SCENARIOS = {"probe": probe, "storm": storm}
