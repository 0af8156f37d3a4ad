"""What the kernel says about processes and about itself."""

import os
import time
import urllib.request
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def resident(pids):
    """Bytes of RSS, all together."""
    return sum(_kilobytes(f"/proc/{pid}/status", "VmRSS:") for pid in pids)


def proportional(pids):
    """Bytes of PSS, all together: a page that several processes share counts once. Without the
    pages of files: the load client runs the same program as the server."""
    return sum(
        _kilobytes(f"/proc/{pid}/smaps_rollup", key)
        for pid in pids for key in ("Pss_Anon:", "Pss_Shmem:")
    )


def slab():
    """Bytes of the kernel's slab caches: sockets, inodes, files, epoll entries and all else."""
    return _kilobytes("/proc/meminfo", "Slab:")


def _kilobytes(file, key):
    text = Path(file).read_text()
    return int(text.split(key, 1)[1].split(None, 1)[0]) * 1024


def settled_slab(seconds=30):
    """The slab caches once the kernel has freed what was closed."""
    last = slab()
    for _ in range(seconds):
        time.sleep(1)
        now = slab()
        if abs(now - last) < 1 << 20:
            return now
        last = now
    return last


def cpu_seconds(pids):
    """Seconds of CPU that processes have used so far."""
    fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    return sum(int(field[11]) + int(field[12]) for field in fields) / TICKS


def children(pid):
    """The processes that a process has started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def metric(url, name):
    """The values of a Prometheus metric, one for each set of labels; none if it is not there."""
    with urllib.request.urlopen(url, timeout=10) as response:
        lines = response.read().decode().splitlines()
    found = (line for line in lines if line.startswith((f"{name} ", f"{name}{{")))
    return [float(line.split()[-1]) for line in found]
