"""A million sessions in one gateway process, in a guest of its own.

Boots a stock Debian kernel under qemu with the release binary in it, sets the guest's limits, runs
a gateway, a pusher-api and a load client there, and prints what was measured. Nothing of this
machine's own limits is touched, and the guest has no network. What was seen is kept in
target/guest/. Run from the repository's root: `python3 -m benches.guest`. See docs/guest.md.
"""

import os
import signal
import subprocess
import sys

from benches.measured.readings import available

from . import image, machine, table
from .options import BYTES_OF_GUEST, BYTES_PER_SESSION, ROOT, options, settle

WORK = ROOT / "target" / "guest"


def check_memory(wanted):
    """Refuses what would push this machine into swapping or killing."""
    there, needed = available(), wanted + machine.OVERHEAD
    if there < needed:
        fits = max(0, there - machine.OVERHEAD - BYTES_OF_GUEST) // BYTES_PER_SESSION
        raise SystemExit(
            f"error: the guest needs {needed / 2**30:.1f} GiB and {there / 2**30:.1f} GiB are "
            f"available; end something, or give less --memory or fewer --sessions: about {fits} fit")


def parameters(given):
    """What the guest is told, as shell variables."""
    told = {"SESSIONS": given.sessions, "HOLD": given.hold, "PING_INTERVAL": given.ping_interval,
            "PUSH_RATE": given.push_rate, "PUSH_FOR": given.push_for, "STORM": given.storm,
            "CONCURRENCY": given.concurrency, "PATIENCE": given.patience,
            "RAMP_LIMIT": given.ramp_limit}
    return "".join(f"{name}={value}\n" for name, value in told.items())


def unpack(results):
    """Puts the guest's files into target/guest/results."""
    folder = image.empty(WORK / "results")
    if subprocess.run(["tar", "-xzmf", results, "-C", folder], check=False).returncode != 0:
        raise SystemExit(f"error: the guest sent no results; what it said: {WORK}/console.log")
    return folder


def main():
    """Boots the guest, shows what it sent; 0 if every session was held to the end."""
    given = options()
    if os.uname().machine != "x86_64":
        raise SystemExit("error: the guest is an x86-64 one and runs this machine's binary")
    if not given.binary.is_file():
        raise SystemExit(f"error: {given.binary} is missing; run cargo build --release")
    WORK.mkdir(parents=True, exist_ok=True)
    image.install_tools()
    kernel = given.kernel or image.kernel(WORK)
    busybox = image.busybox(WORK)
    accel = machine.accelerator(given.accel, kernel, image.trial(WORK, busybox))
    settle(given, accel)
    check_memory(given.memory)
    initramfs = image.build(WORK, busybox, given.binary, parameters(given))
    print(f"{given.sessions} sessions in a guest of {given.memory / 2**30:.1f} GiB, {accel}, pings "
          f"every {given.ping_interval} s; ends after {given.timeout} s at the latest", flush=True)
    guest = machine.Guest(accel, given.smp, given.memory, kernel, initramfs, WORK)
    guest.follow(given.timeout)
    title = f"{given.sessions} sessions in one gateway process, {accel}"
    return 0 if table.show(unpack(guest.results), title, WORK) else 1


if __name__ == "__main__":
    # However it is told to end, the guest ends first; in the background SIGINT was ignored so far.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
