"""The service's own signs of life: memory, threads, files, counts; and whether memory is flat."""

import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from prometheus_client.parser import text_string_to_metric_families

from tests.soak.clients import Line
from tests.soak.ledger import Ledger
from tests.soak.stage import Stage

KIB = 1024
WARM_UP: Final = 0.3
"""Of the whole time: until then caches, rings and the allocator's arenas fill."""
LONG_S: Final = 300.0
"""In a shorter run memory is told, and not judged: it is warm-up for the most part."""
MOST_GROWTH: Final = 0.05
"""Of the median, from the end of the warm-up to the end of a run: a trend, not a peak."""


class Sample(NamedTuple):
    """One look: seconds since the start, and what the kernel says of the process."""

    at_s: float
    rss_mib: float
    threads: int
    files: int


class Vitals:
    """Looks once in a while, from one thread."""

    def __init__(self, stage: Stage, ledger: Ledger) -> None:
        self.samples: list[Sample] = []
        self.metrics: dict[str, float] = {}
        self._stage = stage
        self._ledger = ledger
        self._line = Line(stage, ledger)
        self._began = time.monotonic()
        self._highest: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}

    def look(self) -> Sample:
        """Take a sample, and hold the scraped counts against those before."""
        folder = Path(f"/proc/{self._stage.pid}")
        status = (folder / "status").read_text()
        sample = Sample(
            time.monotonic() - self._began,
            _number("VmRSS", status) / KIB,
            _number("Threads", status),
            len([*(folder / "fd").iterdir()]),
        )
        self.samples.append(sample)
        self._scrape()
        return sample

    def close(self) -> None:
        """Hang up."""
        self._line.close()

    def _scrape(self) -> None:
        reply = self._line.ask("GET", "/metrics")
        if reply is None or reply.status != 200:
            return
        for family in text_string_to_metric_families(reply.body.decode()):
            for one in family.samples:
                if not one.labels:
                    self.metrics[one.name] = one.value
                if family.type not in {"counter", "histogram"} or not one.name.startswith("braid"):
                    continue
                name = (one.name, frozenset(one.labels.items()))
                before = self._highest.get(name, 0.0)
                self._ledger.expect(one.value >= before, "a count goes down", f"{name} {before}")
                self._highest[name] = one.value
        self._ledger.expect(self.metrics.get("braid_gil_enabled") == 0.0, "the GIL is on")


def slope_per_s(samples: Sequence[Sample]) -> float:
    """Return MiB per second: the median of all pairs' slopes, which outliers do not move.

    (P. K. Sen, 1968, "Estimates of the regression coefficient based on Kendall's tau".)
    """
    at, rss = np.array([(one.at_s, one.rss_mib) for one in samples[-2000:]]).T
    one, other = np.triu_indices(len(at), 1)
    return float(np.median((rss[other] - rss[one]) / (at[other] - at[one])))


def judge(samples: Sequence[Sample], ledger: Ledger) -> dict[str, float]:
    """Return what became of memory, threads and files after the warm-up; violations are noted."""
    end_s = samples[-1].at_s
    warm = [one for one in samples if one.at_s >= WARM_UP * end_s]
    grown_mib = slope_per_s(warm) * (warm[-1].at_s - warm[0].at_s) if len(warm) > 2 else 0.0
    median_mib = float(np.median([one.rss_mib for one in warm]))
    found = {
        "rss_first_mib": round(warm[0].rss_mib, 1),
        "rss_last_mib": round(warm[-1].rss_mib, 1),
        "rss_median_mib": round(median_mib, 1),
        "rss_most_mib": round(max(one.rss_mib for one in warm), 1),
        "rss_trend_mib_per_hour": round(grown_mib / max(warm[-1].at_s - warm[0].at_s, 1) * 3600, 1),
        "rss_grown_mib": round(grown_mib, 2),
        "threads_most": max(one.threads for one in warm),
        "threads_last": warm[-1].threads,
        "files_most": max(one.files for one in warm),
        "files_last": warm[-1].files,
    }
    if end_s >= LONG_S:
        half = len(warm) // 2
        ledger.expect(grown_mib <= MOST_GROWTH * median_mib, "memory is not flat", found)
        for name in ("threads", "files"):
            first, last = (
                float(np.median([getattr(one, name) for one in part]))
                for part in (warm[:half], warm[half:])
            )
            ledger.expect(last <= 1.1 * first + 2, f"{name} grow", f"{first} to {last}")
    return found


def _number(name: str, status: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+)", status, re.MULTILINE)
    assert found is not None
    return int(found[1])
