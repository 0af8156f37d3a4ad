"""Compares how many pushes a second sessions of each transport receive, with one build, in turns.

    cargo build --release -p holdfast
    python3 -m benches.transports

What counts is the median of the rounds' ratios to WebSockets. As root it runs in a network namespace of its
own.
"""

import argparse
import signal
import statistics
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

from benches.measured import namespace
from benches.measured.holdfast import Holdfast
from benches.standard.holdfast_runs import together

# The first is what the others are compared with; none is the one of `Holdfast` itself.
PATHS = {"websocket": None, "sse": "/v1/sse", "poll": "/v1/poll"}
KINDS = {"batch": "batch_per_s", "single": "single_per_s"}


def options():
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="benches.transports", description=__doc__.split("\n\n")[0])
    add = parser.add_argument
    add("--binaries", type=Path, default=Path("target/release"))
    add("--rounds", type=int, default=7)
    add("--sessions", type=int, default=10_000)
    add("--pushes", type=int, default=300_000, help="pushes of a batch; a quarter one by one")
    add("--no-namespace", action="store_true", help="stay in this network namespace")
    return parser.parse_args()


def measured(given, path):
    """Pushes a second to sessions at this path, and what went wrong, which must be nothing."""
    program = given.binaries / "holdfast"
    what = SimpleNamespace(sessions=given.sessions, pushes=given.pushes, client=program, hold=0)
    with tempfile.TemporaryDirectory() as directory, Holdfast(program, directory) as holdfast:
        holdfast.await_ready()
        holdfast.target = holdfast.over(path) if path else holdfast.target
        return together(what, holdfast, list(KINDS), 0)


def main():
    """Every round; then the medians."""
    given = options()
    namespace.enter(not given.no_namespace)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    rounds = []
    for number in range(given.rounds):
        rounds.append({name: measured(given, path) for name, path in PATHS.items()})
        for name, figures in rounds[-1].items():
            shown = ", ".join(f"{kind} {figures[key]:,.0f}/s" for kind, key in KINDS.items())
            print(f"{number + 1}: {name}: {shown}, missing {figures['missing']}", flush=True)
    for name in list(PATHS)[1:]:
        for kind, key in KINDS.items():
            ratios = [one[name][key] / one["websocket"][key] for one in rounds]
            spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
            print(f"{name}, {kind}: {statistics.median(ratios):.2f} of WebSockets ({spread})")


if __name__ == "__main__":
    main()
