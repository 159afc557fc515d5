"""The twins' certificate for localhost, and the authority behind it: Azure's clients send tokens over TLS only.

The authority's key is never written: so nobody who reads the folder can vouch for another name. When the certificate
nears its end, both are made anew.
"""

import os
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.exceptions import InvalidSignature

_NAMES = ("localhost", "127.0.0.1", "::1")
_LIFE = timedelta(days=365)
_SPARE = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Certificates:
    """``ca_file`` is what a client must trust; ``server_file`` holds the key and the certificate of localhost."""

    ca_file: Path
    server_file: Path

    def context(self) -> ssl.SSLContext:
        """Return what a server on localhost serves with."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.server_file)
        return context


def kept(folder: Path) -> Certificates:
    """Return the certificates of ``folder``, made on first use, remade when they are spent or do not belong together.

    Raises:
        OSError: the folder cannot be written.
    """
    certificates = Certificates(folder / "ca.pem", folder / "server.pem")
    if not _good(certificates):
        _make(certificates)
    return certificates


def _good(certificates: Certificates) -> bool:
    try:
        authority = x509.load_pem_x509_certificate(certificates.ca_file.read_bytes())
        server = x509.load_pem_x509_certificate(certificates.server_file.read_bytes())
        server.verify_directly_issued_by(authority)
        certificates.context()
    except (OSError, ValueError, TypeError, InvalidSignature):  # ssl.SSLError is an OSError
        return False
    return server.not_valid_after_utc - datetime.now(UTC) > _SPARE


def _make(certificates: Certificates) -> None:
    authority = trustme.CA(organization_name="Charter twins")
    server = authority.issue_cert(*_NAMES, not_after=datetime.now(UTC) + _LIFE)
    certificates.ca_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _write(certificates.server_file, server.private_key_and_cert_chain_pem.bytes())
    _write(certificates.ca_file, authority.cert_pem.bytes())


def _write(path: Path, content: bytes) -> None:
    half = path.with_suffix(".new")  # renamed when whole: a kill leaves no half a certificate
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
    half.replace(path)
