"""A gateway that speaks TLS, with a pusher-api, on ports that the system chooses."""

import socket
import urllib.request
from pathlib import Path

from benches.measured.processes import Processes, answers

KEYS = Path("tests/keys/tls")


def free_port():
    """A port that nobody has now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Servers(Processes):
    """Both, until the `with` block ends."""

    def __init__(self, program, workers, kind="localhost"):
        super().__init__()
        ports = [free_port() for _ in range(6)]
        self.http, self.tcp, self.operators, self.tls_http, self.tls_tcp, self.backends = ports
        where = [f"127.0.0.1:{port}" for port in ports]
        self.gateway = self.start(
            program, "gateway", "--insecure", "--workers", workers,
            "--listen", where[0], "--listen-tcp", where[1], "--listen-operators", where[2],
            "--tls-listen", where[3], "--tls-listen-tcp", where[4],
            "--tls-cert", KEYS / f"{kind}.pem", "--tls-key", KEYS / f"{kind}.key.pem",
            "--ping-interval", "10m", "--memory-reserve", "0B",
        )
        self.start(
            program, "pusher-api", "--insecure", "--listen", where[5],
            "--gateway", f"http://{where[2]}",
        )
        self.wait_for(lambda: answers(f"http://{where[5]}/readyz"), "pusher-api")

    def metric(self, name):
        """A sample of the gateway, by its whole name."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.operators}/metrics") as answer:
            lines = answer.read().decode().splitlines()
        found = [line.rsplit(" ", 1)[1] for line in lines if line.rsplit(" ", 1)[0] == name]
        return float(found[0])

    def own_bytes(self):
        """What the gateway has of memory that is nobody else's."""
        for line in Path(f"/proc/{self.gateway}/smaps_rollup").read_text().splitlines():
            if line.startswith("Anonymous:"):
                return int(line.split()[1]) * 1024
        raise SystemExit("no Anonymous in smaps_rollup")

    def cpu_seconds(self):
        """Processor time of the gateway so far."""
        return self.metric("process_cpu_seconds_total")
