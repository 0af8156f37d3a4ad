"""Tokens of clients (RFC 7519)."""

import base64
import hashlib
import hmac
import json
import subprocess
import time

# As openssl-genpkey(1) makes it.
P256 = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]


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


def key_pair(directory, name, how):
    """Files with a new private key, made as openssl-genpkey(1) says, and with its public one."""
    private, public = directory / f"{name}.pem", directory / f"{name}.public.pem"
    for command in (
        ["openssl", "genpkey", *how, "-out", private],
        ["openssl", "pkey", "-in", private, "-pubout", "-out", public],
    ):
        subprocess.run(command, check=True, capture_output=True)
    return private, public


def es256_keys(directory):
    """The same for ES256."""
    return key_pair(directory, "ES256", P256)
