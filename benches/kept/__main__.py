"""Measures what kept pushes cost, against the disk's own fdatasync where it depends on that.

    cargo build --release -p holdfast
    python3 -m benches.kept

Needs wrk. As root it runs in a network namespace of its own. What each part found is appended to the file of
--out at once, a line of JSON.
"""

import argparse
import json
import signal
import sys
import time
from pathlib import Path

from benches.measured import namespace
from benches.measured.page import put_into

from . import disk, left, parts, table

PARTS = {
    "batch": parts.flat_out,
    "acknowledged": parts.acknowledged,
    "shared": parts.shared,
    "single": parts.single,
    "latency": parts.latency,
    "replay": parts.replay,
    "memory": left.memory,
    "disk": left.on_disk,
}


def options():
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="benches.kept", description=__doc__.split("\n\n")[0])
    add = parser.add_argument
    add("--binaries", type=Path, default=Path("target/release"))
    add("--before", type=Path, metavar="DIRECTORY", help="of another build's binary, for the memory of both")
    add("--only", action="append", choices=list(PARTS), metavar="PART",
        help=f"only this part (repeatable): {', '.join(PARTS)}")
    add("--rounds", type=int, default=3)
    add("--sessions", type=int, default=18_000)
    add("--pushes", type=int, default=300_000, help="pushes of a flat-out part [default: 300000]")
    add("--push-rate", type=int, default=2000, help="pushes/s of the latency part [default: 2000]")
    add("--returning", type=int, default=10_000, help="users that come back [default: 10000]")
    add("--missed", type=int, default=20, help="messages that wait for each [default: 20]")
    add("--kept", type=int, default=1_000_000, help="messages kept at a start [default: 1000000]")
    add("--directory", type=Path, default=Path("target/bench"),
        help="a disk's, where the stores are put and taken away again [default: target/bench]")
    add("--page", type=Path, help="the page of the documentation that the table is put into")
    add("--out", type=Path, default=Path("target/bench/kept.jsonl"))
    given = parser.parse_args()
    given.program = given.binaries / "holdfast"
    return given


def measured(given, number, part):
    """What one part found, kept at once."""
    found = PARTS[part](given)
    shown = ", ".join(f"{key} {value:,.3g}" if value < 1000 else f"{key} {value:,.0f}"
                      for key, value in found.items())
    print(f"{number + 1}: {part}: {shown}", file=sys.stderr, flush=True)
    line = {"at": time.strftime("%Y-%m-%dT%H:%M:%S"), "part": part, "sessions": given.sessions} | found
    with given.out.open("a") as file:
        file.write(json.dumps(line) + "\n")
    return found


def main():
    """Every round; then the table."""
    given = options()
    namespace.enter()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    given.directory.mkdir(parents=True, exist_ok=True)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    disk.refuse_memory(given.directory)
    rounds = [{part: measured(given, number, part) for part in given.only or PARTS}
              for number in range(given.rounds)]
    text = table.markdown(rounds)
    print(text)
    if given.page:
        put_into(given.page, text)
    wrong = table.wrong(rounds)
    print(f"Pushes missing or refused, sessions lost, in all rounds: {wrong:.0f}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
