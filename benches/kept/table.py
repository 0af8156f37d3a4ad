"""The table: each figure, its range, and the bar that it is held against."""

from benches.measured.numbers import ends, middle, spread

# What it is, part, figure, the bar, and whether more is better; without a bar the figure is only named.
ROWS = [
    ("Kept pushes to random online users by batches, stored and received, a second",
     "batch", "per_s", 20_000, True),
    ("The same, each client acknowledging what it gets", "acknowledged", "per_s", 12_000, True),
    ("The same as the first, over two pusher-apis that share the file", "shared", "per_s", None, True),
    ("Single `POST /v1/push` that is kept a second, 64 connections", "single", "per_s", None, True),
    ("The same for each fdatasync and connection: what 64 would do that share each one is 1",
     "single", "per_sync", 0.35, True),
    ("fdatasync of an appended page in that run, a second", "single", "sync_per_s", None, True),
    ("Latency at 2,000 kept pushes a second, p50, ms", "latency", "p50_ms", None, False),
    ("The same in medians of fdatasync", "latency", "p50_syncs", 2.5, False),
    ("Latency at 2,000 kept pushes a second, p99, ms", "latency", "p99_ms", None, False),
    ("The same in medians of fdatasync", "latency", "p99_syncs", 5, False),
    ("fdatasync of an appended page in that run, median, ms", "latency", "sync_ms", None, False),
    ("10,000 users come back, 20 messages wait for each: all have all after, s",
     "replay", "seconds", 5, False),
    ("Memory of a gateway per idle WebSocket, bytes", "memory", "own_now", None, False),
    ("More than the build before", "memory", "more", 16, False),
    ("The same with a store, where sessions begin in their logs", "memory", "own_store", None, False),
    ("Bytes on disk per message of 100 bytes, 18,000 users with 10 each", "disk", "bytes", 400, False),
    ("The same once pusher-api has ended", "disk", "bytes_closed", 400, False),
    ("The same of a million", "disk", "bytes_many_closed", None, False),
    ("pusher-api starts with a million kept: ready after, s", "disk", "start_s", 2, False),
    ("The same after it was killed", "disk", "start_killed_s", 2, False),
]


def markdown(rounds):
    """The table of these rounds, each the figures of parts by name."""
    lines = ["| Figure | Median | Range | Goal | |", "|---|--:|--:|--:|---|"]
    for what, part, figure, bar, more in ROWS:
        values = spread([found.get(part, {}).get(figure) for found in rounds])
        if not values:
            continue
        goal = f"{'≥' if more else '≤'} {bar:,}" if bar is not None else ""
        holds = bar is None or (values["median"] >= bar if more else values["median"] <= bar)
        verdict = "" if bar is None else "yes" if holds else "**no**"
        lines.append(f"| {what} | {middle(values)} | {ends(values)} | {goal} | {verdict} |")
    return "\n".join(lines) + "\n"


def wrong(rounds):
    """Pushes missing or refused, which must be none."""
    return sum(figures.get(name, 0) for found in rounds for figures in found.values()
               for name in ("missing", "refused", "lost"))
