"""A way to servers that can be cut, and that shows what goes over it."""

import contextlib
import socket
import threading

PIECE = 64 * 1024


class Relay:
    """Passes connections on to the first server that takes them.

    `changes` are texts of the server's and what the client hears instead; both have the same length, and none
    is split, because a server writes it in one piece.
    """

    def __init__(self, *servers, changes=()):
        self.servers = servers
        self.changes = [(old.encode(), new.encode()) for old, new in changes]
        # What clients have said first, in the order in which they did.
        self.heads = []
        self.changed = 0
        self.ways = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        host, port = self.listener.getsockname()
        self.address = f"{host}:{port}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        """Takes clients for as long as there is a listener."""
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far = self.server()
            if far is None:
                near.close()
                continue
            self.ways += [near, far]
            threading.Thread(target=self.pass_up, args=(near, far), daemon=True).start()
            threading.Thread(target=self.pass_down, args=(far, near), daemon=True).start()

    def server(self):
        """A connection to the first server that takes one."""
        for address in self.servers:
            host, port = address.split(":")
            with contextlib.suppress(OSError):
                return socket.create_connection((host, int(port)))
        return None

    def pass_up(self, near, far):
        """What a client says; its first piece is kept."""
        with contextlib.suppress(OSError):
            first = near.recv(PIECE)
            if first:
                self.heads.append(first.decode(errors="replace"))
            far.sendall(first)
            while piece := near.recv(PIECE):
                far.sendall(piece)
            far.shutdown(socket.SHUT_WR)

    def pass_down(self, far, near):
        """What a server says."""
        with contextlib.suppress(OSError):
            while piece := far.recv(PIECE):
                for old, new in self.changes:
                    self.changed += piece.count(old)
                    piece = piece.replace(old, new)
                near.sendall(piece)
            near.shutdown(socket.SHUT_WR)

    def cut(self):
        """Cuts every connection, at both ends."""
        for end in self.ways:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self.ways.clear()

    def requests(self, start):
        """The requests that begin so."""
        return [head for head in self.heads if head.startswith(start)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # Wakes the thread that accepts.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.cut()
