"""A proxy on a Unix socket that can hold back what the server answers."""

import contextlib
import socket
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import Self


class Proxy:
    """Passes bytes both ways; while ``open`` is not set, the server's stay in here."""

    def __init__(self, url: str) -> None:
        self.open = threading.Event()
        self.open.set()
        self.held = threading.Event()
        self._server = url.removeprefix("unix://")
        self._folder = tempfile.TemporaryDirectory(prefix="braid-proxy-")
        self._path = Path(self._folder.name) / "proxy.sock"
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self._path))
        self._listener.listen()
        self._sockets = [self._listener]
        self._threads = [threading.Thread(target=self._accept)]

    @property
    def url(self) -> str:
        return f"unix://{self._path}"

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.open.set()
        for end in self._sockets:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for end in self._sockets:
            end.close()
        self._folder.cleanup()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            far.connect(self._server)
            self._sockets += [near, far]
            for arguments in ((near, far, False), (far, near, True)):
                thread = threading.Thread(target=self._pass, args=arguments)
                thread.start()
                self._threads.append(thread)

    def _pass(self, source: socket.socket, target: socket.socket, answers: bool) -> None:
        try:
            while packet := source.recv(65536):
                if answers and not self.open.is_set():
                    self.held.set()
                    self.open.wait()
                target.sendall(packet)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass
