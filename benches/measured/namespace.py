"""A network namespace of the run's own.

A machine with containers tracks every connection of the shared loopback (conntrack), and that is
slow and limited. A fresh namespace has no rules, and what is set in it is gone with it.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

ENTERED = "HOLDFAST_MEASURING_NAMESPACE"
# What becomes of sysctls while the run lasts. A namespace takes the first and the last over when it
# is made.
CHANGED = {
    "net/ipv4/tcp_child_ehash_entries": lambda before: max(int(before), 4 << 20),
    "net/core/netdev_max_backlog": lambda before: max(int(before), 250_000),
    # The kernel's own default. Some machines come with bbr, whose pacing arms a timer a packet.
    "net/ipv4/tcp_congestion_control": lambda _: "cubic",
}


def enter(wanted=True):
    """Runs this program in a fresh network namespace, and ends with it. Without root it stays."""
    if not wanted or os.geteuid() != 0:
        return
    if os.environ.get(ENTERED):
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        return
    os.environ[ENTERED] = "1"
    before = {name: change(name, to) for name, to in CHANGED.items()}
    # Ctrl-C reaches the program inside as well, and it is the one to clean up.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    inside = subprocess.Popen(
        ["unshare", "-n", *sys.orig_argv],
        # There are no threads yet that this could find holding a lock.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    signal.signal(signal.SIGTERM, lambda *_: inside.terminate())
    try:
        status = inside.wait()
    finally:
        for name, value in before.items():
            write(name, value)
    raise SystemExit(status)


def change(name, to):
    """Sets a sysctl to what `to` makes of it, and returns what it was; None if it cannot be set."""
    try:
        before = Path("/proc/sys", name).read_text().strip()
        write(name, to(before))
        return before
    except (OSError, ValueError) as error:
        print(f"not set: {name}: {error}", file=sys.stderr)
        return None


def write(name, value):
    """Sets a sysctl."""
    if value is not None:
        Path("/proc/sys", name).write_text(str(value))
