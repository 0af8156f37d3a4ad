"""The disk that messages are kept on: what it can do by itself, and what is on it."""

import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

# What is appended before each fdatasync: a page of the file.
PAGE = bytes(4096)
PROBE_SECONDS = 1.5


def refuse_memory(directory):
    """Ends the run where a commit would cost nothing."""
    kind = subprocess.run(["stat", "-f", "-c", "%T", directory], capture_output=True, text=True, check=True)
    if kind.stdout.strip() in ("tmpfs", "ramfs"):
        raise SystemExit(f"{directory} is in memory ({kind.stdout.strip()}): choose another with --directory")


def syncs(directory, seconds=PROBE_SECONDS):
    """How long each append of a page with fdatasync took, one after the other, in seconds."""
    took = []
    with tempfile.TemporaryFile(dir=directory, buffering=0) as file:
        end = time.monotonic() + seconds
        while (begun := time.monotonic()) < end:
            file.write(PAGE)
            os.fdatasync(file.fileno())
            took.append(time.monotonic() - begun)
    return took


def figures(took):
    """What the disk did: how many a second, and the median."""
    return {"sync_per_s": len(took) / sum(took), "sync_ms": statistics.median(took) * 1000}


def fresh(directory):
    """A directory of its own in there, gone with the `with` block."""
    return tempfile.TemporaryDirectory(dir=directory, prefix="kept-")


def size(directory):
    """Bytes of all files in a directory."""
    return sum(file.stat().st_size for file in Path(directory).rglob("*") if file.is_file())
