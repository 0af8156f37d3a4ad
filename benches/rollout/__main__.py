"""A rollout of a whole cluster: gateways are restarted one after another under the load client's sessions,
which come back to the others as a load balancer sends them; and sessions that come back for their age.

    cargo build --release -p holdfast
    python3 -m benches.rollout

How many come back in each second, against an even spread; how long pushes take to sessions at gateways that
are not restarted meanwhile; and whether anybody was cut off.
"""

import argparse
import contextlib
import json
import math
import sys
import tempfile
import time
from pathlib import Path

from benches.measured import namespace
from benches.measured.client import Client
from benches.measured.holdfast import Holdfast
from benches.measured.page import put_into
from benches.measured.processes import answers
from benches.measured.readings import metric
from benches.measured.unicast import Unicast, quantile

# The longest pause that a client is told, and a moment: before it not everybody comes back who was asked
# first, and behind it who was asked last.
LONGEST_PAUSE = 5.5


def options():
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="benches.rollout", description=__doc__.split("\n\n")[0])
    add = parser.add_argument
    add("--binaries", type=Path, default=Path("target/release"))
    add("--gateways", type=int, default=4, help="[default: 4]")
    add("--sessions", type=int, default=40_000, help="of all gateways [default: 40000]")
    add("--drain", type=int, default=30, help="seconds over which a gateway drains [default: 30]")
    add("--age", type=int, default=60, help="seconds of --max-session-age [default: 60]")
    add("--only", choices=["restarts", "age"], help="one of the two")
    add("--page", type=Path, help="page to put the table into")
    add("--out", type=Path, default=Path("target/bench/rollout.json"))
    return parser.parse_args()


@contextlib.contextmanager
def crowd(given, holdfast):
    """The sessions, which are opened from now on and come back whenever they are asked to."""
    # Those whom --handshake-rate refuses try again.
    flags = ["--return", "--hold", "1h", "--retry", 1000, "--user-prefix", "r", *holdfast.client_flags()]
    client = Client(holdfast.program, "idle", *flags, sessions=given.sessions)
    try:
        yield client
    finally:
        client.process.kill()


def returns(client):
    """Ends the crowd: how many came back in each second since 1970, and how many were cut off."""
    report = client.report(stop=True)
    counts = report["record"]["tally"]["recalls"]["returned"]["per_second"]
    counts = {int(second): count for second, count in counts.items()}
    return counts, report["recalls"]["lost_without_a_word"] if report["recalls"] else 0


def per_second(counts, start, end):
    """How many came back in each whole second of a span."""
    seconds = range(math.ceil(start), max(math.floor(end), math.ceil(start) + 1))
    return [counts.get(second, 0) for second in seconds]


def figures(counts, even, latencies):
    """What is told of a span in which so many a second should come back."""
    return {
        "even": even,
        "least": min(counts),
        "most": max(counts),
        "off": max(abs(count - even) for count in counts) / even,
        "p50": quantile(latencies, 0.5),
        "p99": quantile(latencies, 0.99),
        "longest": latencies[-1] if latencies else None,
    }


def await_crowd(holdfast, given, patience=300):
    """Waits until all sessions are there."""
    def there():
        return holdfast.sessions() >= given.sessions

    holdfast.wait_for(there, f"{given.sessions} sessions", patience, every=0.5)


def restarts(given, directory):
    """Restarts every gateway, one after another."""
    flags = ["--drain", f"{given.drain}s", "--handshake-rate", 2000]
    with Holdfast(given.binaries / "holdfast", directory, given.gateways, flags=flags) as holdfast:
        holdfast.await_ready()
        with crowd(given, holdfast) as client:
            await_crowd(holdfast, given)
            steps = [restart(given, holdfast, number, flags) for number in range(given.gateways)]
            came_back, lost = returns(client)
    rows = []
    for step in steps:
        start, end = step["start"] + LONGEST_PAUSE, step["start"] + given.drain
        counts = per_second(came_back, start, end)
        rows.append(figures(counts, step["sessions"] / given.drain, step["latencies"]) | {
            "what": f"restart of gateway {step['gateway'] + 1}, {step['sessions']:,} sessions",
            "missing": step["missing"],
        })
    return rows, lost


def restart(given, holdfast, number, flags):
    """Restarts one; what was seen meanwhile."""
    sessions = int(sum(metrics_of(holdfast, number)))
    others = [other for other in range(given.gateways) if other != number]
    print(f"restarting gateway {number + 1}, {sessions} sessions", file=sys.stderr)
    with Unicast(others) as witness:
        time.sleep(2)
        start = time.time()
        holdfast.stop(holdfast.gateways[number])
        end = time.time()
        holdfast.gateways[number] = holdfast.start_gateway(number, "--workers", 1, *flags)
        url = f"{holdfast.operators(number)}/healthz"
        holdfast.wait_for(lambda: answers(url), url)
        await_crowd(holdfast, given)
        time.sleep(2)
    return {
        "gateway": number, "sessions": sessions, "start": start, "end": end,
        "latencies": witness.during([(start, end + LONGEST_PAUSE)]), "missing": witness.missing(),
    }


def metrics_of(holdfast, number):
    """The sessions that a gateway says it holds."""
    return metric(f"{holdfast.operators(number)}/metrics", "holdfast_sessions")


def ages(given, directory):
    """Holds sessions that come together for as long as they may last."""
    flags = ["--max-session-age", f"{given.age}s", "--handshake-rate", 2000]
    with Holdfast(given.binaries / "holdfast", directory, given.gateways, flags=flags) as holdfast:
        holdfast.await_ready()
        # Those that came first have reached their age before the last one has come, on a slow machine.
        begun = time.time()
        with crowd(given, holdfast) as client:
            await_crowd(holdfast, given, given.age / 2)
            took = time.time() - begun
            print(f"all are there after {took:.1f} s", file=sys.stderr)
            start, end = begun + given.age / 2 + took + LONGEST_PAUSE, begun + given.age
            # So late that none of its own sessions is asked to go before the end.
            time.sleep(max(0.0, start - 2 - time.time()))
            with Unicast(given.gateways) as witness:
                time.sleep(max(0.0, end - time.time()))
            came_back, lost = returns(client)
    counts = per_second(came_back, start, end)
    row = figures(counts, given.sessions / (given.age / 2), witness.during([(start, end)]))
    row |= {"what": f"--max-session-age {given.age}s, {given.sessions:,} sessions",
            "missing": witness.missing()}
    return [row], lost


def table(rows, lost):
    """The table in Markdown."""
    def millis(seconds):
        return "" if seconds is None else f"{seconds * 1000:.1f}"

    lines = ["| | even, a second | came back, a second | off by at most | p50, p99, longest, ms |",
             "|---|--:|--:|--:|--:|"]
    for row in rows:
        latencies = ", ".join(millis(row[name]) for name in ("p50", "p99", "longest"))
        lines.append(f"| {row['what']} | {row['even']:,.0f} | {row['least']:,}–{row['most']:,} "
                     f"| {row['off']:.0%} | {latencies} |")
    missing = sum(row["missing"] for row in rows)
    rest = f"Sessions cut off without a word: {lost}; pushes to others lost: {missing}."
    return "\n".join([*lines, "", rest, ""])


def main():
    """Measures, and prints the table."""
    given = options()
    namespace.enter()
    given.out.parent.mkdir(parents=True, exist_ok=True)
    rows, lost = [], 0
    for name, part in [("restarts", restarts), ("age", ages)]:
        if given.only in (None, name):
            with tempfile.TemporaryDirectory() as directory:
                found, cut = part(given, directory)
            rows, lost = rows + found, lost + cut
            given.out.write_text(json.dumps({"rows": rows, "lost": lost}, indent=1) + "\n")
    text = table(rows, lost)
    print(text)
    if given.page:
        put_into(given.page, text)


if __name__ == "__main__":
    main()
