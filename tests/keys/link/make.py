#!/usr/bin/env python3
"""Makes the certificates and keys in this folder anew, with the library cryptography."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

FOLDER = Path(__file__).parent
BEGIN, END = datetime(2020, 1, 1, tzinfo=UTC), datetime(2120, 1, 1, tzinfo=UTC)
OVER = datetime(2021, 1, 1, tzinfo=UTC)
PEM = serialization.Encoding.PEM


def signed(name: str, key, issuer, signer, end=END) -> x509.Certificate:
    """A certificate for a key: an authority's, or one for both ends of a link on this machine."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder(
        issuer_name=issuer.subject if issuer else subject,
        subject_name=subject,
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=BEGIN,
        not_valid_after=end,
    )
    builder = builder.add_extension(x509.BasicConstraints(issuer is None, None), critical=True)
    if issuer:
        local = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        ends = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        builder = builder.add_extension(x509.SubjectAlternativeName(local), critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage(ends), critical=False)
    return builder.sign(signer, hashes.SHA256())


def main() -> None:
    """Writes all of them; nobody signs anything else, so authorities' keys are not kept."""
    kinds = {
        "authority": {"gateway": END, "renewed": END, "pusher-api": END, "expired": OVER},
        "other-authority": {"stranger": END},
    }
    for authority, names in kinds.items():
        root = ec.generate_private_key(ec.SECP256R1())
        issuer = signed(authority, root, None, root)
        (FOLDER / f"{authority}.pem").write_bytes(issuer.public_bytes(PEM))
        for name, end in names.items():
            key = ec.generate_private_key(ec.SECP256R1())
            certificate = signed(name, key, issuer, root, end)
            (FOLDER / f"{name}.pem").write_bytes(certificate.public_bytes(PEM))
            secret = key.private_bytes(
                PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            (FOLDER / f"{name}.key.pem").write_bytes(secret)


if __name__ == "__main__":
    main()
