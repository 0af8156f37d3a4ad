"""The virtual machine: how it is started, watched and ended."""

import os
import re
import selectors
import subprocess
import sys
import time

# What qemu takes beside the guest's own memory.
OVERHEAD = 768 << 20
# A guest that starts at all says so within this.
TRIAL_SECONDS = 20
PROBLEMS = re.compile(r"Out of memory|Killed process|Call Trace|Kernel panic|BUG:|soft lockup|"
                      r"rcu:.*stall|TCP: |file-max|segfault")
# Emulated processors that wait for real ones look stuck: the kernel's checks of its timer, and its
# watchdogs, would end a guest that is only slow. It would also measure the wrong speed of its
# processors' own clock, and then time itself runs several times too fast. Without thash_entries the
# table of connections has room for a tenth of them.
BOOT = ("console=ttyS0 quiet loglevel=4 panic=-1 mitigations=off no_timer_check clocksource=hpet "
        "nowatchdog rcupdate.rcu_cpu_stall_timeout=300 thash_entries=2097152")
# qemu64 lacks what the guest's libraries want to be fast; max has all that can be emulated.
ACCELERATORS = {
    "kvm": ["-accel", "kvm", "-cpu", "host"],
    "tcg": ["-accel", "tcg,thread=multi,tb-size=256", "-cpu", "max"],
}


def command(accel, processors, memory, kernel, initramfs):
    """A machine with two serial ports and nothing else."""
    return ["qemu-system-x86_64", *ACCELERATORS[accel], "-smp", str(processors),
            "-m", f"{memory >> 20}M", "-nodefaults", "-no-user-config", "-nographic",
            "-no-reboot", "-nic", "none", "-serial", "stdio",
            "-kernel", str(kernel), "-initrd", str(initramfs), "-append", BOOT]


def accelerator(wanted, kernel, trial):
    """Kvm where a guest starts with it. The device alone proves nothing: in a virtual machine it
    may be there and not work."""
    if wanted != "auto":
        return wanted
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        print("no /dev/kvm for us: emulating, slowly", flush=True)
        return "tcg"
    try:
        run = subprocess.run(command("kvm", 1, 256 << 20, kernel, trial), stdin=subprocess.DEVNULL,
                             capture_output=True, timeout=TRIAL_SECONDS, check=False)
        started = b"@million trial" in run.stdout
    except subprocess.TimeoutExpired:
        started = False
    if not started:
        print("no guest starts with /dev/kvm here: emulating, slowly", flush=True)
    return "kvm" if started else "tcg"


class Guest:
    """A running guest."""

    def __init__(self, accel, processors, memory, kernel, initramfs, work):
        self.results = work / "results.tar.gz"
        self.results.unlink(missing_ok=True)
        self.console = (work / "console.log").open("w")
        self.started = time.monotonic()
        line = command(accel, processors, memory, kernel, initramfs)
        self.process = subprocess.Popen([*line, "-serial", f"file:{self.results}"],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)

    def follow(self, limit):
        """Prints what the guest says until it ends or `limit` seconds are over."""
        try:
            for line in self.lines(limit):
                self.show(line)
        finally:
            self.end()

    def lines(self, limit):
        """The console's lines, until the guest is off or its time is up."""
        pending = b""
        with selectors.DefaultSelector() as ready:
            ready.register(self.process.stdout, selectors.EVENT_READ)
            while (left := self.started + limit - time.monotonic()) > 0:
                if not ready.select(left):
                    continue
                data = os.read(self.process.stdout.fileno(), 65536)
                if not data:
                    return
                *lines, pending = (pending + data).split(b"\n")
                yield from (line.decode(errors="replace").rstrip("\r") for line in lines)
        print(f"not done within {limit} s: ending the guest", file=sys.stderr)

    def show(self, line):
        """A line of progress, or the kernel's if it tells of trouble; all of them are kept."""
        self.console.write(line + "\n")
        self.console.flush()
        _, mark, told = line.partition("@million ")
        elapsed = f"{time.monotonic() - self.started:6.0f} s  "
        if mark and told.startswith("progress "):
            print(elapsed + sentence(told), flush=True)
        elif mark and told != "done":
            print(elapsed + told.removeprefix("step "), flush=True)
        elif PROBLEMS.search(line):
            print(f"{elapsed}kernel: {line}", flush=True)

    def end(self):
        """The guest is gone after this."""
        if self.process.poll() is None:
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.terminate()
                self.process.wait()
        self.console.close()


def sentence(told):
    """One line of figures, as people read them."""
    fields = dict(pair.split("=", 1) for pair in told.split()[1:])
    mib = {name: int(fields[name] or 0) // 1024 for name in ("gateway", "client", "slab", "free")}
    return (f"{fields['doing']:<9} {fields['held']:>8} held {fields['failed']:>4} failed "
            f"{fields['lost']:>4} lost {fields['messages']:>8} messages | MiB: gateway "
            f"{mib['gateway']}, client {mib['client']}, kernel slabs {mib['slab']}, "
            f"free {mib['free']}")
