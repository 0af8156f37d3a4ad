"""Measures what a held HTTP request costs: server-sent events, then long polls that are answered after 30 to
90 s, each with tokens that are signed with a secret (HS256) and with a private key (ES256).

    cargo build --release -p holdfast
    python3 -m benches.held_requests

As root it runs in a network namespace of its own.
"""

import argparse
import signal
import sys
import tempfile
from pathlib import Path

from benches.measured import namespace
from benches.measured.holdfast import Holdfast
from benches.measured.numbers import show
from benches.measured.page import put_into
from benches.measured.tokens import es256_keys

from .holding import PATHS, hold

# A process may open 20,000 descriptors on many machines; some are not sessions.
PER_GATEWAY = 18_000
NAMES = {"sse": "server-sent events", "poll": "long polls of 30 to 90 s"}
COLUMNS = [
    ("held to the end", lambda it: f"{it['held']:,}"),
    ("opened a second", lambda it: show(it["per_second"])),
    ("RSS of the gateways a request, bytes", lambda it: show(it["bytes"])),
    ("of that, not of files", lambda it: show(it["own_bytes"])),
    ("RSS before CPU was looked at", lambda it: show(it["early_bytes"])),
    ("kernel's slabs a request, both ends, bytes", lambda it: show(it["slab_bytes"])),
    ("asked again a second", lambda it: show(it["polls"])),
    ("idle CPU of all gateways, cores", lambda it: show(it["cores"])),
    ("of each, on average", lambda it: f"{it['cores'] / it['gateways']:.1%}"),
]
HEAD = "| What is held | Tokens | " + " | ".join(name for name, _ in COLUMNS) + " |\n"
RULE = "|---|---|" + "--:|" * len(COLUMNS) + "\n"


def options():
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="benches.held_requests", description=__doc__.split("\n\n")[0])
    add = parser.add_argument
    add("--sessions", type=int, default=100_000)
    add("--gateways", type=int, help="[default: as many as sessions need]")
    add("--seconds", type=int, default=100, help="over which CPU is looked at [default: 100]")
    add("--only", action="append", choices=PATHS, help="only these (repeatable)")
    add("--tokens", action="append", choices=["HS256", "ES256"], help="only these (repeatable)")
    add("--binaries", type=Path, default=Path("target/release"))
    add("--page", type=Path, help="put the table into this page, between its marks")
    add("--no-namespace", action="store_true", help="stay in this network namespace")
    given = parser.parse_args()
    given.gateways = given.gateways or -(-given.sessions // PER_GATEWAY)
    given.program = given.binaries / "holdfast"
    return given


def measure(given):
    """The lines of the table, one run after another, each with gateways of its own."""
    for transport in given.only or PATHS:
        for algorithm in given.tokens or ["HS256", "ES256"]:
            print(f"{NAMES[transport]}, {algorithm}", file=sys.stderr)
            found = run(given, transport, algorithm)
            print(f"  {found}", file=sys.stderr)
            cells = " | ".join(cell(found) for _, cell in COLUMNS)
            yield f"| {NAMES[transport]} | {algorithm} | {cells} |\n"


def run(given, transport, algorithm):
    """One kind of request with one kind of token."""
    with tempfile.TemporaryDirectory() as directory:
        private, public = es256_keys(Path(directory))
        flags = ["--jwt-public-key", public] if algorithm == "ES256" else []
        with Holdfast(given.program, directory, given.gateways, flags=flags) as holdfast:
            holdfast.await_ready()
            secret = ["--token-secret-file", holdfast.secrets["jwt"]]
            signing = ["--token-private-key", private] if algorithm == "ES256" else secret
            return hold(given, holdfast, transport, signing) | {"gateways": given.gateways}


def main():
    """Measures, prints the table, and puts it where it is wanted."""
    given = options()
    namespace.enter(not given.no_namespace)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    table = HEAD + RULE + "".join(measure(given))
    print(table)
    if given.page:
        put_into(given.page, table)


if __name__ == "__main__":
    main()
