"""A crowd of hostile peers of one kind, in a process of its own: bounded in number, time and how
often they come again.

    python3 -m benches.hostile.crowd GROUP KIND HOST:PORT COUNT SECONDS SECRET
"""

import json
import random
import selectors
import socket
import sys
import time

from . import peers

GROUPS = {
    "without_credentials": peers.without_credentials, "on_tcp": peers.on_tcp,
    "on_backends": peers.on_backends, "with_key": peers.with_key,
    "with_sessions": peers.with_sessions,
}
# Connections opened a second, at first and when they come again.
RATE = 4000
IP_BIND_ADDRESS_NO_PORT = 24
# What one peer may send in all, so that a crowd stays bounded whatever the server takes.
MOST_BYTES = 20 << 20


class Peer:
    """One connection."""

    def __init__(self, crowd):
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        self.socket.bind((f"127.0.1.{random.randrange(1, 33)}", 0))
        if not crowd.kind.reads:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.waiting = bytes(crowd.kind.first() if crowd.kind.first else b"")
        self.sent = 0
        self.due = time.monotonic() + crowd.kind.every * random.random()
        self.socket.connect_ex(crowd.target)
        crowd.selector.register(self.socket, selectors.EVENT_WRITE, self)

    def events(self, kind):
        """What it waits for now."""
        more = self.waiting or (kind.later and kind.every == 0 and self.sent < MOST_BYTES)
        wants = selectors.EVENT_WRITE if more else 0
        return (wants | selectors.EVENT_READ) if kind.reads else wants


class Crowd:
    """All peers."""

    def __init__(self, kind, target, wanted):
        self.kind, self.target, self.wanted = kind, target, wanted
        self.selector = selectors.DefaultSelector()
        self.peers, self.opened, self.ended, self.budget = set(), 0, 0, 0.0

    def run(self, seconds):
        """Until the time is up."""
        end, last, due = time.monotonic() + seconds, time.monotonic(), 0
        while (now := time.monotonic()) < end:
            self.budget = min(self.budget + (now - last) * RATE, RATE / 10)
            last = now
            self.open()
            for key, events in self.selector.select(0.02):
                self.on_ready(key.data, events)
            if now >= due:
                due = now + 0.25
                self.on_time(now)

    def open(self):
        """Opens those that are missing, as far as the rate allows."""
        allowed = self.wanted if self.kind.returns else self.wanted - self.ended
        while len(self.peers) < allowed and self.budget >= 1:
            self.budget -= 1
            self.opened += 1
            try:
                self.peers.add(Peer(self))
            except OSError:
                return

    def on_time(self, now):
        """Those that say something now and then."""
        if not self.kind.later or self.kind.every == 0:
            return
        for peer in [peer for peer in self.peers if peer.due <= now]:
            peer.due = now + self.kind.every
            peer.waiting += self.kind.later()
            self.settle(peer)

    def on_ready(self, peer, events):
        """Reads and writes as far as it goes."""
        try:
            ended = events & selectors.EVENT_READ and not peer.socket.recv(65536)
            if events & selectors.EVENT_WRITE:
                self.write(peer)
        except BlockingIOError:
            ended = False
        except OSError:
            ended = True
        if ended:
            self.end(peer)
        else:
            self.settle(peer)

    def write(self, peer):
        """Sends what waits, or the next of what never ends."""
        if not peer.waiting and self.kind.later and self.kind.every == 0:
            peer.waiting = self.kind.later()
        if peer.waiting:
            taken = peer.socket.send(peer.waiting)
            peer.sent += taken
            peer.waiting = peer.waiting[taken:]

    def settle(self, peer):
        """Waits for what the peer wants next; one that wants nothing is still watched for its end."""
        events = peer.events(self.kind)
        known = peer.socket in self.selector.get_map()
        if events and known:
            self.selector.modify(peer.socket, events, peer)
        elif events:
            self.selector.register(peer.socket, events, peer)
        elif known:
            self.selector.unregister(peer.socket)

    def end(self, peer):
        """It was sent away."""
        if peer.socket in self.selector.get_map():
            self.selector.unregister(peer.socket)
        peer.socket.close()
        self.peers.discard(peer)
        self.ended += 1


def main():
    """Runs a crowd and says what became of it."""
    group, kind, target, wanted, seconds, secret = sys.argv[1:]
    host, _, port = target.rpartition(":")
    crowd = Crowd(GROUPS[group](secret)[kind], (host, int(port)), int(wanted))
    crowd.run(float(seconds))
    print(json.dumps({"opened": crowd.opened, "ended": crowd.ended, "there": len(crowd.peers)}))


if __name__ == "__main__":
    main()
