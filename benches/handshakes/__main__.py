"""CPU of a gateway for each handshake: with tokens it sees for the first time and again, and for those
it refuses.

    cargo build --release -p holdfast
    python3 -m benches.handshakes

With `--before DIRECTORY` (of another build's binary) both are measured in turns.
"""

import argparse
import contextlib
import json
import statistics
import sys
import tempfile
from pathlib import Path

from benches.measured import namespace
from benches.measured.client import Client
from benches.measured.holdfast import CLIENTS, SECRET, Holdfast
from benches.measured.readings import cpu_seconds
from benches.measured.tokens import P256, hs256, key_pair, signed

from .crowd import Crowd

# As openssl-genpkey(1) makes them.
KEYS = {
    "ES256": P256,
    "RS256": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
}


def options():
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="benches.handshakes", description=__doc__.split("\n\n")[0])
    add = parser.add_argument
    add("--binaries", type=Path, default=Path("target/release"))
    add("--before", type=Path, metavar="DIRECTORY", help="of another build's binary")
    add("--count", type=int, default=4000, help="handshakes of each kind [default: 4000]")
    add("--sessions", type=int, default=18_000, help="for the handshakes a second [default: 18000]")
    add("--client", type=Path, help="the load client of both [default: the one of --binaries]")
    add("--rounds", type=int, default=3)
    add("--out", type=Path, default=Path("target/bench/handshakes.json"))
    given = parser.parse_args()
    given.client = given.client or given.binaries / "holdfast"
    return given


class Signers:
    """Keys and the tokens signed with them, the same for all rounds and builds."""

    def __init__(self, given, directory):
        self.public, self.private, self.tokens = {}, {}, {}
        self.secret = directory / "secret"
        self.secret.write_text(SECRET)
        users = [f"user{number}" for number in range(given.count)]
        self.tokens["HS256"] = [hs256(SECRET, user) for user in users]
        for name, how in KEYS.items():
            private, public = key_pair(directory, name, how)
            self.private[name], self.public[name] = private, public
            print(f"signing {given.count} tokens, {name}", file=sys.stderr)
            self.tokens[name] = [signed(given.binaries / "holdfast", private, user) for user in users]


@contextlib.contextmanager
def gateway(binaries, *flags):
    """A gateway with one worker, behind a pusher-api, and its clients."""
    with tempfile.TemporaryDirectory() as directory, \
            Holdfast(binaries / "holdfast", directory, flags=flags) as holdfast, \
            Crowd(CLIENTS) as crowd:
        holdfast.await_ready()
        yield holdfast, crowd


def cost(holdfast, count, act):
    """Microseconds of a gateway's CPU for each of so many."""
    before = cpu_seconds(holdfast.gateways)
    act()
    spent = cpu_seconds(holdfast.gateways) - before
    if not spent:
        raise SystemExit(f"--count: {count} cost less CPU than the kernel counts; give more, like 4000")
    return spent / count * 1e6


def keys(signers, name):
    """The flag that makes a gateway know a key; every one knows the secret."""
    return ["--jwt-public-key", signers.public[name]] if name in signers.public else []


def let_in(given, binaries, signers, name):
    """New tokens, and the same again at once."""
    tokens = signers.tokens[name]
    with gateway(binaries, *keys(signers, name)) as (holdfast, crowd):
        found = {}
        for what in ("new", "seen"):
            found[f"{name}, {what}"] = cost(holdfast, given.count, lambda: crowd.shake_hands(tokens))
        expect(crowd, let_in=2 * given.count)
    return found


def expect(crowd, **counts):
    """Ends the run where something else was measured than what the table says."""
    for what, count in counts.items():
        if getattr(crowd, what) < count * 0.95:
            raise SystemExit(f"{what}: {getattr(crowd, what)} of {count}")


def rate(given, binaries, signers, name):
    """Handshakes a second that this machine does with new tokens; the load client signs them."""
    flags = ["--token-private-key", signers.private[name]] if name in signers.private else \
        ["--token-secret-file", signers.secret]
    with gateway(binaries, *keys(signers, name)) as (holdfast, _):
        client = Client(given.client, "idle", "--hold", "0s", "--target", holdfast.target, *flags,
                        sessions=given.sessions)
        return client.report()["sessions"]["per_second"]


def refused(given, binaries, signers, flags):
    """Those that are one too many."""
    tokens = signers.tokens["ES256"]
    with gateway(binaries, *keys(signers, "ES256"), *flags) as (holdfast, crowd):
        crowd.shake_hands(tokens[:1])
        spent = cost(holdfast, given.count, lambda: crowd.shake_hands(tokens))
        expect(crowd, refused=given.count)
    return spent


def measured(given, binaries, signers):
    """Microseconds of one build in one round."""
    found = {}
    for name in ("HS256", "ES256", "RS256"):
        found |= let_in(given, binaries, signers, name)
    for flag in ("--handshake-rate", "--max-sessions"):
        found[f"ES256, refused for {flag}"] = refused(given, binaries, signers, [flag, "1"])
    for name in ("HS256", "ES256"):
        found[f"handshakes a second, {name}, new"] = rate(given, binaries, signers, name)
    found["ES256 / HS256, handshakes a second"] = \
        found["handshakes a second, ES256, new"] / found["handshakes a second, HS256, new"]
    for what in ("new", "seen"):
        found[f"HS256 / ES256, {what}"] = found[f"HS256, {what}"] / found[f"ES256, {what}"]
    return found


def main():
    """Measures, and prints the table."""
    given = options()
    namespace.enter()
    builds = {"before": given.before, "now": given.binaries} if given.before else {"now": given.binaries}
    rounds = {name: [] for name in builds}
    given.out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        signers = Signers(given, Path(directory))
        for number in range(given.rounds):
            for name, binaries in builds.items():
                print(f"round {number + 1} of {given.rounds}: {name}", file=sys.stderr)
                rounds[name].append(measured(given, binaries, signers))
                given.out.write_text(json.dumps(rounds, indent=1) + "\n")
    print(f"| CPU of the gateway a handshake, µs; ratios; handshakes a second | {' | '.join(builds)} |")
    print("|---|" + "--:|" * len(builds))
    for what in rounds["now"][0]:
        cells = [statistics.median(found[what] for found in rounds[name]) for name in builds]
        shown = [f"{cell:.2f}" if cell < 2 else f"{cell:,.0f}" for cell in cells]
        print(f"| {what} | {' | '.join(shown)} |")


if __name__ == "__main__":
    main()
