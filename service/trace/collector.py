"""A connection to whatever takes spans by OTLP over HTTP: a collector, Jaeger, Tempo."""

import gzip
import http.client
import ssl
import threading
from time import monotonic
from typing import Final
from urllib.parse import urlsplit

from features.chance import CHANCE
from service.trace.destination import Destination

RETRIED: Final = frozenset({429, 502, 503, 504})
"""What OTLP has sent again (OTLP specification, "Retryable response codes")."""
FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 5.0


class NotTaken(Exception):
    """The collector did not take a message, and not for want of trying."""


class Collector:
    """Sends messages one after the other over one connection; belongs to the exporter's thread."""

    def __init__(self, to: Destination) -> None:
        """Connect to nobody yet.

        Raises:
            OSError: a certificate cannot be read.
        """
        self._to = to
        self._url = urlsplit(to.url)
        self._context = _context(to) if self._url.scheme == "https" else None
        self._headers = {"content-type": "application/json", **to.headers}
        if to.compressed:
            self._headers["content-encoding"] = "gzip"
        self._connection: http.client.HTTPConnection | None = None
        self._ending = threading.Event()
        self._end = float("inf")

    def end(self, by: float) -> None:
        """Try each message once more and no longer than until ``by``, of the monotonic clock."""
        self._end = by
        self._ending.set()

    def send(self, message: bytes) -> None:
        """Send a message, again and again within the time that one may take.

        Raises:
            NotTaken: it was refused, or the time is over; the reason says which.
        """
        content = gzip.compress(message, 1) if self._to.compressed else message
        stop, pause_s = monotonic() + self._to.timeout_s, FIRST_PAUSE_S
        while True:
            left_s = min(stop, self._end) - monotonic()
            if left_s <= 0:
                raise NotTaken("the process ends")
            reason, again, after_s = self._try(content, left_s)
            if reason is None:
                return
            wait_s = max(after_s, CHANCE.uniform(0.5, 1.0) * pause_s)
            if not again or self._ending.is_set() or monotonic() + wait_s >= stop:
                raise NotTaken(f"{self._url.netloc}: {reason}")
            self._ending.wait(wait_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def _try(self, content: bytes, within_s: float) -> tuple[str | None, bool, float]:
        """Return why it was not taken, whether to try again, and after how many seconds."""
        try:
            connection = self._open(within_s)
            connection.request("POST", self._url.path, content, self._headers)
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as fault:
            self._close()
            return f"{fault or type(fault).__name__}", True, 0.0
        if answer.status < 300:
            return None, False, 0.0
        after = answer.headers.get("retry-after", "")
        seconds = float(after) if after.isdecimal() else 0.0
        return f"{answer.status} {answer.reason}", answer.status in RETRIED, seconds

    def _open(self, within_s: float) -> http.client.HTTPConnection:
        if self._connection is None:
            host, port = self._url.hostname or "", self._url.port
            self._connection = (
                http.client.HTTPConnection(host, port)
                if self._context is None
                else http.client.HTTPSConnection(host, port, context=self._context)
            )
        self._connection.timeout = within_s
        if self._connection.sock is not None:
            self._connection.sock.settimeout(within_s)
        return self._connection

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _context(to: Destination) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=to.certificate)
    if to.client_certificate is not None:
        context.load_cert_chain(to.client_certificate, to.client_key)
    return context
