"""nats-server's WebSockets. Its clients speak NATS inside, so they are a program of their own."""

import json
import os
import random
import socket
import subprocess
import sys
import urllib.request

from benches.measured.processes import Processes
from benches.measured.readings import cpu_seconds

from .server import FRAME, idle

PORT, CLIENTS, MONITOR = 10_000, 10_001, 10_002
CONFIGURATION = f"""
listen: "127.0.0.1:{CLIENTS}"
http: "127.0.0.1:{MONITOR}"
ping_interval: "25s"
websocket {{ listen: "127.0.0.1:{PORT}", no_tls: true }}
"""


class Server(Processes):
    """nats-server with as many threads as the others."""

    def __init__(self, _, directory):
        super().__init__()
        file = f"{directory}/nats.conf"
        with open(file, "w", encoding="utf-8") as out:
            out.write(CONFIGURATION)
        environment = os.environ | {"GOMAXPROCS": "2"}
        self.server = self.start("nats-server", "-c", file, env=environment)

    def await_ready(self):
        """Waits until it answers."""
        self.wait_for(lambda: self.sessions() == 0, "nats-server")

    def processes(self):
        """Everything that memory and CPU are measured of."""
        return [self.server]

    def sessions(self):
        """The connections that it says it has."""
        with urllib.request.urlopen(f"http://127.0.0.1:{MONITOR}/varz", timeout=10) as response:
            return json.load(response)["connections"]


class Clients:
    """`nats_clients.py` in a process of its own, told what to do a line at a time."""

    def __init__(self, given):
        command = [sys.executable, "-m", "benches.side_by_side.nats_clients"]
        command += [str(PORT), str(given.sessions)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.opened = self._answer()

    def _answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("the clients of nats-server ended before their time")
        return json.loads(line)

    def ask(self, line):
        """Sends a line, returns the answer."""
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self._answer()

    def report(self):
        """Ends them; the same shape as a report of `stress`."""
        end = self.ask("end")
        self.process.communicate(timeout=60)
        sessions = {"asked": self.opened["asked"], "held_to_end": end["open"]}
        return {"sessions": sessions | {"per_second": self.opened["per_second"]}}


def publish(subjects):
    """Publishes a message to each subject over one connection, and waits until all are taken."""
    payload = b"x" * FRAME
    message = b"".join(b"PUB %b %d\r\n%b\r\n" % (it.encode(), FRAME, payload) for it in subjects)
    with socket.create_connection(("127.0.0.1", CLIENTS)) as connection:
        connection.sendall(b'CONNECT {"verbose":false}\r\n' + message + b"PING\r\n")
        received = b""
        while b"PONG\r\n" not in received:
            more = connection.recv(65536)
            if not more:
                raise SystemExit(f"nats-server closed the publisher: {received[-200:]}")
            received += more


def measure(given, server):
    """All figures that it has: there are no single requests, a publisher is never answered."""
    _, figures = idle(given, server, lambda: Clients(given))
    clients = Clients(given)
    pid = clients.process.pid

    clients.ask("begin")
    subjects = [f"u{random.randrange(given.sessions)}" for _ in range(given.pushes)]
    busy = cpu_seconds([pid])
    publish(subjects)
    given.pause()
    came = clients.ask("count")
    figures["streamed"] = came["messages"] / max(came["seconds"], 1e-6)
    figures["client_busy"] = (cpu_seconds([pid]) - busy) / max(came["seconds"], 1e-6)
    figures["missing"] = given.pushes - came["messages"]

    seconds = []
    for _ in range(given.broadcasts):
        clients.ask("begin")
        publish(["everybody"])
        given.pause()
        came = clients.ask("count")
        seconds.append(came["seconds"])
        figures["unreached"] = given.sessions - came["messages"]
    clients.report()
    return figures | {"broadcast": sorted(seconds)[len(seconds) // 2]}
