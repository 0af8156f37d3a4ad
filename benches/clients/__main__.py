"""Compares what the Rust client gets through to clients that are online with one batch by curl, in turns.

    cargo build --release -p holdfast
    cargo build --release -p holdfast-client --features blocking --example through
    python3 -m benches.clients

Both push the same to 1,000 sessions over TCP. What counts is how many a second have arrived, from the
first push to the last arrival. As root it runs in a network namespace of its own.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benches.measured import namespace, tokens
from benches.measured.holdfast import SECRET, TCP, Holdfast

WAYS = ("curl", "client")
SECONDS = 120


def options():
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="benches.clients", description=__doc__.split("\n\n")[0])
    add = parser.add_argument
    add("--binaries", type=Path, default=Path("target/release"))
    add("--rounds", type=int, default=7)
    add("--sessions", type=int, default=1000)
    add("--pushes", type=int, default=500_000)
    add("--no-namespace", action="store_true", help="stay in this network namespace")
    return parser.parse_args()


def measured(given, way, directory):
    """What arrived a second this way, with servers of its own."""
    users = Path(directory) / "tokens"
    users.write_text("".join(tokens.hs256(SECRET, f"u{number}") + "\n" for number in range(given.sessions)))
    through = given.binaries / "examples" / "through"
    with Holdfast(given.binaries / "holdfast", directory) as holdfast:
        holdfast.await_ready()
        command = [through, way, f"127.0.0.1:{TCP}", holdfast.api, SECRET, users, given.pushes,
                   Path(directory) / "batch"]
        run = subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True,
                             timeout=SECONDS)
        holdfast.check()
    found = json.loads(run.stdout)
    if found["arrived"] != given.pushes:
        raise SystemExit(f"{way}: {found['arrived']} of {given.pushes} arrived")
    return given.pushes / found["seconds"]


def main():
    """Every round; then the ratios."""
    given = options()
    namespace.enter(not given.no_namespace)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    print(f"load before: {os.getloadavg()[0]:.1f}, {os.cpu_count()} processors", flush=True)
    rounds = []
    for number in range(given.rounds):
        # Whichever comes first finds another machine than the second.
        order = WAYS if number % 2 == 0 else WAYS[::-1]
        with tempfile.TemporaryDirectory() as directory:
            rounds.append({way: measured(given, way, directory) for way in order})
        shown = ", ".join(f"{way} {rounds[-1][way]:,.0f}/s" for way in WAYS)
        print(f"{number + 1}: {shown}", flush=True)
    ratios = [one["client"] / one["curl"] for one in rounds]
    for way in WAYS:
        rates = [one[way] for one in rounds]
        print(f"{way}: {statistics.median(rates):,.0f}/s ({min(rates):,.0f} to {max(rates):,.0f})")
    print(f"client / curl: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main()
