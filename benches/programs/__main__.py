"""Runs the programs of the reports that Holdfast grew out of, one after another, and writes one
table of what each of them asked of its server.

One gateway with 100 ports, one pusher-api and the load client share the machine. Run from the
repository's root with the release binary built:

    cargo build --release -p holdfast
    python3 -m benches.programs

As root it runs in a network namespace of its own.
"""

import argparse
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

from benches.measured import namespace
from benches.measured.client import Client, lost
from benches.measured.holdfast import Holdfast
from benches.measured.numbers import show
from benches.measured.page import put_into
from benches.measured.readings import resident
from benches.measured.runs import await_sessions, dropped, storm_flags, watching_flags

from . import tcp

PORTS = "8100-8199"


def echo_once(given, holdfast):
    """ntyreactor: 100 ports, every client says something once, gets it back, and idles."""
    target = f"ws://127.0.0.1:{PORTS}/v1/echo"
    flags = ["--target", target, "--no-hello", "--echo-once", "--hold", f"{given.hold}s"]
    before = resident(holdfast.gateways)
    run = Client(given.program, "idle", *flags, sessions=given.sessions)
    await_sessions(holdfast, given.sessions, run)
    time.sleep(given.hold / 2)
    grown = (resident(holdfast.gateways) - before) / given.sessions
    report = run.report()
    return [
        ("sessions that were echoed to, of those asked for", of(report, given)),
        ("opened and echoed to, a second", show(report["sessions"]["per_second"])),
        ("from connect to echo, p99, ms", show(report["sessions"]["connect"]["p99_ms"])),
        ("gateway's memory a session, bytes", show(grown)),
    ]


def greeting_and_news(given, holdfast):
    """gevent: a greeting, a message to all now and then, and others who must still get through."""
    every = given.hold / 3
    flags = ["--hold", f"{given.hold}s", "--probe-rate", 50, "--broadcast-every", f"{every:.0f}s",
             *watching_flags(holdfast)]
    report = Client(given.program, "probe", *flags, sessions=given.sessions).report()
    probes = {it["what"]: it for it in report["probes"] if not it["unavailable"]}
    sent, gone = (sum(it[key] for it in probes.values()) for key in ("sent", "lost"))
    worst = max(it["latency"]["p99_ms"] for it in probes.values())
    share = min(it["share_within_200_ms"] for it in probes.values())
    return [
        ("sessions greeted and held, of those asked for", of(report, given)),
        ("messages received by all of them", show((report["received"] or {}).get("messages", 0))),
        (f"probes ({', '.join(probes)}) sent; lost", f"{sent:,}; {gone}"),
        ("probes within 200 ms, the worst kind's share", f"{share:.2%}"),
        ("probes, the worst kind's p99, ms", show(worst)),
    ]


def mass_disconnect(given, holdfast):
    """340,000 of a million closed at once, while the rest get pushes; then they come back."""
    drop = dropped(given)
    flags = [*storm_flags(given), "--push-rate", 1000, *watching_flags(holdfast)]
    report = Client(given.program, "storm", *flags, sessions=given.sessions).report()
    found, latency = report["storms"][0], report["phases"]["drop"]["latency"]
    return [
        ("closed at once, of those held", f"{drop:,} of {given.sessions:,}"),
        ("gone from the registry after, s", show(found["gone_seconds"])),
        ("pushes to the others meanwhile, p99, ms", show(latency["p99_ms"])),
        ("memory 30 s later / before they came", show(found["gateway_memory_ratio"])),
        ("all back after, s", show(found["reopen_seconds"])),
        ("sessions lost", show(lost(report))),
    ]


def stalled_server(given, holdfast):
    """The accept queue: all connect while the server does not run; what is left afterwards?"""
    gateway, seconds = holdfast.gateways[0], 3
    before = tcp.counter("ListenOverflows")
    os.kill(gateway, signal.SIGSTOP)
    try:
        flags = ["--concurrency", given.sessions, "--hold", f"{given.hold}s", "--connect-timeout", "60s",
                 *holdfast.client_flags()]
        run = Client(given.program, "idle", *flags, sessions=given.sessions)
        time.sleep(seconds)
    finally:
        os.kill(gateway, signal.SIGCONT)
    report = run.report()
    await_sessions(holdfast, 0)
    return [
        (f"sessions opened after {seconds} s of standstill, of those asked for", of(report, given)),
        ("overflows of the accept queue", show(tcp.counter("ListenOverflows") - before)),
        ("sockets left in CLOSE_WAIT", show(tcp.close_wait())),
    ]


PROGRAMS = [echo_once, greeting_and_news, mass_disconnect, stalled_server]


def of(report, given):
    """How many of how many."""
    return f"{report['sessions']['held_to_end']:,} of {given.sessions:,}"


def options():
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="benches.programs", description=__doc__.split("\n\n")[0])
    add = parser.add_argument
    add("--sessions", type=int, default=18_000,
        help="a process may open 20,000 descriptors on many machines [default: 18000]")
    add("--hold", type=int, default=30, help="seconds [default: 30]")
    add("--binaries", type=Path, default=Path("target/release"))
    add("--page", type=Path, help="put the table into this page, between its marks")
    add("--no-namespace", action="store_true", help="stay in this network namespace")
    given = parser.parse_args()
    given.program = given.binaries / "holdfast"
    return given


def measure(given):
    """The lines of the table."""
    lines = ["| Program | What is looked at | Holdfast |", "|---|---|--:|"]
    with tempfile.TemporaryDirectory() as directory:
        flags = ["--listen", f"127.0.0.1:{PORTS}"]
        with Holdfast(given.program, directory, workers=os.cpu_count(), flags=flags) as holdfast:
            holdfast.await_ready()
            for program in PROGRAMS:
                print(program.__doc__, file=sys.stderr)
                await_sessions(holdfast, 0)
                name = program.__doc__
                for what, value in program(given, holdfast):
                    lines.append(f"| {name} | {what} | {value} |")
                    name = ""
    return "\n".join(lines) + "\n"


def main():
    """Measures, prints the table, and puts it where it is wanted."""
    given = options()
    namespace.enter(not given.no_namespace)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    table = measure(given)
    print(table)
    if given.page:
        put_into(given.page, table)


if __name__ == "__main__":
    main()
