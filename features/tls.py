"""TLS to the feature store, by the options of the URL's query (redis-py's names)."""

import ssl
from collections.abc import Mapping
from typing import Any

CERT_REQS = {"none": ssl.CERT_NONE, "optional": ssl.CERT_OPTIONAL, "required": ssl.CERT_REQUIRED}


def tls_context(options: Mapping[str, Any]) -> ssl.SSLContext:
    """Return the context that the options describe, the strictest where they say nothing.

    ``ssl_ca_certs`` is a file of authorities in place of the system's, ``ssl_certfile`` and
    ``ssl_keyfile`` are our certificate and its key, ``ssl_check_hostname`` is true or false,
    ``ssl_cert_reqs`` required, optional or none.

    Raises:
        ValueError: a file cannot be used, or a word is none of these; the message names it.
    """
    authorities = options.get("ssl_ca_certs")
    try:
        context = ssl.create_default_context(cafile=authorities)
    except OSError as fault:
        raise ValueError(f"ssl_ca_certs={authorities}: no file of certificates: {fault}") from None
    certificate, key = options.get("ssl_certfile"), options.get("ssl_keyfile")
    if key and not certificate:
        raise ValueError(f"ssl_keyfile={key}: a key needs its certificate, ssl_certfile=")
    if certificate:
        try:
            context.load_cert_chain(certificate, key)
        except OSError as fault:
            raise ValueError(
                f"ssl_certfile={certificate}, ssl_keyfile={key}: no certificate with its key: "
                f"{fault}"
            ) from None
    context.check_hostname = bool(options.get("ssl_check_hostname", True))
    wanted = str(options.get("ssl_cert_reqs", "required")).lower()
    if wanted not in CERT_REQS:
        raise ValueError(f"ssl_cert_reqs={wanted}: required, optional or none")
    if wanted == "none":
        context.check_hostname = False
    context.verify_mode = CERT_REQS[wanted]
    return context
