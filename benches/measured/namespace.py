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
RAISED = {
    "net/ipv4/tcp_child_ehash_entries": 4 << 20,
    "net/core/netdev_max_backlog": 250_000,
}


def enter(wanted=True):
    """Runs this program in a fresh network namespace, and ends with it. Without root it stays."""
    if not wanted or os.geteuid() != 0:
        return
    if os.environ.get(ENTERED):
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        return
    os.environ[ENTERED] = "1"
    before = {name: raise_to(name, least) for name, least in RAISED.items()}
    # Ctrl-C reaches the program inside as well, and it is the one to clean up.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    inside = subprocess.Popen(
        ["unshare", "-n", *sys.orig_argv],
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    signal.signal(signal.SIGTERM, lambda *_: inside.terminate())
    try:
        status = inside.wait()
    finally:
        for name, value in before.items():
            write(name, value)
    raise SystemExit(status)


def raise_to(name, least):
    """Sets a sysctl that is lower, and returns what it was; None if it cannot be set."""
    try:
        before = int(Path("/proc/sys", name).read_text())
        write(name, max(before, least))
        return before
    except (OSError, ValueError) as error:
        print(f"not raised: {name}: {error}", file=sys.stderr)
        return None


def write(name, value):
    """Sets a sysctl."""
    if value is not None:
        Path("/proc/sys", name).write_text(str(value))
