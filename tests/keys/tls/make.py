#!/usr/bin/env python3
"""Makes the certificates and keys in this folder anew, with the library cryptography."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

FOLDER = Path(__file__).parent
BEGIN, END = datetime(2020, 1, 1, tzinfo=UTC), datetime(2120, 1, 1, tzinfo=UTC)
LOCAL = ("localhost", "127.0.0.1")


def names(texts: tuple[str, ...]) -> x509.SubjectAlternativeName:
    """Names and addresses that a certificate is for."""
    def name(text: str) -> x509.GeneralName:
        try:
            return x509.IPAddress(ipaddress.ip_address(text))
        except ValueError:
            return x509.DNSName(text)
    return x509.SubjectAlternativeName([name(text) for text in texts])


def certificate(key, of, issuer, signer, purpose=None, end=END) -> x509.Certificate:
    """One for a key, signed by another."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, of[0])])
    builder = x509.CertificateBuilder(
        issuer_name=issuer.subject if issuer else subject,
        subject_name=subject,
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=BEGIN,
        not_valid_after=end,
    )
    builder = builder.add_extension(x509.BasicConstraints(purpose is None, None), critical=True)
    if purpose:
        builder = builder.add_extension(names(of), critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    return builder.sign(signer, hashes.SHA256())


def write(name: str, key, *chain: x509.Certificate) -> None:
    """A certificate with those behind it, and its key."""
    pem = b"".join(one.public_bytes(serialization.Encoding.PEM) for one in chain)
    (FOLDER / f"{name}.pem").write_bytes(pem)
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (FOLDER / f"{name}.key.pem").write_bytes(secret)


def main() -> None:
    """Writes all of them."""
    root = ec.generate_private_key(ec.SECP256R1())
    authority = certificate(root, ("Holdfast's tests",), None, root)
    (FOLDER / "authority.pem").write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    server, client = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
    kinds = {
        "localhost": (ec.generate_private_key(ec.SECP256R1()), LOCAL, server, END),
        "renewed": (ec.generate_private_key(ec.SECP256R1()), LOCAL, server, END),
        "named": (ec.generate_private_key(ec.SECP256R1()), ("a.test", "*.b.test"), server, END),
        "p384": (ec.generate_private_key(ec.SECP384R1()), LOCAL, server, END),
        "ed25519": (ed25519.Ed25519PrivateKey.generate(), LOCAL, server, END),
        "rsa": (rsa.generate_private_key(65537, 2048), LOCAL, server, END),
        "expired": (
            ec.generate_private_key(ec.SECP256R1()),
            LOCAL,
            server,
            datetime(2021, 1, 1, tzinfo=UTC),
        ),
        "client": (ec.generate_private_key(ec.SECP256R1()), ("pusher-api",), client, END),
    }
    for name, (key, of, purpose, end) in kinds.items():
        write(name, key, certificate(key, of, authority, root, purpose, end))


if __name__ == "__main__":
    main()
