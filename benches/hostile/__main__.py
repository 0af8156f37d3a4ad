"""Sets hostile peers on a gateway and a pusher-api, a kind at a time, and writes one table: what each
kind costs them, and what everybody else notices.

The gateway has 128 MiB of memory and pusher-api 96, each in a control group. Run as root from the
repository's root with the release binary built:

    cargo build --release -p holdfast
    python3 -m benches.hostile

All of it stays on loopback, in a network namespace of its own.
"""

import argparse
import contextlib
import http.client
import json
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from benches.measured import namespace
from benches.measured.client import Client
from benches.measured.holdfast import API, CLIENTS, OPERATORS, SECRET, TCP, Holdfast
from benches.measured.page import put_into
from benches.measured.readings import cpu_seconds, resident
from benches.measured.runs import await_sessions

from .attacks import attacks
from .control_group import ControlGroup
from .witness import Witness

MIB = 1 << 20
PORTS = {"clients": CLIENTS, "tcp": TCP, "operators": OPERATORS, "backends": API}


class Confined(Holdfast):
    """One gateway and one pusher-api with little memory each."""

    def __init__(self, program, directory, groups, flags):
        self.groups = groups
        self.clients, self.tcp = CLIENTS, TCP
        super().__init__(program, directory, workers=2, flags=flags)

    def start(self, *command, env=None):
        """Starts it in the control group that is its own."""
        group = self.groups["gateway" if "gateway" in command else "pusher-api"]
        return super().start(*group.command(*map(str, command)), env=env)

    def alive(self):
        """Which of the two are still there."""
        return [process.poll() is None for process in self.started]


def flood(stopped, users):
    """A push of 30 KB to each of these users, again and again, as fast as pusher-api takes them."""
    lines = (json.dumps({"to": {"user": user}, "data": user.ljust(30_000, "x")}) for user in users)
    body = "\n".join(lines)
    headers = {"Authorization": f"Bearer {SECRET}", "Content-Type": "application/x-ndjson"}
    while not stopped.wait(0.1):
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", API, timeout=10)
            connection.request("POST", "/v1/push/batch", body, headers)
            connection.getresponse().read()
            connection.close()


def run(given, attack):
    """One attack; what it did."""
    with contextlib.ExitStack() as stack:
        enter = stack.enter_context
        groups = {"gateway": enter(ControlGroup("gateway", given.gateway_memory * MIB)),
                  "pusher-api": enter(ControlGroup("pusher-api", given.pusher_api_memory * MIB))}
        directory = enter(tempfile.TemporaryDirectory())
        holdfast = enter(Confined(given.program, directory, groups, given.flag))
        holdfast.await_ready()
        held = Client(given.client, "idle", "--hold", "600s", *holdfast.client_flags(),
                      sessions=given.sessions)
        try:
            await_sessions(holdfast, given.sessions, held)
            return attacked(given, attack, holdfast, groups)
        finally:
            held.process.kill()
            held.process.wait()


def attacked(given, attack, holdfast, groups):
    """The attack itself, beside a witness."""
    target = holdfast.pusher_api if attack.port == "backends" else holdfast.gateways[0]
    before = resident([target]), cpu_seconds([target])
    stopped = threading.Event()
    with Witness(holdfast, SECRET) as witness:
        crowd = subprocess.Popen(
            [sys.executable, "-m", "benches.hostile.crowd", attack.group, attack.kind,
             f"127.0.0.1:{PORTS[attack.port]}", str(attack.count), str(given.seconds), SECRET],
            stdout=subprocess.PIPE,
        )
        if attack.pushed:
            users = [f"hostile{crowd.pid}-{number}" for number in range(attack.count)]
            threading.Thread(target=flood, args=(stopped, users), daemon=True).start()
        most = descriptors = 0
        while crowd.poll() is None and all(holdfast.alive()):
            with contextlib.suppress(OSError, TypeError):
                most = max(most, resident([target]))
                descriptors = max(descriptors, fds(target))
            time.sleep(0.25)
        crowd.kill()
        stopped.set()
        said = json.loads(crowd.communicate()[0] or "{}")
        alive = holdfast.alive()
    found = {"attack": attack.name, "crowd": said, "gateway": alive[0], "pusher_api": alive[1],
             "noticed": witness.summary(), "memory": most - before[0], "descriptors": descriptors,
             "peaks": {name: group.peak() for name, group in groups.items()}}
    with contextlib.suppress(OSError, TypeError, IndexError):
        found["cpu"] = cpu_seconds([target]) - before[1]
        found["sessions"] = own_sessions(holdfast)
    return found


def fds(pid):
    """How many descriptors a process has open, without looking at each (stat(2) on /proc/PID/fd)."""
    return Path(f"/proc/{pid}/fd").stat().st_size


def own_sessions(holdfast):
    """The sessions that the gateway holds once the crowd has gone."""
    time.sleep(2)
    return holdfast.sessions()


COLUMNS = ("newcomer", "newcomer over TCP", "push", "health", "pusher-api's health")


def row(found):
    """A line of the table."""
    crowd, noticed = found["crowd"], found["noticed"]
    cells = [found["attack"], f"{crowd.get('opened', 0):,}"]
    cells.append("yes" if found["gateway"] and found["pusher_api"] else "**no**")
    cells.append(f"{found.get('sessions', 0):,.0f}")
    cells.append(f"{found['memory'] / MIB:,.1f}")
    cells.append(f"{found['descriptors']:,}")
    opened = crowd.get("opened")
    cells.append(f"{found['cpu'] / opened * 1e6:,.0f}" if opened and "cpu" in found else "–")
    return "| " + " | ".join(cells + [cell(noticed[what]) for what in COLUMNS]) + " |"


def cell(found):
    """p99 in milliseconds, and what was lost."""
    p99 = "**never**" if found["p99"] is None else f"{found['p99'] * 1000:,.0f}"
    return f"{p99} ({found['lost']} of {found['tries']} lost)" if found["lost"] else p99


def table(all_found):
    """The whole table."""
    head = ["Peers", "connections", "alive", "sessions left", "memory, MiB", "descriptors",
            "CPU a connection, µs", *(f"{what}, p99 ms" for what in COLUMNS)]
    lines = [f"| {' | '.join(head)} |", "|---|" + "--:|" * (len(head) - 1)]
    return "\n".join(lines + [row(found) for found in all_found]) + "\n"


def options():
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="benches.hostile", description=__doc__.split("\n\n")[0])
    add = parser.add_argument
    add("--seconds", type=int, default=30, help="of each attack [default: 30]")
    add("--sessions", type=int, default=500, help="that shall survive it [default: 500]")
    add("--gateway-memory", type=int, default=128, help="MiB [default: 128]")
    add("--pusher-api-memory", type=int, default=96, help="MiB [default: 96]")
    add("--only", action="append", metavar="TEXT", help="attacks whose name contains this (repeatable)")
    add("--list", action="store_true", help="name the attacks")
    add("--flag", action="append", default=[], help="of the gateway (repeatable)")
    add("--binaries", type=Path, default=Path("target/release"))
    add("--client", type=Path, help="another binary as load client")
    add("--out", type=Path, default=Path("target/bench/hostile.json"))
    add("--page", type=Path, help="put the table into this page, between its marks")
    given = parser.parse_args()
    given.program = given.binaries / "holdfast"
    given.client = given.client or given.program
    wanted = given.only or [""]
    given.attacks = [it for it in attacks() if any(text in it.name for text in wanted)]
    return given


def main():
    """Attacks, and writes the table."""
    given = options()
    if given.list:
        print("\n".join(attack.name for attack in given.attacks))
        return
    namespace.enter()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    found = []
    given.out.parent.mkdir(parents=True, exist_ok=True)
    for attack in given.attacks:
        print(attack.name, file=sys.stderr)
        found.append(run(given, attack))
        print(row(found[-1]), file=sys.stderr)
        given.out.write_text(json.dumps(found, indent=1))
    text = table(found)
    print(text)
    if given.page:
        put_into(given.page, text)


if __name__ == "__main__":
    main()
