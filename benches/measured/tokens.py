"""Tokens of clients (RFC 7519), and the request that opens a WebSocket with one."""

import base64
import hashlib
import hmac
import json
import subprocess
import time


def hs256(secret, user):
    """Signed with a secret, valid for an hour."""
    def text(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=")

    head = text(b'{"alg":"HS256","typ":"JWT"}')
    claims = text(json.dumps({"sub": user, "exp": int(time.time()) + 3600}).encode())
    signature = hmac.digest(secret.encode(), head + b"." + claims, hashlib.sha256)
    return b".".join((head, claims, text(signature))).decode()


def signed(program, key, user):
    """Signed by `holdfast token` with a private key, for an hour."""
    command = [program, "token", "--user", user, "--private-key", key]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def upgrade(token, version=13):
    """A client's request for a WebSocket (RFC 6455 section 4.1)."""
    return (
        "GET /v1/ws HTTP/1.1\r\nHost: holdfast\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Version: {version}\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        f"Authorization: Bearer {token}\r\n\r\n"
    ).encode()
