"""The names of a stack's services, told by DNS as Docker's own server tells them."""

import socket
import struct
import threading
from types import TracebackType
from typing import Self

HEADER = struct.Struct(">6H")
ANSWERED = 0x8180
NO_SUCH_NAME = 0x8183
A, IN = 1, 1


class Names:
    """One A record for each address of a name; whoever asks again a second later hears of changes.

    Source: RFC 1035, sections 4.1.1 to 4.1.3.
    """

    def __init__(self) -> None:
        """Bind a free UDP port on loopback."""
        self.addresses: dict[str, tuple[str, ...]] = {}
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self._thread = threading.Thread(target=self._serve, name="names")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.sendto(b"", self._socket.getsockname())  # wakes it, and tells it to end
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            question, asker = self._socket.recvfrom(4096)
            if not question:
                return
            self._socket.sendto(self._answer(question), asker)

    def _answer(self, question: bytes) -> bytes:
        number, *_ = HEADER.unpack_from(question)
        labels, at = [], HEADER.size
        while length := question[at]:
            labels.append(question[at + 1 : at + 1 + length].decode())
            at += 1 + length
        kind, _ = struct.unpack_from(">2H", question, at + 1)
        asked = question[HEADER.size : at + 5]
        known = self.addresses.get(".".join(labels).lower(), ())
        records = b"".join(
            # The name is the question's, by a pointer to where that begins; good for a second.
            struct.pack(">3HIH", 0xC000 | HEADER.size, A, IN, 1, 4) + socket.inet_aton(address)
            for address in (known if kind == A else ())
        )
        flags = ANSWERED if known else NO_SUCH_NAME
        return HEADER.pack(number, flags, 1, len(records) // 16, 0, 0) + asked + records
