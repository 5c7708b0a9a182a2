"""A peer in a process of its own, often of another interpreter, that times itself."""

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from typing import IO, Any, Self

from benchmarks.servers import ROOT


class LinePeer:
    """Answers each line of its stdin with a line of JSON, and ends when its stdin does.

    Use it as a context manager. What it prints besides is passed over: libraries chatter.
    """

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> None:
        self._words = tempfile.TemporaryFile("w+")  # noqa: SIM115  closed in __exit__
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._words,
            text=True,
        )

    def ask(self, *words: object) -> Any:
        """Send the words as one line, and return what is said to it."""
        stdin = _open(self._process.stdin)
        stdin.write(" ".join(map(str, words)) + "\n")
        stdin.flush()
        return self.hear()

    def hear(self) -> Any:
        """Return what it says next.

        Raises:
            RuntimeError: it has ended; the message has its last words.
        """
        for line in _open(self._process.stdout):
            if line.startswith(("{", "[")):
                return json.loads(line)
        self._words.seek(0)
        raise RuntimeError(f"a peer ended: {self._words.read()[-1000:]}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()
        self._words.close()


def _open(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream
