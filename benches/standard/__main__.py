"""Measures Holdfast against the floor, on this machine, and writes one table.

Gateways of under 20,000 sessions each behind one pusher-api hold the sessions, then as many floors
do, and the same load client measures both, several rounds long. Run from the repository's root,
with the release binaries built:

    cargo build --release -p holdfast -p floor
    python3 -m benches.standard

As root it runs in a network namespace of its own.
"""

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from benches.measured import namespace
from benches.measured.floors import Floors
from benches.measured.holdfast import Holdfast

from . import floor_runs, holdfast_runs, table

# A process may open 20,000 descriptors on many machines; some are not sessions.
PER_GATEWAY = 18_000
RUNS = [*holdfast_runs.PHASES, *holdfast_runs.SCENARIOS]


def options():
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="benches.standard", description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--sessions", type=int, default=20_000)
    add("--gateways", type=int, help="and floors [default: as many as sessions need]")
    add("--workers", type=int, default=1, help="threads of each gateway [default: 1]")
    add("--repeat", type=int, default=3, help="rounds; medians are of so many [default: 3]")
    add("--hold", type=int, default=60, help="seconds that idle sessions are held [default: 60]")
    add("--pushes", type=int, default=500_000, help="pushes of a flat-out run [default: 500000]")
    add("--push-rate", type=int, default=5000, help="pushes/s of the latency run [default: 5000]")
    add("--storm-push-rate", type=int, default=1000,
        help="pushes/s to those that a storm leaves alone [default: 1000]")
    add("--broadcasts", type=int, default=5, help="broadcasts of a run [default: 5]")
    add("--only", action="append", choices=RUNS, metavar="RUN",
        help=f"only this run (repeatable): {', '.join(RUNS)}")
    add("--measure-stalls", action="store_true",
        help="let each worker look how long it is busy without a break; that takes CPU itself")
    add("--no-floor", action="store_true", help="measure Holdfast alone")
    add("--binaries", type=Path, default=Path("target/release"))
    add("--client", type=Path, metavar="PROGRAM",
        help="the holdfast that is the load client [default: the one that is measured]")
    add("--out", type=Path, default=Path("target/bench"),
        help="directory for the table and the JSON file, named by commit and sessions")
    add("--no-namespace", action="store_true", help="stay in this network namespace")
    given = parser.parse_args()
    given.gateways = given.gateways or -(-given.sessions // PER_GATEWAY)
    given.program = given.binaries / "holdfast"
    given.client = given.client or given.program
    return given


def measure(given, servers, module, hold):
    """One round with one kind of server."""
    figures = {}
    with servers:
        servers.await_ready()
        names = [name for name in given.only if name in holdfast_runs.PHASES]
        if names:
            print(f"  {', '.join(names)}", file=sys.stderr)
            table.add(figures, module.together(given, servers, names, hold))
        for name in given.only:
            if name in module.SCENARIOS:
                print(f"  {name}", file=sys.stderr)
                table.add(figures, module.SCENARIOS[name](given, servers, hold))
    shown = {key: value and round(value, 3) for key, value in figures.items()}
    print(f"  {shown}", file=sys.stderr)
    return figures


def rounds(given, directory):
    """All rounds; the first holds for long, the others for a minute at most."""
    for number in range(given.repeat):
        hold = given.hold if number == 0 else min(given.hold, 60)
        print(f"round {number + 1} of {given.repeat}: Holdfast", file=sys.stderr)
        flags = ["--measure-stalls"] if given.measure_stalls else []
        servers = Holdfast(given.program, directory, given.gateways, given.workers, flags)
        found = {"holdfast": measure(given, servers, holdfast_runs, hold), "floor": {}}
        if not given.no_floor:
            print(f"round {number + 1} of {given.repeat}: floor", file=sys.stderr)
            floors = Floors(given.binaries / "floor", directory, given.gateways)
            found["floor"] = measure(given, floors, floor_runs, hold)
        yield found


def commit():
    """The commit that is measured, marked where files differ from it."""
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=9", "--exclude=*"],
        capture_output=True, text=True, check=False,
    )
    return described.stdout.strip() or "unknown"


def heading(given, name):
    """What was measured where."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{given.sessions:,} sessions; gateways: {given.gateways}, workers of each:"
        f" {given.workers}; commit {name}; {os.cpu_count()} cores, {memory:.0f} GiB,"
        f" {platform.system()} {platform.release()}; medians of {given.repeat}.\n"
    )


def main():
    """Measures, and writes what was found after each round."""
    given = options()
    namespace.enter(not given.no_namespace)
    given.only = given.only or RUNS
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    name = commit()
    given.out.mkdir(parents=True, exist_ok=True)
    file = given.out / f"{name}-{given.sessions}"
    done = []
    with tempfile.TemporaryDirectory() as directory:
        for found in rounds(given, directory):
            done.append(found)
            rows = table.summary(done, rate=f"{given.push_rate:,}")
            text = heading(given, name) + "\n" + table.markdown(rows)
            report = {"commit": name, "command": sys.argv[1:], "figures": rows, "rounds": done}
            file.with_suffix(".md").write_text(text)
            file.with_suffix(".json").write_text(json.dumps(report, indent=2) + "\n")
    print(text)
    print(f"written to {file}.md and {file}.json", file=sys.stderr)
    if any(found["holdfast"].get("missing") for found in done):
        sys.exit("messages are missing")


if __name__ == "__main__":
    main()
