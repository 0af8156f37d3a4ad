"""What the kernel counts in this network namespace."""

from pathlib import Path

# include/net/tcp_states.h
CLOSE_WAIT = "08"


def counter(name):
    """A counter of /proc/net/netstat's TcpExt."""
    lines = Path("/proc/net/netstat").read_text().splitlines()
    names, values = (line.split() for line in lines if line.startswith("TcpExt"))
    return int(values[names.index(name)])


def close_wait():
    """Sockets whose peer has said goodbye, and whose own process has not."""
    rows = (row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:])
    return sum(row[3] == CLOSE_WAIT for row in rows)
