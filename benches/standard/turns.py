"""Two builds in turns, on one machine: does a change cost anything?

Each round measures the build before and the one after, one directly behind the other, so that both
meet the machine in the same mood, with one load client for both; what counts is the median of the
rounds' ratios. Where the middle half of them includes 1, the builds are equal as far as this machine
can tell.

    git worktree add ../before COMMIT
    cargo build --release -p holdfast            # there and here
    python3 -m benches.standard.turns ../before/target/release target/release
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

# What is compared, and whether more of it is better.
FIGURES = {
    "gateway_bytes": False,
    "gateway_own_bytes": False,
    "pusher_api_bytes": False,
    "slab_bytes": False,
    "handshakes_per_s": True,
    "batch_per_s": True,
    "single_per_s": True,
    "broadcast_s": False,
}
RUNS = ["idle", "batch", "single", "broadcast"]
MISSED, REFUSED = "missing", "refused"


def options():
    """What the command line says."""
    parser = argparse.ArgumentParser(
        prog="benches.standard.turns", description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("before", type=Path, help="directory with the release binary of the build before")
    add("after", type=Path, help="the same of the build after")
    add("--client", type=Path, metavar="PROGRAM",
        help="the holdfast that is the load client of both [default: the build before's]")
    add("--rounds", type=int, default=7)
    add("--sessions", type=int, default=18_000)
    add("--pushes", type=int, default=300_000, help="pushes of a flat-out run [default: 300000]")
    add("--broadcasts", type=int, default=40, help="of which the median counts [default: 40]")
    add("--only", action="append", choices=RUNS, metavar="RUN",
        help=f"only this run (repeatable): {', '.join(RUNS)}")
    add("--out", type=Path, default=Path("target/bench/turns.json"), help="where all rounds are kept")
    given = parser.parse_args()
    given.only = given.only or RUNS
    return given


def measured(given, binaries):
    """The figures of one build in one round."""
    with tempfile.TemporaryDirectory() as directory:
        flags = [flag for run in given.only for flag in ("--only", run)]
        subprocess.run(
            [sys.executable, "-m", "benches.standard", "--binaries", binaries,
             "--client", given.client or given.before / "holdfast", "--out", directory,
             "--sessions", str(given.sessions), "--pushes", str(given.pushes),
             "--broadcasts", str(given.broadcasts), "--hold", "1",
             "--repeat", "1", "--no-floor", *flags],
            check=True, stdout=subprocess.DEVNULL,
        )
        [report] = Path(directory).glob("*.json")
        [found] = json.loads(report.read_text())["rounds"]
        return found["holdfast"]


def advantage(key, before, after):
    """The ratio of a figure, above 1 where the build after does better."""
    return after[key] / before[key] if FIGURES[key] else before[key] / after[key]


def row(key, rounds):
    """A line of the table: both medians, and the ratios' median and middle half."""
    ratios = [advantage(key, before, after) for before, after in rounds]
    middles = [statistics.median(build[key] for build in builds) for builds in zip(*rounds, strict=True)]
    low, _, high = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
    verdict = "equal" if low <= 1 <= high else ("better" if low > 1 else "worse")
    shown = " | ".join(f"{middle:,.3g}" if middle < 100 else f"{middle:,.0f}" for middle in middles)
    return f"| {key} | {shown} | {statistics.median(ratios):.3f} | {low:.3f}-{high:.3f} | {verdict} |"


def main():
    """Measures in turns and prints the table; the order changes from round to round."""
    given = options()
    rounds = []
    given.out.parent.mkdir(parents=True, exist_ok=True)
    for number in range(given.rounds):
        builds = [("before", given.before), ("after", given.after)]
        found = {}
        for name, binaries in builds if number % 2 == 0 else reversed(builds):
            print(f"round {number + 1} of {given.rounds}: {name}", file=sys.stderr)
            found[name] = measured(given, binaries)
        rounds.append((found["before"], found["after"]))
        given.out.write_text(json.dumps(rounds, indent=2) + "\n")
    print("| Figure | before | after | after / before, 1 and more is better | middle half | |")
    print("|---|--:|--:|--:|--:|---|")
    for key in FIGURES:
        if all(key in build for pair in rounds for build in pair):
            print(row(key, rounds))
    wrong = sum(build.get(key) or 0 for pair in rounds for build in pair for key in (MISSED, REFUSED))
    print(f"\nPushes missing or refused in all rounds: {wrong:.0f}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
