"""Certificates for loopback, signed by an authority of the test's own."""

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Certificates:
    """Files: the authority's certificate, and another with its key that it signed."""

    authority: Path
    certificate: Path
    key: Path

    @property
    def server_settings(self) -> dict[str, str]:
        """Return what makes a server speak TLS and ask for a certificate of this authority."""
        return {
            "tls-cert-file": str(self.certificate),
            "tls-key-file": str(self.key),
            "tls-ca-cert-file": str(self.authority),
            "tls-auth-clients": "yes",
        }

    @property
    def options(self) -> str:
        """Return the same as options of a URL."""
        return (
            f"ssl_ca_certs={self.authority}&ssl_certfile={self.certificate}&ssl_keyfile={self.key}"
        )


def certificates(folder: Path) -> Certificates:
    """Make them, valid for 127.0.0.1 and not for localhost."""
    authority, authority_key = folder / "authority.pem", folder / "authority.key"
    certificate, key, request = folder / "ours.pem", folder / "ours.key", folder / "ours.csr"
    extensions = folder / "extensions"
    extensions.write_text("subjectAltName=IP:127.0.0.1\n")
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    _openssl(
        "req",
        "-x509",
        *new_key,
        "-days",
        "2",
        "-subj",
        "/CN=Braid's tests",
        "-addext",
        "keyUsage=critical,keyCertSign",
        "-keyout",
        authority_key,
        "-out",
        authority,
    )
    _openssl("req", *new_key, "-subj", "/CN=braid", "-keyout", key, "-out", request)
    _openssl(
        "x509",
        "-req",
        "-in",
        request,
        "-CA",
        authority,
        "-CAkey",
        authority_key,
        "-days",
        "2",
        "-extfile",
        extensions,
        "-out",
        certificate,
    )
    return Certificates(authority, certificate, key)


def _openssl(*words: str | Path) -> None:
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)
