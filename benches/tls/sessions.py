"""Sessions of the TCP transport, with or without TLS, in one process."""

import json
import socket
import ssl


def context(authority):
    """What a client believes, and that it resumes nothing by itself."""
    made = ssl.create_default_context(cafile=authority)
    made.check_hostname = True
    return made


def join(port, user, tls=None):
    """Opens a session and waits for its hello."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=60)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if tls:
        connection = tls.wrap_socket(connection, server_hostname="localhost")
    connection.sendall(json.dumps({"type": "connect", "user": user}).encode() + b"\n")
    heard = b""
    while not heard.endswith(b"\n"):
        heard += connection.recv(4096)
    if b'"hello"' not in heard:
        raise SystemExit(f"no hello: {heard!r}")
    return connection


def open_many(port, count, tls=None, name="u"):
    """So many of them."""
    return [join(port, f"{name}{number}", tls) for number in range(count)]
