"""What hostile peers say: bytes at the beginning, bytes now and then, and whether they read."""

import json
import os
import struct
from dataclasses import dataclass
from itertools import count

from benches.measured import joining, tokens

GET = b"GET / HTTP/1.1\r\nHost: holdfast\r\n\r\n"


@dataclass
class Kind:
    """One kind of peer. `first` and `later` make the bytes of the peer with a number."""

    first: object = None
    later: object = None
    """Seconds between what it says later; 0 is as fast as the server takes it."""
    every: float = 10
    reads: bool = True
    """Whether it comes again when it was sent away."""
    returns: bool = True


def upgrade(secret, user, version=13):
    """The request that becomes a WebSocket, with a token of this user's."""
    return joining.upgrade(tokens.hs256(secret, user), version)


def frame(payload, opcode=1, fin=True, length=None):
    """A masked WebSocket frame; `length` is what it claims, where that is not the truth."""
    head = bytes([(0x80 if fin else 0) | opcode])
    claimed = len(payload) if length is None else length
    if claimed < 126:
        head += bytes([0x80 | claimed])
    else:
        head += struct.pack("!BH", 0x80 | 126, claimed) if claimed < 65536 else \
            struct.pack("!BQ", 0x80 | 127, claimed)
    # A mask of zeros leaves the payload as it is (RFC 6455 section 5.3).
    return head + bytes(4) + payload


NUMBERS = count()


def joined(secret, then=b""):
    """A peer with a token, as a user of its own, and what it says at once."""
    def first():
        return upgrade(secret, f"hostile{os.getpid()}-{next(NUMBERS)}") + then
    return first


def subscription(number):
    """As many topics with as long names as a session may have."""
    topics = [f"{number}-{topic}-".ljust(128, "t") for topic in range(128)]
    return [frame(json.dumps({"type": "subscribe", "topics": topics[at:at + 32]}).encode())
            for at in range(0, 128, 32)]


def subscribed(secret):
    """A peer with a token that subscribes to topics nobody else has."""
    def first():
        return joined(secret, b"".join(subscription(next(NUMBERS))))()
    return first


def always(raw):
    """The same bytes for every peer."""
    return lambda: raw


def without_credentials(secret):
    """Peers that show nothing."""
    del secret
    return {
        "silent": Kind(),
        "kept alive": Kind(first=always(GET), later=always(GET), every=8),
        "half a head": Kind(first=always(b"GET /v1/ws HTTP/1.1\r\nHost: x\r\n")),
        "slow head": Kind(always(b"GET /v1/ws HTTP/1.1\r\nX: "), always(b"x"), every=2),
        "endless head": Kind(
            first=always(b"GET /v1/ws HTTP/1.1\r\n"),
            later=always(b"X-Filler: " + b"x" * 1000 + b"\r\n"), every=0,
        ),
        "unread pipeline": Kind(always(GET * 600), always(GET * 100), every=0, reads=False),
        "refused upgrade": Kind(
            first=always(upgrade("wrong", "nobody", version=12)), reads=False, returns=False,
        ),
        "nobody's WebSocket": Kind(first=always(joining.upgrade(None))),
        "forged token": Kind(first=always(upgrade("wrong", "nobody"))),
    }


def on_tcp(secret):
    """Peers of the TCP port."""
    del secret
    return {
        "tcp silent": Kind(),
        "tcp endless line": Kind(
            first=always(b'{"type":"connect","token":"'), later=always(b"x" * 1000), every=0,
        ),
        "tcp slow line": Kind(first=always(b'{"type":'), later=always(b" "), every=2),
    }


def on_backends(secret):
    """Peers of pusher-api that have no key, and those that have one and stop in the middle."""
    del secret
    head = b"POST /v1/push/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n"
    return {
        "body behind a 401": Kind(
            first=always(head + b"Content-Length: 10000000\r\n\r\n"), later=always(b"x" * 1000), every=0,
        ),
    }


def with_key(key):
    """Backends that stop in the middle."""
    head = (f"POST /v1/push/batch HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
            "Content-Type: application/x-ndjson\r\nContent-Length: 10000000\r\n\r\n").encode()
    return {"half a batch": Kind(first=always(head + b'{"to":{"user":"nobody"},"da'))}


def with_sessions(secret):
    """Peers that have a token and a session."""
    half = frame(b'"' + b"x" * 60_000, length=65_000)
    start = frame(b"", fin=False)
    return {
        "pings": Kind(first=joined(secret), later=always(frame(b"", 9) * 500), every=0),
        "empty fragments": Kind(
            first=joined(secret, start), later=always(frame(b"", 0, fin=False) * 500), every=0,
        ),
        "half frames": Kind(first=joined(secret, half)),
        "slow readers": Kind(first=joined(secret), reads=False),
        "long topics": Kind(first=subscribed(secret)),
    }
