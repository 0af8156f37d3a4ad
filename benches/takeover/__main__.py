"""Measures a takeover: sessions go from one gateway process to the next while they are pushed to.

    cargo build --release -p holdfast
    python3 -m benches.takeover

As root it runs in a network namespace of its own. Prints a line for each round; the longest wait of a
message, from its acceptance to its client, bounds the longest pause of any session's pushes.
"""

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

from benches.measured import namespace
from benches.measured.client import Client, lost
from benches.measured.holdfast import Holdfast
from benches.measured.readings import metric, own


def options():
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="benches.takeover", description=__doc__.split("\n\n")[0])
    add = parser.add_argument
    add("--binaries", type=Path, default=Path("target/release"))
    add("--rounds", type=int, default=3)
    add("--sessions", type=int, default=18_000)
    add("--push-rate", type=int, default=5000, help="pushes/s meanwhile [default: 5000]")
    add("--push-for", type=int, default=20, help="seconds [default: 20]")
    add("--workers", type=int, default=2)
    return parser.parse_args()


def take_over(servers, flags):
    """Starts the successor: the seconds until the older one has ended, and its own bytes before and after."""
    older = servers.gateways[0]
    process = next(process for process in servers.started if process.pid == older)
    before, begun = own([older]), time.monotonic()
    servers.gateways[0] = servers.start_gateway(0, *flags)
    code = process.wait(timeout=60)
    took = time.monotonic() - begun
    if code:
        process.log.seek(0)
        raise SystemExit(f"the older gateway ended with {code}: {process.log.read().decode()[-2000:]}")
    servers.started.remove(process)
    # Nothing is left of it, and of its memory.
    is_gone = not Path(f"/proc/{older}").exists()
    return {"took": took, "before": before, "after": own([servers.gateways[0]]), "old_gone": is_gone}


def measured(given):
    """One round."""
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o700)
        flags = ["--workers", given.workers, "--takeover", Path(directory) / "socket"]
        program = given.binaries / "holdfast"
        with Holdfast(program, directory, flags=flags[2:], workers=given.workers) as servers:
            servers.await_ready()
            client = Client(
                program, "push", *servers.push_flags(),
                "--push-rate", given.push_rate, "--push-for", f"{given.push_for}s", "--hold", "2s",
                sessions=given.sessions,
            )
            servers.wait_for(lambda: servers.sessions() >= given.sessions, "sessions", 180, client)
            accepted = servers.accepted()
            servers.wait_for(lambda: servers.accepted() > accepted + given.push_rate, "pushes", 60, client)
            time.sleep(3)
            found = take_over(servers, flags)
            servers.await_ready()
            served = metric(f"{servers.operators(0)}/metrics", "holdfast_takeover_seconds")
            moved = metric(f"{servers.operators(0)}/metrics", "holdfast_takeover_sessions")
            report = client.report()
    return found | {"still": served, "moved": moved, "disconnected": lost(report),
                    "received": report["received"], "pushes": report["pushes"]}


def main():
    """Every round."""
    given = options()
    namespace.enter()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    for number in range(given.rounds):
        print(json.dumps({"round": number + 1} | measured(given)), flush=True)


if __name__ == "__main__":
    main()
