#!/usr/bin/env python3
"""Makes the certificates and keys in this folder anew, with the library cryptography."""

from __future__ import annotations

import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
from tests.keys.signing import END, LOCAL, OVER, certificate, write

FOLDER = Path(__file__).parent


def main() -> None:
    """Writes all of them."""
    root = ec.generate_private_key(ec.SECP256R1())
    authority = certificate("Holdfast's tests", root, None, root)
    write(FOLDER, "authority", authority)
    server, client = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
    kinds = {
        "localhost": (ec.generate_private_key(ec.SECP256R1()), LOCAL, server, END),
        "renewed": (ec.generate_private_key(ec.SECP256R1()), LOCAL, server, END),
        "named": (ec.generate_private_key(ec.SECP256R1()), ("a.test", "*.b.test"), server, END),
        "p384": (ec.generate_private_key(ec.SECP384R1()), LOCAL, server, END),
        "ed25519": (ed25519.Ed25519PrivateKey.generate(), LOCAL, server, END),
        "rsa": (rsa.generate_private_key(65537, 2048), LOCAL, server, END),
        "expired": (ec.generate_private_key(ec.SECP256R1()), LOCAL, server, OVER),
        "client": (ec.generate_private_key(ec.SECP256R1()), ("pusher-api",), client, END),
    }
    for name, (key, of, purpose, end) in kinds.items():
        write(FOLDER, name, certificate(of[0], key, authority, root, of, [purpose], end), key)


if __name__ == "__main__":
    main()
