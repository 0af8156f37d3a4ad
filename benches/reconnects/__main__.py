"""How clients that run `holdfast.js` come back after a drain: how late, and how evenly.

    cargo build --release -p holdfast
    python3 -m benches.reconnects

Clients in one process of Node hold their sessions at a gateway that is drained; another one listens
at its address from then on. This is done several times over, so that there are enough of them for bins of
10 ms.
"""

import argparse
import json
import signal
import socket
import subprocess
import time
from pathlib import Path

from benches.measured.page import put_into
from benches.measured.processes import Processes
from benches.measured.unicast import quantile
from tests.python_tools import free_ports

from . import evenness

CLIENTS = Path(__file__).resolve().parents[2] / "clients/js/bench/reconnects.js"


def options():
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="benches.reconnects", description=__doc__.split("\n\n")[0])
    add = parser.add_argument
    add("--binary", type=Path, default=Path("target/release/holdfast"))
    add("--sessions", type=int, default=200, help="[default: 200]")
    add("--drains", type=int, default=12, help="[default: 12]")
    add("--drain", type=int, default=5, help="seconds that each takes [default: 5]")
    add("--page", type=Path, help="page to put the table into")
    return parser.parse_args()


class Gateways:
    """One after another at the same address."""

    def __init__(self, servers, given):
        self.servers, self.given = servers, given
        self.port = free_ports(1)[0]
        self.now = self.open()

    def is_open(self):
        """Whether somebody listens."""
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def open(self):
        """The next one."""
        tcp, operators = free_ports(2)
        pid = self.servers.start(
            self.given.binary, "gateway", "--development", "--listen", f"127.0.0.1:{self.port}",
            "--listen-tcp", f"127.0.0.1:{tcp}", "--listen-operators", f"127.0.0.1:{operators}",
            "--drain", f"{self.given.drain}s")
        self.servers.wait_for(self.is_open, "the gateway listens", every=0.01)
        return next(one for one in self.servers.started if one.pid == pid)

    def drain(self):
        """Drains the one there is; the next one takes its place as soon as nobody listens."""
        before = self.now
        before.send_signal(signal.SIGTERM)
        while self.is_open():
            time.sleep(0.005)
        self.servers.started.remove(before)
        self.now = self.open()
        return before


def returns(lines):
    """What the clients say until all are there."""
    found = []
    for line in lines:
        if line.strip() == "all":
            return found
        found.append(json.loads(line))
    raise SystemExit("the clients have ended")


def measure(given):
    """Every return, with its drain's."""
    drains = []
    with Processes() as servers:
        gateways = Gateways(servers, given)
        url = f"http://127.0.0.1:{gateways.port}"
        command = ["node", "--experimental-websocket", CLIENTS, url, str(given.sessions)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        with subprocess.Popen(command, text=True, **pipes) as clients:
            try:
                returns(clients.stdout)
                for number in range(given.drains):
                    before = gateways.drain()
                    drains.append(returns(clients.stdout))
                    before.wait()
                    before.log.close()
                    print(f"drain {number + 1} of {given.drains}: {len(drains[-1])} are back", flush=True)
            finally:
                clients.kill()
    return drains


def table(drains):
    """What is told of them."""
    all_of_them = [one for drain in drains for one in drain]
    late = sorted(one["began"] - one["bye"] - one["retry_ms"] for one in all_of_them)
    took = sorted(one["hello"] - one["bye"] for one in all_of_them)
    opened = sorted(one["hello"] - one["began"] for one in all_of_them)
    # Each drain begins anew at its first bye.
    starts = [min(one["bye"] for one in drain) for drain in drains]
    byes = [one["bye"] - start for drain, start in zip(drains, starts, strict=True) for one in drain]
    moments = [one["began"] - start for drain, start in zip(drains, starts, strict=True) for one in drain]
    found, bins, chance = evenness.test(byes, moments)

    def row(what, values):
        shown = " | ".join(f"{quantile(values, part):,.1f}" for part in (0.5, 0.99))
        return f"| {what} | {shown} | {values[-1]:,.1f} |"

    return "\n".join([
        "| ms | p50 | p99 | longest |", "|---|--:|--:|--:|",
        row("from `bye` to the next `hello`", took),
        row("of it, behind the moment that `retry_ms` names", late),
        row("of it, from there to the `hello`", opened), "",
        f"{len(all_of_them):,} returns in {len(drains)} drains; before they were told to: "
        f"{sum(one < 0 for one in late)}. Chi-square over {bins} bins of 10 ms: {found:,.0f}; chance alone "
        f"makes one as large in {chance:.0%} of all runs, so that evenness is "
        f"{'' if chance < 0.01 else 'not '}rejected at 1 %.",
    ])


def main():
    """Measures, and shows it."""
    given = options()
    text = table(measure(given))
    print(text)
    if given.page:
        put_into(given.page, text)


if __name__ == "__main__":
    main()
