"""The certificate that is served, read from files and read again when they change."""

import logging
import ssl
from pathlib import Path
from typing import Final

from service.access.watch import Watch
from service.errors import SettingInvalid

HANDSHAKE_S: Final = 5.0
"""Whoever takes longer to shake hands is cut off."""

log = logging.getLogger("braid")


class Tls:
    """One reference to a context, bound anew when certificate or key are another file.

    Connections that are open keep what they began with, so a certificate is rotated without any
    of them noticing. Files that do not fit together (between two writes, say) change nothing.
    """

    def __init__(self, certificate: Path, key: Path) -> None:
        """Read both files.

        Raises:
            SettingInvalid: they cannot be used.
        """
        self._certificate = certificate
        self._key = key
        self._watch = Watch("braid-certificate", [certificate, key], self._read)
        try:
            self.context = _context(certificate, key)
        except OSError as fault:  # an SSLError is one
            raise SettingInvalid(
                f"--tls-cert={certificate} with --tls-key={key}: {_reason(fault)}"
            ) from None

    def start(self) -> None:
        """Follow the files."""
        self._watch.start()

    def stop(self) -> None:
        """Stop following them."""
        self._watch.stop()

    def _read(self) -> None:
        try:
            self.context = _context(self._certificate, self._key)
        except OSError as fault:
            log.error("%s is served on as it was: %s", self._certificate, _reason(fault))
        else:
            log.warning("%s is read anew", self._certificate)


def _context(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    # Without a password of its own OpenSSL would ask for one on the terminal, and wait.
    context.load_cert_chain(certificate, key, password="")
    return context


def _reason(fault: OSError) -> str:
    if isinstance(fault, ssl.SSLError):
        words = (fault.reason or str(fault)).lower().replace("_", " ")
        return f"{words}; both must be PEM, belong together and need no password"
    return f"{fault.strerror}"
