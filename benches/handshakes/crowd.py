"""Clients that shake hands, a wave at a time; only what it costs the gateway counts."""

import socket

from benches.measured.joining import await_hello, upgrade

# Under way at once.
WAVE = 50


class Crowd:
    """Clients; those that got in stay until the end."""

    def __init__(self, port):
        self.port, self.there, self.let_in, self.refused = port, [], 0, 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for client in self.there:
            client.close()

    def shake_hands(self, tokens):
        """A handshake for each token."""
        for first in range(0, len(tokens), WAVE):
            wave = tokens[first:first + WAVE]
            clients = [socket.create_connection(("127.0.0.1", self.port), 10) for _ in wave]
            for client, token in zip(clients, wave, strict=True):
                client.sendall(upgrade(token))
            for client in clients:
                self.settle(client)

    def settle(self, client):
        """Reads what becomes of one."""
        try:
            await_hello(client)
        except (ConnectionResetError, ValueError):
            self.refused += 1
            client.close()
            return
        self.let_in += 1
        self.there.append(client)
