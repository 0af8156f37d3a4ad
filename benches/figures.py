#!/usr/bin/env python3
"""Measures Holdfast against the floor, on this machine, and prints a table.

Six gateways behind one pusher-api hold the sessions, then six floors do, and the same load client
measures both: memory per session, handshakes, pushes, broadcasts, latency, idle CPU. A ratio is
what share of the floor's figure is reached. Needs the release binaries:

    cargo build --release -p holdfast -p floor && benches/figures.py

As root it runs in a network namespace of its own, because a machine with containers tracks every
connection of the shared loopback (conntrack), and that is slow and limited.
"""

import argparse
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SOURCES = "127.0.0.2-127.0.0.33"
# A push of 100 bytes of data is a frame of this size.
PAYLOAD, FRAME = 100, 171
CLIENTS, OPERATORS, TCP, API = 8100, 8200, 8300, 8090
FLOORS, CONTROLS = 9000, 9100
SECRET = "only-for-figures-0123456789abcdef"
TICKS = os.sysconf("SC_CLK_TCK")


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=100_000)
    parser.add_argument("--servers", type=int, default=6, help="gateways, and floors")
    parser.add_argument("--workers", type=int, default=1,
                        help="threads of each gateway; six gateways share two cores here")
    parser.add_argument("--runs", type=int, default=3, help="medians are of so many")
    parser.add_argument("--idle", type=int, default=60, help="seconds of idle CPU measured")
    parser.add_argument("--pushes", type=int, default=500_000, help="pushes per flat-out measurement")
    parser.add_argument("--broadcasts", type=int, default=3)
    parser.add_argument("--binaries", type=Path, default=Path("target/release"))
    parser.add_argument("--client", type=Path, help="the load client [default: holdfast]")
    parser.add_argument("--only", choices=["holdfast", "floor"])
    parser.add_argument("--json", type=Path, help="write every run's figures there")
    parser.add_argument("--no-namespace", action="store_true")
    return parser.parse_args()


def enter_namespace(wanted):
    """Starts this script again in a fresh network namespace, once."""
    if not wanted or os.geteuid() != 0:
        return
    if os.environ.get("FIGURES_NAMESPACE"):
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        return
    os.environ["FIGURES_NAMESPACE"] = "1"
    os.execvp("unshare", ["unshare", "-n", sys.executable, *sys.argv])


class Servers:
    """Processes that end with the `with` block."""

    def __init__(self):
        self.processes = []

    def __enter__(self):
        return self

    def start(self, *command):
        log = tempfile.TemporaryFile()
        process = subprocess.Popen(list(map(str, command)), stdout=log, stderr=log)
        process.log = log
        self.processes.append(process)
        return process.pid

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.wait()
            process.log.close()

    def check(self):
        for process in self.processes:
            if process.poll() is not None:
                process.log.seek(0)
                text = process.log.read().decode(errors="replace")
                raise SystemExit(f"{' '.join(process.args)} ended:\n{text[-2000:]}")


def wait_for(ready, servers, what, seconds=60, client=None):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        servers.check()
        if client and client.process.poll() is not None:
            client.report()
            raise SystemExit("the client ended before its time")
        try:
            if ready():
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise SystemExit(f"{what}: not within {seconds} s")


def answers(url):
    with urllib.request.urlopen(url, timeout=2) as response:
        return response.status == 200


def resident(pids):
    """Bytes of RSS, all together."""
    total = 0
    for pid in pids:
        status = Path(f"/proc/{pid}/status").read_text()
        total += int(status.split("VmRSS:")[1].split()[0]) * 1024
    return total


def cpu_seconds(pids):
    fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    return sum(int(field[11]) + int(field[12]) for field in fields) / TICKS


class Client:
    """A run of the load client; what it reports is there once it has ended."""

    def __init__(self, given, scenario, *flags):
        self.file = Path(tempfile.mkdtemp()) / "report.json"
        program = given.client or given.binaries / "holdfast"
        command = [program, "stress", scenario, "--sessions", given.sessions, "--sources", SOURCES]
        command += ["--json", self.file, *flags]
        self.process = subprocess.Popen(
            list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )

    def report(self, stop=False):
        if stop:
            self.process.send_signal(signal.SIGINT)
        try:
            _, errors = self.process.communicate(timeout=900)
        finally:
            self.process.kill()
        if not self.file.exists():
            raise SystemExit(f"no report; the client said: {errors[-2000:]}")
        report = json.loads(self.file.read_text())
        held, asked = report["sessions"]["held_to_end"], report["sessions"]["asked"]
        if held != asked:
            reasons = report["failures"] + report["losses"]
            print(f"warning: {held} of {asked} sessions held: {reasons}", file=sys.stderr)
        self.file.unlink()
        self.file.parent.rmdir()
        return report


def measure_idle(given, pids, client, count, servers):
    """Memory and CPU while a client holds; `count` says how many sessions the servers have."""
    before = resident(pids)
    run = client()
    try:
        wait_for(lambda: count() >= given.sessions, servers, "all sessions", 300, run)
        time.sleep(3)
        memory = (resident(pids) - before) / given.sessions
        busy = cpu_seconds(pids)
        time.sleep(given.idle)
        busy = cpu_seconds(pids) - busy
    finally:
        report = run.report(stop=True)
    return {
        "memory_bytes": memory,
        "idle_cpu_us_per_s": busy / max(given.idle, 1) / given.sessions * 1e6,
        "handshakes_per_s": report["sessions"]["per_second"],
        "client_bytes": report["sessions"]["client_bytes_per_session"],
    }


def sessions_of(gateways):
    """The sessions that the gateways say they hold, from their metrics."""
    total = 0.0
    for index in range(gateways):
        url = f"http://127.0.0.1:{OPERATORS + index}/metrics"
        with urllib.request.urlopen(url, timeout=5) as response:
            lines = response.read().decode().splitlines()
        total += sum(float(x.split()[-1]) for x in lines if x.startswith("holdfast_sessions{"))
        total += sum(float(x.split()[-1]) for x in lines if x.startswith("holdfast_sessions "))
    return total


def measure_holdfast(given, directory):
    secrets = {name: directory / name for name in ("jwt", "link", "api")}
    for file in secrets.values():
        file.write_text(SECRET)
    last = given.servers - 1
    holdfast = given.binaries / "holdfast"
    with Servers() as servers:
        gateways = [
            servers.start(
                holdfast, "gateway", "--name", f"g{index}", "--workers", given.workers,
                "--listen", f"127.0.0.1:{CLIENTS + index}",
                "--listen-tcp", f"127.0.0.1:{TCP + index}",
                "--listen-operators", f"127.0.0.1:{OPERATORS + index}",
                "--jwt-secret-file", secrets["jwt"], "--link-secret-file", secrets["link"],
            )
            for index in range(given.servers)
        ]
        servers.start(
            holdfast, "pusher-api", "--listen", f"127.0.0.1:{API}",
            "--gateway", f"http://127.0.0.1:{OPERATORS}-{OPERATORS + last}",
            "--api-key-file", secrets["api"], "--link-secret-file", secrets["link"],
        )
        for index in range(given.servers):
            url = f"http://127.0.0.1:{OPERATORS + index}/healthz"
            wait_for(lambda: answers(url), servers, url)
        wait_for(lambda: answers(f"http://127.0.0.1:{API}/readyz"), servers, "pusher-api")
        target = ["--target", f"ws://127.0.0.1:{CLIENTS}-{CLIENTS + last}"]
        target += ["--token-secret-file", secrets["jwt"]]

        def idle():
            return Client(given, "idle", "--hold", "1h", *target)

        def push(*flags):
            flags = [*flags, "--payload", f"{PAYLOAD}B", "--api-key-file", secrets["api"]]
            return Client(given, "push", "--api", f"http://127.0.0.1:{API}", *target, *flags).report()

        figures = measure_idle(given, gateways, idle, lambda: sessions_of(given.servers), servers)
        single = max(given.pushes // 4, 1)
        runs = {
            "batch": push("--push-total", given.pushes),
            "single": push("--push-total", single, "--push-mode", "single"),
            "paced": push("--push-rate", 5000, "--push-for", "20s"),
            "all": push("--push-total", given.broadcasts, "--push-to", "all"),
        }
        servers.check()
    for name in ("batch", "single"):
        figures[f"{name}_per_s"] = (runs[name]["received"] or {}).get("per_second", 0.0)
    received = runs["paced"]["received"] or {}
    latency = received.get("latency") or {}
    figures["p99_ms_at_5000_per_s"] = latency.get("p99_ms", float("nan"))
    figures["within_200_ms"] = received.get("share_within_200_ms") or 0.0
    figures["broadcast_s"] = (runs["all"]["broadcasts"] or {}).get("median_seconds", float("nan"))
    missing = {name: run["pushes"]["missing"] for name, run in runs.items()}
    figures["missing_by_run"] = missing
    figures["missing"] = sum(abs(count) for count in missing.values())
    refused = [sum(run["pushes"]["refused"].values()) for run in runs.values()]
    figures["refused"] = sum(refused)
    return figures


class Controls:
    """The floors' control ports."""

    def __init__(self, floors):
        self.sockets = [
            socket.create_connection(("127.0.0.1", CONTROLS + index)).makefile("rw")
            for index in range(floors)
        ]

    def tell(self, line):
        """Tells all floors at once; the sum of what they did."""
        def one(control):
            control.write(line + "\n")
            control.flush()
            return int(control.readline().split()[1])

        with ThreadPoolExecutor(len(self.sockets)) as pool:
            return sum(pool.map(one, self.sockets))


def measure_floor(given, directory):
    last = given.servers - 1
    # The floor does not look at tokens, but the client shall have the same work with both.
    secret = directory / "jwt"
    secret.write_text(SECRET)
    with Servers() as servers:
        floors = [
            servers.start(
                given.binaries / "floor", "--listen", f"127.0.0.1:{FLOORS + index}",
                "--control", f"127.0.0.1:{CONTROLS + index}",
            )
            for index in range(given.servers)
        ]
        controls = []
        wait_for(lambda: controls.append(Controls(given.servers)) or True, servers, "floors")
        controls = controls[-1]

        def idle():
            target = ["--target", f"ws://127.0.0.1:{FLOORS}-{FLOORS + last}"]
            target += ["--token-secret-file", secret]
            return Client(given, "idle", "--hold", "1h", "--no-hello", *target)

        def written(command, times):
            run = idle()
            wait_for(lambda: controls.tell("count") >= given.sessions, servers, "sessions", 300, run)
            time.sleep(2)
            sent = sum(controls.tell(command(number)) for number in range(times))
            time.sleep(2)
            report = run.report(stop=True)
            wait_for(lambda: controls.tell("count") == 0, servers, "closed sessions", 300)
            if report["received"]["messages"] != sent:
                print(f"warning: {sent} sent, not all received", file=sys.stderr)
            return report

        figures = measure_idle(given, floors, idle, lambda: controls.tell("count"), servers)
        wait_for(lambda: controls.tell("count") == 0, servers, "closed sessions", 300)
        share = given.pushes // given.servers
        random = written(lambda _: f"random {share} {FRAME}", 1)
        everybody = written(lambda number: f"all {FRAME} {number}", given.broadcasts)
        figures["random_per_s"] = random["received"]["per_second"]
        figures["broadcast_s"] = everybody["broadcasts"]["median_seconds"]
    return figures


def median(runs, key):
    values = [run[key] for run in runs if key in run]
    return statistics.median(values) if values else None


def show(holdfast, floor):
    """A row per figure; the ratio says what share of the floor's figure is reached."""
    rows = [
        ("memory, bytes per session", "memory_bytes", "memory_bytes", None),
        ("handshakes per s", "handshakes_per_s", "handshakes_per_s", "higher"),
        ("random pushes per s, batch", "batch_per_s", "random_per_s", "higher"),
        ("random pushes per s, single", "single_per_s", "random_per_s", "higher"),
        ("broadcast, first to last, s", "broadcast_s", "broadcast_s", "lower"),
        ("latency p99 at 5,000/s, ms", "p99_ms_at_5000_per_s", None, None),
        ("share within 200 ms at 5,000/s", "within_200_ms", None, None),
        ("idle CPU, us per s and session", "idle_cpu_us_per_s", "idle_cpu_us_per_s", None),
        ("client memory, bytes per session", "client_bytes", "client_bytes", None),
        ("missing messages", "missing", None, None),
        ("refused messages", "refused", None, None),
    ]
    print(f"| {'figure (median)':<33} | {'holdfast':>12} | {'floor':>12} | {'reached':>7} |")
    print(f"|{'-' * 35}|{'-' * 13}:|{'-' * 13}:|{'-' * 8}:|")
    for name, mine, theirs, better in rows:
        value, base = median(holdfast, mine), median(floor, theirs)
        ratio = ""
        if better and value and base:
            ratio = f"{(value / base if better == 'higher' else base / value) * 100:.0f} %"
        shown = ["-" if figure is None else f"{figure:,.2f}" for figure in (value, base)]
        print(f"| {name:<33} | {shown[0]:>12} | {shown[1]:>12} | {ratio:>7} |")


def main():
    given = options()
    enter_namespace(not given.no_namespace)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    results = {"holdfast": [], "floor": []}
    measures = {"holdfast": measure_holdfast, "floor": measure_floor}
    with tempfile.TemporaryDirectory() as directory:
        for number in range(given.runs):
            for name, measure in measures.items():
                if given.only in (None, name):
                    print(f"run {number + 1} of {given.runs}: {name}", file=sys.stderr)
                    results[name].append(measure(given, Path(directory)))
                    print(f"  {results[name][-1]}", file=sys.stderr)
    if given.json:
        given.json.write_text(json.dumps(results, indent=2) + "\n")
    show(results["holdfast"], results["floor"])
    if any(run["missing"] for run in results["holdfast"]):
        sys.exit("messages are missing")


if __name__ == "__main__":
    main()
