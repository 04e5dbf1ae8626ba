"""Certificates: what a listener shows its peers over TLS, and how a newer pair takes the older one's place.

Owns the terms of TLS (versions, ciphers, who must show a certificate). The bytes are `TlsLink`'s.
"""

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509


class TlsRefused(Exception):
    """Files that cannot serve TLS. The text is one line: the file, and what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFiles:
    """Where a listener's certificate is, in PEM.

    Attributes:
        certificate: the chain, the server's own certificate first.
        key: its private key, without a passphrase.
        client_ca: when given, only peers with a certificate below one of these are let in.
    """

    certificate: Path
    key: Path
    client_ca: Path | None = None

    def __iter__(self) -> Iterator[Path]:
        yield self.certificate
        yield self.key
        if self.client_ca is not None:
            yield self.client_ca


class Certificates:
    """What new connections are shown from now on; connections that are open keep what they saw.

    Attributes:
        files: where it was read from.
        context: the terms for a new connection.
        expires_at: when the server's own certificate ends, aware UTC.

    Raises:
        TlsRefused: the files cannot serve.
    """

    def __init__(self, files: TlsFiles) -> None:
        self.files = files
        self._stamps = _stamps(files)
        self.context = _load_context(files)
        self.expires_at = _expiry(files.certificate)

    def renew(self, files: TlsFiles | None = None) -> None:
        """Read the files again, or others instead of them.

        Raises:
            TlsRefused: they cannot serve; what was shown before is shown still.
        """
        files = files or self.files
        # Noted first: a pair that cannot serve is tried again when it changes, not at every look.
        self._stamps = _stamps(files)
        context, expires_at = _load_context(files), _expiry(files.certificate)
        self.files, self.context, self.expires_at = files, context, expires_at

    def changed(self) -> bool:
        """Whether a file is another than the one last read; a look at each file's inode."""
        return _stamps(self.files) != self._stamps


def _stamps(files: TlsFiles) -> list[tuple[int, int, int] | None]:
    return [_stamp(file) for file in files]


def _stamp(file: Path) -> tuple[int, int, int] | None:
    try:
        seen = file.stat()
    except OSError:
        return None
    return seen.st_ino, seen.st_size, seen.st_mtime_ns


def _load_context(files: TlsFiles) -> ssl.SSLContext:
    for file in files:
        _check_readable(file)
    # Not create_default_context: it would write session keys where SSLKEYLOGFILE points.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(files.certificate, files.key, password=_no_passphrase)
    except ssl.SSLError as error:
        raise TlsRefused(f"{files.certificate}, {files.key}: {_reason(error)}") from error
    if files.client_ca is not None:
        _demand_client_certificate(context, files.client_ca)
    return context


def _demand_client_certificate(context: ssl.SSLContext, client_ca: Path) -> None:
    context.verify_mode = ssl.CERT_REQUIRED
    # A resumed session is not verified again: it would outlive the removal of a CA.
    context.options |= ssl.OP_NO_TICKET
    context.num_tickets = 0
    try:
        context.load_verify_locations(cafile=client_ca)
    except ssl.SSLError as error:
        raise TlsRefused(f"{client_ca}: no certificate authority in PEM") from error


def _check_readable(file: Path) -> None:
    try:
        with file.open("rb"):
            return
    except OSError as error:
        raise TlsRefused(f"{file}: {error.strerror}") from error


def _no_passphrase() -> str:
    raise TlsRefused(
        "the private key is encrypted: write it without a passphrase, readable by this user alone"
    )


def _reason(error: ssl.SSLError) -> str:
    if error.reason == "KEY_VALUES_MISMATCH":
        return "the key does not belong to the certificate"
    if error.reason in (None, "NO_START_LINE", "PEM_LIB", "BAD_BASE64_DECODE"):
        return "not a certificate and its key in PEM"
    return str(error.reason).lower().replace("_", " ")


def _expiry(certificate: Path) -> datetime:
    try:
        return x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc
    except (OSError, ValueError) as error:
        raise TlsRefused(f"{certificate}: no certificate in PEM") from error
