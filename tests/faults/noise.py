"""What the machine itself takes: on two busy cores nobody keeps a time to the millisecond."""

import threading
import time
from types import TracebackType
from typing import Self

NAP_S = 0.001
PAUSE_S = 0.002


class Noise:
    """A thread that naps; ``total_s`` is for how long it was kept from going on, in real pauses.

    What is measured in the same process meanwhile was kept from going on, too, more or less.
    """

    def __init__(self) -> None:
        self.total_s = 0.0
        self._ended = False
        self._thread = threading.Thread(target=self._nap, name="noise")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended = True
        self._thread.join()

    def _nap(self) -> None:
        while not self._ended:
            began = time.monotonic()
            time.sleep(NAP_S)
            late_s = time.monotonic() - began - NAP_S
            if late_s > PAUSE_S:
                self.total_s += late_s
