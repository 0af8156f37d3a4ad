"""A memory control group around a server, of either version, so that it has as little as it would
have in a small container."""

import contextlib
import os
import time
from pathlib import Path

ROOTS = {1: Path("/sys/fs/cgroup/memory"), 2: Path("/sys/fs/cgroup")}
LIMIT = {1: "memory.limit_in_bytes", 2: "memory.max"}
PEAK = {1: "memory.max_usage_in_bytes", 2: "memory.peak"}


class ControlGroup:
    """Gone again with the `with` block; what was in it must have ended by then."""

    def __init__(self, name, limit):
        self.version = 1 if (ROOTS[1] / LIMIT[1]).exists() else 2
        self.path = ROOTS[self.version] / f"holdfast-hostile-{name}-{os.getpid()}"
        self.limit = limit

    def __enter__(self):
        self.path.mkdir()
        (self.path / LIMIT[self.version]).write_text(str(self.limit))
        if self.version == 1:
            # Swap would hide what is asked here: whether it fits.
            with contextlib.suppress(OSError):
                (self.path / "memory.memsw.limit_in_bytes").write_text(str(self.limit))
        return self

    def command(self, *command):
        """The command that starts a program inside."""
        into = f"echo $$ > {self.path}/cgroup.procs && exec \"$@\""
        return ["sh", "-c", into, "sh", *command]

    def peak(self):
        """Most bytes it has held; None where the kernel does not say."""
        file = self.path / PEAK[self.version]
        return int(file.read_text()) if file.exists() else None

    def __exit__(self, *_):
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            # Busy until the kernel has taken leave of the last process.
            with contextlib.suppress(OSError):
                self.path.rmdir()
                return
            time.sleep(0.1)
