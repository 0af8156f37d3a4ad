"""What the kernel says about processes and about itself."""

import time
import urllib.request
from pathlib import Path

from .formats import field_bytes, metric_values, stat_seconds


def resident(pids):
    """Bytes of RSS, all together."""
    return sum(_bytes(f"/proc/{pid}/status", "VmRSS") for pid in pids)


def own(pids):
    """Bytes of RSS that are no pages of files, all together: what a process has for itself. How
    many pages of its program it has touched depends on how the linker laid that out."""
    return sum(_bytes(f"/proc/{pid}/status", "RssAnon") for pid in pids)


def proportional(pids):
    """Bytes of PSS, all together: a page that several processes share counts once. Without the
    pages of files: the load client runs the same program as the server."""
    return sum(
        _bytes(f"/proc/{pid}/smaps_rollup", field)
        for pid in pids for field in ("Pss_Anon", "Pss_Shmem")
    )


def slab():
    """Bytes of the kernel's slab caches: sockets, inodes, files, epoll entries and all else."""
    return _bytes("/proc/meminfo", "Slab")


def available():
    """Bytes that this machine could still give to programs."""
    return _bytes("/proc/meminfo", "MemAvailable")


def _bytes(file, field):
    return field_bytes(Path(file).read_text(), field)


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
    return sum(stat_seconds(Path(f"/proc/{pid}/stat").read_text()) for pid in pids)


def children(pid):
    """The processes that a process has started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def metric(url, name):
    """The values of a Prometheus metric, one for each set of labels; none if it is not there."""
    with urllib.request.urlopen(url, timeout=10) as response:
        return metric_values(response.read().decode(), name)
