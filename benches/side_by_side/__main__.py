"""Measures Holdfast, nchan and nats-server one after another, and writes one table.

Each server may use both cores, holds the same sessions and delivers frames of the same size. Needs
Debian's nginx, libnginx-mod-nchan, nats-server and wrk, and `cargo build --release -p holdfast`.
Run from the repository's root: `python3 -m benches.side_by_side`. As root it runs in a network
namespace of its own.
"""

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from benches.measured import namespace
from benches.measured.numbers import ends, middle, spread
from benches.measured.page import put_into

from . import holdfast, nats, nchan

SERVERS = {"Holdfast": holdfast, "nchan": nchan, "nats-server": nats}
NEEDED = {"nchan": ["nginx", "wrk"], "nats-server": ["nats-server"], "Holdfast": ["wrk"]}
LESS, MORE = min, max
# What is measured, and whether less or more of it is better.
ROWS = [
    ("Memory of the server per idle session, bytes", "memory", LESS),
    ("of that, pusher-api's", "pusher_api_memory", None),
    ("Idle CPU with pings every 25 s, µs per second and session", "idle_us", LESS),
    ("Handshakes per s", "handshakes", MORE),
    ("Pushes per s, a POST each, 64 connections", "single", MORE),
    ("Pushes per s, streamed without an answer each", "streamed", MORE),
    ("Broadcast, first to last client, s", "broadcast", LESS),
    ("Sessions lost", "lost", LESS),
    ("Pushes missing", "missing", LESS),
    ("Clients that a broadcast did not reach", "unreached", LESS),
]


def options():
    """What the command line says."""
    description = __doc__.splitlines()[0]
    parser = argparse.ArgumentParser(prog="benches.side_by_side", description=description)
    add = parser.add_argument
    add("--sessions", type=int, default=18_000,
        help="of each server; a process may open 20,000 descriptors on many machines")
    add("--repeat", type=int, default=3, help="medians are of so many [default: 3]")
    add("--idle", type=int, default=50, help="seconds of idle CPU [default: 50, two pings]")
    add("--seconds", type=int, default=10, help="of single pushes [default: 10]")
    add("--pushes", type=int, default=300_000, help="streamed pushes [default: 300000]")
    add("--broadcasts", type=int, default=5, help="[default: 5]")
    add("--only", action="append", choices=list(SERVERS), metavar="SERVER",
        help=f"only this one (repeatable): {', '.join(SERVERS)}")
    add("--binaries", type=Path, default=Path("target/release"))
    add("--out", type=Path, default=Path("target/bench/side-by-side.json"))
    add("--page", type=Path, help="put the table into this page, between its marks")
    add("--no-namespace", action="store_true", help="stay in this network namespace")
    given = parser.parse_args()
    given.only = given.only or list(SERVERS)
    given.program = given.binaries / "holdfast"
    # Long enough for a broadcast to have reached everybody.
    given.pause = lambda: time.sleep(3)
    return given


def check_programs(given):
    """Names what is not installed."""
    needed = {program for name in given.only for program in NEEDED[name]}
    missing = sorted(program for program in needed if not shutil.which(program))
    if missing:
        sys.exit(f"not installed: {', '.join(missing)} (Debian: nginx, libnginx-mod-nchan, "
                 "nats-server, wrk)")


def measure(given, name):
    """One server's figures of one round."""
    module = SERVERS[name]
    with tempfile.TemporaryDirectory() as directory, module.Server(given, directory) as server:
        server.await_ready()
        return module.measure(given, server)


def markdown(given, found):
    """The table: a column per server."""
    lines = [f"| Figure | {' | '.join(given.only)} |", f"|---|{'--:|' * len(given.only)}"]
    behind = []
    for title, key, better in ROWS:
        columns = {name: spread([run.get(key) for run in found[name]]) for name in given.only}
        cells = [cell(values) for values in columns.values()]
        lines.append(f"| {title} | {' | '.join(cells)} |")
        medians = {name: values["median"] for name, values in columns.items() if values}
        if better and "Holdfast" in medians and better(medians.values()) != medians["Holdfast"]:
            best = better(medians, key=medians.get)
            behind.append(f"{title} (best: {best})")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    note = (f"{given.sessions:,} sessions, {os.cpu_count()} cores, {memory:.0f} GiB, "
            f"Linux {os.uname().release}; median of {given.repeat}, range in brackets.")
    losses = "".join(f"- {row}\n" for row in behind) or "- nowhere in this run\n"
    return "\n".join(lines) + f"\n\n{note}\n\nWhere Holdfast is behind:\n\n{losses}"


def cell(values):
    """Median and range; a dash where a server has no such thing."""
    if not values:
        return "–"
    return f"{middle(values)} ({ends(values)})" if ends(values) else middle(values)


def main():
    """Measures, and writes the table."""
    given = options()
    check_programs(given)
    namespace.enter(not given.no_namespace)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    found = {name: [] for name in given.only}
    for number in range(given.repeat):
        for name in given.only:
            print(f"round {number + 1} of {given.repeat}: {name}", file=sys.stderr)
            found[name].append(measure(given, name))
            print(f"  {found[name][-1]}", file=sys.stderr)
    table = markdown(given, found)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(found, indent=2) + "\n")
    if given.page:
        put_into(given.page, table)
    print(table)


if __name__ == "__main__":
    main()
