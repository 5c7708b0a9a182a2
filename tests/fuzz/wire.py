"""A plain socket to a service, and the answers that come on it, byte by byte."""

import socket
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


class Wire:
    """One connection; closed at the end of a `with`."""

    def __init__(self, url: str, timeout_s: float = 30.0) -> None:
        self.url = url
        address = urlsplit(url)
        self.socket = socket.create_connection((address.hostname, address.port), timeout_s)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self.socket.makefile("rb")
        self.answered = False
        self.head = False  # whether the next answer is to a HEAD, and has no body

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self._file.close()
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def answer(self) -> Answer | None:
        """Return the next answer, None where the connection has ended.

        Raises:
            ConnectionError: it ended in the middle of an answer, or was reset before any.
            TimeoutError: nothing comes, and nothing ends.
        """
        try:
            line = self._file.readline()
        except ConnectionResetError:
            if not self.answered:
                raise
            return None  # what was sent behind the last request is nobody's
        if not line:
            return None
        self.answered = True
        words = line.split(maxsplit=2)
        if words[:1] != [b"HTTP/1.1"]:
            raise ConnectionError(f"this is no status line: {line!r}")
        headers: dict[str, str] = {}
        while (line := self._file.readline()) not in (b"\r\n", b""):
            name, _, value = line.decode("latin-1").rstrip("\r\n").partition(": ")
            headers[name.lower()] = value
        length = 0 if self.head else int(headers.get("content-length", 0))
        body = self._file.read(length)
        if not line or len(body) < length:
            raise ConnectionError("the answer was cut off")
        return Answer(int(words[1]), headers, body)

    def answers(self, most: int | None = None) -> list[Answer]:
        """Return all answers until the connection ends, or as many as that."""
        found: list[Answer] = []
        while most is None or len(found) < most:
            answer = self.answer()
            if answer is None:
                break
            found.append(answer)
        return found
