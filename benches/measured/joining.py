"""How a client becomes a session over WebSocket."""

import socket


def upgrade(token, version=13):
    """A client's request for a WebSocket (RFC 6455 section 4.1); a token may come in a message instead."""
    shown = f"Authorization: Bearer {token}\r\n" if token else ""
    return (
        "GET /v1/ws HTTP/1.1\r\nHost: holdfast\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Version: {version}\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        f"{shown}\r\n"
    ).encode()


def await_hello(client):
    """Reads until the client has its hello, all in one; a ValueError says what came instead."""
    read = b""
    while b'"hello"' not in read:
        more = client.recv(65536)
        if not more:
            raise ValueError(read)
        read += more
    return read


def join(port, token, patience):
    """A session that has its hello; none of its steps takes longer than this many seconds."""
    client = socket.create_connection(("127.0.0.1", port), patience)
    try:
        client.sendall(upgrade(token))
        await_hello(client)
    except BaseException:
        client.close()
        raise
    return client
