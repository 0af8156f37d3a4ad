#!/usr/bin/env python3
"""Makes the certificates and keys in this folder anew, with the library cryptography."""

from __future__ import annotations

import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
from tests.keys.signing import END, LOCAL, OVER, certificate, write

FOLDER = Path(__file__).parent
BOTH_ENDS = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]


def main() -> None:
    """Writes all of them; nobody signs anything else, so authorities' keys are not kept."""
    kinds = {
        "authority": {"gateway": END, "renewed": END, "pusher-api": END, "expired": OVER},
        "other-authority": {"stranger": END},
    }
    for authority, names in kinds.items():
        root = ec.generate_private_key(ec.SECP256R1())
        issuer = certificate(authority, root, None, root)
        write(FOLDER, authority, issuer)
        for name, end in names.items():
            key = ec.generate_private_key(ec.SECP256R1())
            write(FOLDER, name, certificate(name, key, issuer, root, LOCAL, BOTH_ENDS, end), key)


if __name__ == "__main__":
    main()
