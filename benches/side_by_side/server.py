"""What the servers have in common here: sizes, stamps, and the two ways they are loaded."""

import re
import subprocess
import time
import urllib.request
from pathlib import Path

from benches.measured.client import Client, lost
from benches.measured.readings import cpu_seconds, proportional

# A push of 100 bytes of data is a frame of this size; everybody delivers as much.
DATA, FRAME = 100, 171
SCRIPT = Path(__file__).with_name("push.lua")


def stamped(number, size):
    """JSON of this size that the load client knows as a broadcast."""
    head = f'{{"t":{time.time_ns() // 1000},"b":{number},"p":"'
    return head + "x" * (size - len(head) - 2) + '"}'


def post(url, body, **headers):
    """A POST that must succeed."""
    request = urllib.request.Request(url, body.encode(), headers)
    with urllib.request.urlopen(request, timeout=60) as response:
        response.read()


def wrk(url, seconds, *arguments):
    """Pushes flat out over 64 connections: requests that were answered well."""
    command = ["wrk", "-t2", "-c64", f"-d{seconds}s", "-s", SCRIPT, url, "--", *arguments]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True)
    requests = int(re.search(r"(\d+) requests in", done.stdout)[1])
    wrong = re.search(r"Non-2xx or 3xx responses: (\d+)", done.stdout)
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)[1])
    if wrong:
        raise SystemExit(f"pushes were refused:\n{done.stdout}")
    return requests, rate


class Held:
    """Sessions that `stress idle` holds with some server, until they are reported on."""

    def __init__(self, given, server, *flags):
        flags = ["--hold", "24h", *flags]
        self.run = Client(given.program, "idle", *flags, sessions=given.sessions)
        server.wait_for(lambda: server.sessions() >= given.sessions, "all sessions", 300, self.run)
        time.sleep(3)

    def report(self):
        """Ends them."""
        time.sleep(2)
        return self.run.report(stop=True)


def idle(given, server, hold):
    """Memory and CPU of a server's processes while clients only hold; `hold()` opens them."""
    pids = server.processes()
    before = {pid: proportional([pid]) for pid in pids}
    held = hold()
    grown = {pid: (proportional([pid]) - before[pid]) / given.sessions for pid in pids}
    busy, started = cpu_seconds(pids), time.monotonic()
    time.sleep(given.idle)
    busy = (cpu_seconds(pids) - busy) / (time.monotonic() - started)
    report = held.report()
    return grown, {
        "memory": sum(grown.values()),
        "idle_us": busy / given.sessions * 1e6,
        "handshakes": report["sessions"]["per_second"],
        "lost": lost(report),
    }


def pushed(requests, rate, report):
    """Figures of single requests, and of what came of them."""
    received = (report["received"] or {}).get("messages", 0)
    return {"single": rate, "missing": max(0, requests - received), "lost": lost(report)}


def spread(report):
    """Figures of broadcasts."""
    all_of_them = report["broadcasts"] or {}
    reached = all_of_them.get("fewest_clients", 0)
    seconds = all_of_them.get("median_seconds")
    return {"broadcast": seconds, "unreached": report["sessions"]["held"] - reached}
