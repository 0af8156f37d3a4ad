"""What is measured of Holdfast: each run opens all sessions anew and adds figures by name."""

import time

from benches.measured.client import Client, lost
from benches.measured.readings import cpu_seconds, resident, settled_slab, slab
from benches.measured.unicast import Unicast, quantile

# Data of a push in bytes; the frame around it has 71 more.
PAYLOAD = 100
RAMP_SECONDS = 600


def idle(given, holdfast, hold):
    """Memory, CPU and losses while clients only hold."""
    servers = [*holdfast.gateways, holdfast.pusher_api]
    kernel, before = settled_slab(), {pid: resident([pid]) for pid in servers}

    def grown(*pids):
        return (resident(pids) - sum(before[pid] for pid in pids)) / given.sessions

    run = Client(given.program, "idle", "--hold", "24h", *holdfast.client_flags(),
                 sessions=given.sessions)
    try:
        await_sessions(holdfast, given.sessions, run)
        time.sleep(3)
        figures = {
            "gateway_bytes": grown(*holdfast.gateways),
            "pusher_api_bytes": grown(holdfast.pusher_api),
            "slab_bytes": (slab() - kernel) / given.sessions,
            "stall_ms": stall(holdfast),
        }
        figures |= idle_cpu(given, holdfast.gateways, min(hold, 60))
        time.sleep(max(0, hold - 60))
        figures["gateway_bytes_after_hold"] = grown(*holdfast.gateways)
    finally:
        report = run.report(stop=True)
    figures["system_bytes"] = figures["gateway_bytes"] + figures["slab_bytes"] / 2
    return figures | ramp_figures(report)


def batch(given, holdfast, _):
    """Pushes to random users through the batch API, as fast as they go."""
    report = push(given, holdfast, "--push-total", given.pushes)
    return {"batch_per_s": rate(report)} | push_figures(report)


def single(given, holdfast, _):
    """A request per push, 64 connections."""
    flags = ["--push-total", max(given.pushes // 4, 1), "--push-mode", "single"]
    report = push(given, holdfast, *flags)
    return {"single_per_s": rate(report)} | push_figures(report)


def latency(given, holdfast, _):
    """How long pushes take at a rate that leaves room."""
    report = push(given, holdfast, "--push-rate", given.push_rate, "--push-for", "20s")
    received = report["received"] or {}
    quantiles = received.get("latency") or {}
    figures = {
        "latency_p50_ms": quantiles.get("p50_ms"),
        "latency_p99_ms": quantiles.get("p99_ms"),
        "within_200_ms": received.get("share_within_200_ms"),
    }
    return figures | push_figures(report)


def broadcast(given, holdfast, _):
    """A push to everybody, and what pushes to single users take meanwhile."""
    await_sessions(holdfast, 0)
    with Unicast(holdfast.count) as unicast:
        report = push_beside(given, holdfast, "--push-total", given.broadcasts, "--push-to", "all")
    spread = report["broadcasts"] or {}
    meanwhile = unicast.during_broadcasts(spread.get("max_seconds", 0.0))
    p99 = quantile(meanwhile, 0.99)
    figures = {
        "broadcast_s": spread.get("median_seconds"),
        "unicast_samples": len(meanwhile),
        "unicast_p99_ms": p99 and p99 * 1000,
    }
    figures |= push_figures(report)
    figures["refused"] += unicast.refused
    figures["missing"] += unicast.missing()
    return figures


def storm(given, holdfast, _):
    """A third dropped at once, and back at once half a minute later; pushes to the others."""
    drop = given.sessions * 34 // 100
    flags = ["--drop", drop, "--settle", "30s", "--push-rate", given.storm_push_rate]
    report = watched(given, holdfast, "storm", *flags)
    found, phases = report["storms"][0], report["phases"]
    figures = {
        "storm_gone_s": found["gone_seconds"],
        "storm_return_s": found["reopen_seconds"],
        "storm_memory_ratio": found["gateway_memory_ratio"],
    }
    for phase in ("drop", "reopen"):
        quantiles = phases.get(phase, {}).get("latency") or {}
        figures[f"storm_{phase}_p99_ms"] = quantiles.get("p99_ms")
    return figures | push_figures(report)


def probe(given, holdfast, _):
    """Whether other traffic is answered while sessions come and are held."""
    report = watched(given, holdfast, "probe", "--hold", "60s", "--probe-rate", 50)
    probes = [probe for probe in report["probes"] if not probe["unavailable"]]
    return {
        "probe_within_200_ms": min(probe["share_within_200_ms"] for probe in probes),
        "probe_p99_ms": max(probe["latency"]["p99_ms"] for probe in probes if probe["latency"]),
        "lost": lost(report),
    }


RUNS = {
    "idle": idle, "batch": batch, "single": single, "latency": latency, "broadcast": broadcast,
    "probe": probe, "storm": storm,
}
# The load client has a scenario of that name for them.
OWN_SCENARIO = {"probe", "storm"}


def watched(given, holdfast, scenario, *flags):
    """A run that also looks at what the gateways say."""
    await_sessions(holdfast, 0)
    flags = [*flags, "--operators", holdfast.all_operators, *holdfast.push_flags()]
    return Client(given.program, scenario, *flags, sessions=given.sessions).report()


def push(given, holdfast, *flags):
    """Runs `stress push` to its end, once the sessions of the run before are gone."""
    await_sessions(holdfast, 0)
    return push_beside(given, holdfast, *flags)


def push_beside(given, holdfast, *flags):
    """Runs `stress push` to its end beside other sessions."""
    flags = [*flags, "--payload", f"{PAYLOAD}B", *holdfast.push_flags()]
    return Client(given.program, "push", *flags, sessions=given.sessions).report()


def await_sessions(servers, count, run=None):
    """Waits until the servers hold so many sessions, or none."""
    reached = (lambda: servers.sessions() >= count) if count else (lambda: servers.sessions() == 0)
    # Asking many servers takes CPU from those who are ramping up.
    every = 0.2 + servers.count / 25
    servers.wait_for(reached, f"{count} sessions", RAMP_SECONDS, run, every)


def idle_cpu(given, pids, seconds):
    """CPU of processes over a while, in cores and for each session."""
    before, started = cpu_seconds(pids), time.monotonic()
    time.sleep(seconds)
    cores = (cpu_seconds(pids) - before) / (time.monotonic() - started)
    return {"idle_cores": cores, "idle_us_per_s": cores / given.sessions * 1e6}


def stall(holdfast):
    """The longest gap in a worker's ticker, where the gateway counts it."""
    seconds = holdfast.metric("holdfast_worker_longest_stall_seconds")
    return max(seconds) * 1000 if seconds else None


def ramp_figures(report):
    """How the sessions were opened."""
    sessions = report["sessions"]
    return {
        "handshakes_per_s": sessions["per_second"],
        "ramp_s": sessions["ramp_seconds"],
        "client_bytes": sessions["client_bytes_per_session"],
        "held": sessions["held_to_end"],
        "lost": lost(report),
    }


def rate(report):
    """Messages per second, first to last."""
    return (report["received"] or {}).get("per_second", 0.0)


def push_figures(report):
    """What must be none."""
    pushes = report["pushes"]
    return {
        "missing": abs(pushes["missing"] or 0),
        "refused": sum(pushes["refused"].values()),
        "lost": lost(report),
    }
