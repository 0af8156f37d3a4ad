"""Certificates for tests: an authority's, and those that it signs. Needs the library cryptography."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

BEGIN, END = datetime(2020, 1, 1, tzinfo=UTC), datetime(2120, 1, 1, tzinfo=UTC)
# The end of one whose time is over.
OVER = datetime(2021, 1, 1, tzinfo=UTC)
LOCAL = ("localhost", "127.0.0.1")
PEM = serialization.Encoding.PEM


def names(texts: tuple[str, ...]) -> x509.SubjectAlternativeName:
    """Names and addresses that a certificate is for."""
    def name(text: str) -> x509.GeneralName:
        try:
            return x509.IPAddress(ipaddress.ip_address(text))
        except ValueError:
            return x509.DNSName(text)
    return x509.SubjectAlternativeName([name(text) for text in texts])


def certificate(subject: str, key, issuer, signer, of=(), purposes=(), end=END) -> x509.Certificate:
    """One for a key, signed by another; an authority's without purposes, its own without an issuer."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    builder = x509.CertificateBuilder(
        issuer_name=issuer.subject if issuer else name,
        subject_name=name,
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=BEGIN,
        not_valid_after=end,
    )
    builder = builder.add_extension(x509.BasicConstraints(not purposes, None), critical=True)
    if purposes:
        builder = builder.add_extension(names(of), critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    return builder.sign(signer, hashes.SHA256())


def write(folder: Path, name: str, one: x509.Certificate, key=None) -> None:
    """A certificate, and its key where somebody needs that."""
    (folder / f"{name}.pem").write_bytes(one.public_bytes(PEM))
    if key:
        secret = key.private_bytes(
            PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        (folder / f"{name}.key.pem").write_bytes(secret)
