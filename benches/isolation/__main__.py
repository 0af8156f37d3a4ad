"""What one part costs the others: singles beside batches, health beside fan-outs, newcomers beside a
silent pusher-api, and how much work waits when a thousand broadcasts are asked for at once.

    cargo build --release -p holdfast
    python3 -m benches.isolation

With `--before DIRECTORY` (of another build's binary) both are measured in turns.
"""

import argparse
import json
import statistics
import sys
from pathlib import Path

from benches.measured import namespace

from .parts import PARTS


def options():
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="benches.isolation", description=__doc__.split("\n\n")[0])
    add = parser.add_argument
    add("--binaries", type=Path, default=Path("target/release"))
    add("--before", type=Path, metavar="DIRECTORY", help="of another build's binary")
    add("--client", type=Path, help="the load client of both [default: the one of --binaries]")
    add("--only", action="append", choices=list(PARTS), help="(repeatable)")
    add("--rounds", type=int, default=3)
    add("--subscribers", type=int, default=100_000, help="of the topic [default: 100000]")
    add("--gateways", type=int, default=6, help="that hold them [default: 6]")
    add("--fan-outs", type=int, default=7, help="messages to them of each kind [default: 7]")
    add("--sessions", type=int, default=5_000, help="that get the broadcasts [default: 5000]")
    add("--broadcasts", type=int, default=1000, help="asked for at once [default: 1000]")
    add("--out", type=Path, default=Path("target/bench/isolation.json"))
    given = parser.parse_args()
    given.client = given.client or given.binaries / "holdfast"
    return given


def shown(values):
    """The median of numbers, or what there was."""
    if isinstance(values[0], list):
        return " ".join(str(value) for value in values[0])
    return f"{statistics.median(values):,.3g}" if statistics.median(values) < 100 else \
        f"{statistics.median(values):,.0f}"


def main():
    """Measures, and prints the table."""
    given = options()
    namespace.enter()
    builds = {"before": given.before, "now": given.binaries} if given.before else {"now": given.binaries}
    rounds = []
    given.out.parent.mkdir(parents=True, exist_ok=True)
    for number in range(given.rounds):
        rounds.append({})
        for part in given.only or PARTS:
            for name, binaries in builds.items():
                found = PARTS[part](given, binaries)
                print(f"round {number + 1} of {given.rounds}: {part}, {name}: {found}", file=sys.stderr)
                rounds[-1].setdefault(name, {})[part] = found
                given.out.write_text(json.dumps(rounds, indent=1) + "\n")
    print(f"| | {' | '.join(builds)} |")
    print("|---|" + "--:|" * len(builds))
    for part in given.only or PARTS:
        for figure in rounds[0]["now"][part]:
            cells = [shown([found[name][part][figure] for found in rounds]) for name in builds]
            print(f"| {part}, {figure} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
