"""Measures TLS: memory of idle sessions, handshakes, a canary's pushes meanwhile, processor time a push.

    cargo build --release -p holdfast
    python3 -m benches.tls [memory] [handshakes] [pushes]

Handshakes are openssl's (`s_time`), with a request behind each that is answered 404, so that the client
has its ticket before it goes; everything else here is the client.
"""

import argparse
import http.client
import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from .servers import KEYS, Servers
from .sessions import context, join, open_many

AUTHORITY = KEYS / "authority.pem"


def memory(given):
    """Bytes of the gateway for each idle session, without and with TLS."""
    for name, tls in (("plain", None), ("TLS", context(AUTHORITY))):
        with Servers(given.program, 1) as servers:
            port = servers.tls_tcp if tls else servers.tcp
            kept = open_many(port, given.sessions // 4, tls, "warm")
            before = servers.own_bytes()
            kept += open_many(port, given.sessions, tls)
            time.sleep(2)
            each = (servers.own_bytes() - before) / given.sessions
            print(f"memory: {name}: {each:,.0f} bytes a session, of {given.sessions:,}", flush=True)
            del kept


class Canary:
    """A session over TLS that is pushed to on end; how long each push took, in seconds."""

    def __init__(self, servers):
        self.latencies, self.stop = [], threading.Event()
        self.session = join(servers.tls_tcp, "canary", context(AUTHORITY))
        self.api = http.client.HTTPConnection("127.0.0.1", servers.backends)
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        """Pushes, and waits for it to arrive, a hundred times a second."""
        body = json.dumps({"to": {"user": "canary"}, "data": 1})
        while not self.stop.is_set():
            begun = time.monotonic()
            self.api.request("POST", "/v1/push", body, {"content-type": "application/json"})
            self.api.getresponse().read()
            heard = b""
            while b'"push"' not in heard:
                heard = self.session.recv(4096)
            took = time.monotonic() - begun
            self.latencies.append(took)
            time.sleep(max(0, 0.01 - took))

    def end(self):
        """Percentiles 50 and 99, in milliseconds."""
        self.stop.set()
        self.thread.join()
        ordered = sorted(self.latencies)
        return [1000 * ordered[int(len(ordered) * part)] for part in (0.5, 0.99)]


def handshakes(given):
    """Handshakes a second of one worker, by kind of key, new and resumed, and the canary meanwhile."""
    for kind in given.keys:
        for how in ("new", "reuse"):
            with Servers(given.program, 1, kind) as servers:
                canary, cpu = Canary(servers), servers.cpu_seconds()
                time.sleep(2)
                calm = list(canary.latencies)
                name = "holdfast_tls_handshakes_total"
                counted = {it: f'{name}{{result="{it}"}}' for it in ("full", "resumed")}
                before = {it: servers.metric(name) for it, name in counted.items()}
                cpu = servers.cpu_seconds()
                begun = time.monotonic()
                storm = [
                    subprocess.Popen(
                        ["nice", "-n", "5", "openssl", "s_time",
                         "-connect", f"127.0.0.1:{servers.tls_http}",
                         f"-{how}", "-www", "/", "-time", str(given.seconds), "-CAfile", str(AUTHORITY)],
                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                    )
                    for _ in range(given.clients)
                ]
                for client in storm:
                    client.wait()
                took, cpu = time.monotonic() - begun, servers.cpu_seconds() - cpu
                made = {it: servers.metric(name) - before[it] for it, name in counted.items()}
                middle, late = canary.end()
                rate = sum(made.values()) / took
                each = 1e6 * cpu / max(1, sum(made.values()))
                calm = sorted(calm)
                print(
                    f"handshakes: {kind}, {how}: {rate:,.0f}/s ({made['full']:.0f} full, "
                    f"{made['resumed']:.0f} resumed), {each:,.0f} µs of processor each; "
                    f"canary p50 {middle:.2f} ms, p99 {late:.2f} ms "
                    f"(calm p99 {1000 * calm[int(len(calm) * 0.99)]:.2f} ms)",
                    flush=True,
                )


def drain(sessions, count):
    """Reads until so many pushes have come; how long that took."""
    begun, heard = time.monotonic(), 0
    while heard < count:
        for session in sessions:
            heard += session.recv(1 << 16).count(b'"push"')
    return time.monotonic() - begun


def pushes(given):
    """Processor time of the gateway for each push to a session, without and with TLS."""
    lines = json.dumps({"to": {"all": True}, "data": "x" * 100}) + "\n"
    for name, tls in (("plain", None), ("TLS", context(AUTHORITY))) * given.rounds:
        with Servers(given.program, 1) as servers:
            sessions = open_many(servers.tls_tcp if tls else servers.tcp, 200, tls)
            api = http.client.HTTPConnection("127.0.0.1", servers.backends)
            cpu, begun = servers.cpu_seconds(), time.monotonic()
            for _ in range(given.pushes // 200):
                api.request("POST", "/v1/push", lines, {"content-type": "application/json"})
                api.getresponse().read()
                # Whatever has come by now; a push to all is one to each.
                drain(sessions, 200)
            took, cpu = time.monotonic() - begun, servers.cpu_seconds() - cpu
            print(
                f"pushes: {name}: {1e6 * cpu / given.pushes:,.2f} µs of processor each, "
                f"{given.pushes / took:,.0f}/s with this client",
                flush=True,
            )


def main():
    """What is asked for, one after another."""
    parser = argparse.ArgumentParser(prog="benches.tls", description=__doc__.split("\n\n")[0])
    parser.add_argument("what", nargs="*", help="memory, handshakes, pushes; all of them without")
    parser.add_argument("--program", type=Path, default=Path("target/release/holdfast"))
    parser.add_argument("--sessions", type=int, default=4000)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--pushes", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keys", nargs="*", default=["localhost", "rsa"])
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    for what in (memory, handshakes, pushes):
        if not given.what or what.__name__ in given.what:
            what(given)


if __name__ == "__main__":
    main()
