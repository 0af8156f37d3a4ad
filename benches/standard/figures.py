"""Figures by name, out of the load client's reports and of what was read beside it."""

import time

from benches.measured.client import lost
from benches.measured.readings import cpu_seconds
from benches.measured.unicast import quantile

# Data of a push in bytes; the frame around it has 71 more.
PAYLOAD = 100


def idle_cpu(given, pids, seconds):
    """CPU of processes over a while, in cores and for each session."""
    before, started = cpu_seconds(pids), time.monotonic()
    time.sleep(seconds)
    cores = (cpu_seconds(pids) - before) / (time.monotonic() - started)
    return {"idle_cores": cores, "idle_us_per_s": cores / given.sessions * 1e6}


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


def pushed(phases):
    """Rates and latencies of the kinds of pushes that there were."""
    latency = phases.get("rate", {})
    quantiles = latency.get("latency") or {}
    figures = {
        "batch_per_s": phases.get("batch", {}).get("per_second"),
        "single_per_s": phases.get("single", {}).get("per_second"),
        "latency_p50_ms": quantiles.get("p50_ms"),
        "latency_p99_ms": quantiles.get("p99_ms"),
        "within_200_ms": latency.get("share_within_200_ms"),
    }
    return {key: value for key, value in figures.items() if value is not None}


def push_figures(report):
    """What must be none."""
    pushes = report["pushes"]
    return {
        "missing": abs(pushes["missing"] or 0),
        "refused": sum(pushes["refused"].values()),
        "lost": lost(report),
    }


def add_unicast(figures, name, unicast, spans):
    """Adds what pushes to single users took in these spans of time."""
    meanwhile = unicast.during(spans)
    p99 = quantile(meanwhile, 0.99)
    figures[f"{name}_samples"] = len(meanwhile)
    figures[f"{name}_p99_ms"] = p99 and p99 * 1000
    figures["refused"] += len(unicast.refused)
    figures["missing"] += unicast.missing()
