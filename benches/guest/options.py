"""What can be chosen for the guest, and what follows from it."""

import argparse
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}
# Both ends of a session with all that belongs to them, and what the guest needs anyway.
BYTES_PER_SESSION, BYTES_OF_GUEST = 14_000, 1 << 30
# What an emulated machine of two cores answers in a second, beside everything else.
EMULATED_PINGS = 500


def seconds(text):
    """A duration as whole seconds, at least one."""
    match = re.fullmatch(r"(\d+)(ms|s|m|h)", text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is not a duration; write it like 30s or 10m")
    return max(1, int(int(match[1]) * UNITS[match[2]]))


def size(text):
    """A size in bytes."""
    match = re.fullmatch(r"(\d+)([MG])", text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size; write it like 2048M or 14G")
    return int(match[1]) << (20 if match[2] == "M" else 30)


def options():
    """What the command line says."""
    description = "A million sessions in one gateway process, in a guest of its own."
    parser = argparse.ArgumentParser(prog="benches.guest", description=description)
    add = parser.add_argument
    add("--sessions", type=int, default=1_000_000, metavar="N", help="[default: 1000000]")
    add("--hold", type=seconds, default="10m", metavar="DURATION", help="[default: 10m]")
    add("--memory", type=size, metavar="SIZE",
        help="of the guest [default: 1 GiB and 14 kB a session, 14G for a million]")
    add("--smp", type=int, default=2, metavar="N", help="processors of the guest [default: 2]")
    add("--accel", choices=["auto", "kvm", "tcg"], default="auto",
        help="auto takes kvm if a guest starts with it, and emulates (tcg) otherwise")
    add("--ping-interval", type=seconds, metavar="DURATION",
        help="[default: 25s; emulated, longer where 25s would be too many pings]")
    add("--push-rate", type=int, metavar="N", help="pushes a second [default: kvm 1000, tcg 100]")
    add("--push-for", type=seconds, default="30s", metavar="DURATION", help="[default: 30s]")
    add("--storm", type=int, metavar="N",
        help="then open all again, and let so many leave and come back at once; 0 is none "
             "[default: kvm 34 %% of the sessions, tcg 0, because it takes as long again]")
    add("--concurrency", type=int, default=512, metavar="N",
        help="handshakes under way at once [default: 512]")
    add("--timeout", type=seconds, metavar="DURATION",
        help="ends the guest after this, whatever it does [default: by sessions and hold]")
    add("--binary", type=Path, default=ROOT / "target/release/holdfast", metavar="FILE",
        help="[default: target/release/holdfast]")
    add("--kernel", type=Path, metavar="FILE",
        help="boot this one [default: Debian's linux-image-cloud-amd64]")
    given = parser.parse_args()
    if not 1 <= given.sessions <= 1_500_000:
        parser.error("--sessions: between 1 and 1500000, what 4 addresses and 31 ports carry")
    if given.storm is not None and not 0 <= given.storm < given.sessions:
        parser.error("--storm: fewer than --sessions, so that there are others")
    return given


def settle(given, accel):
    """Fills in what depends on other choices."""
    emulated = accel == "tcg"
    given.memory = given.memory or BYTES_OF_GUEST + BYTES_PER_SESSION * given.sessions
    per_second = EMULATED_PINGS if emulated else 100_000
    given.ping_interval = given.ping_interval or max(25, given.sessions // per_second)
    given.push_rate = given.push_rate or (100 if emulated else 1000)
    if given.storm is None:
        given.storm = 0 if emulated else given.sessions * 34 // 100
    given.patience = 300 if emulated else 60
    given.ramp_limit = 300 + given.sessions // (250 if emulated else 3_000)
    given.timeout = given.timeout or (
        given.ramp_limit * (3 if given.storm else 1) + given.push_for + given.hold
        + 8 * given.patience)
