"""What of the time that is left each stage may take: the one table of it.

A request has until its deadline, counted from its arrival. A stage that begins gets a share of
what is left by then; one that does not come to an end within it is replaced by its fallback
(service/pipeline.py lists them), and the answer's `degraded` says so. What a stage does not use is
there for those behind it.

    | stage    | share | of the default 50 ms | what the share bounds                          |
    |----------|-------|----------------------|------------------------------------------------|
    | context  | 0.4   | 20 ms                | the read of the users                          |
    | retrieve | 0.5   | 15 to 25 ms          | sources that stand aside; the rest is bounded  |
    | features | 0.5   | 15 to 25 ms          | the read of the rows that the near cache lacks |
    | score    | 0.8   | 12 to 40 ms          | model, objectives, helpers                     |
    | rerank   | 0.8   | 2 to 40 ms           | a re-ranker of one's own; the rest is bounded  |

The last two leave a fifth: to re-rank without the model's help and to encode takes less than one
millisecond, which is a fifth of a deadline of five.
"""

from time import perf_counter_ns
from typing import Final

from features.errors import StoreUnavailable

CONTEXT: Final = 0.4
RETRIEVE: Final = 0.5
FEATURES: Final = 0.5
SCORE: Final = 0.8
RERANK: Final = 0.8

LATE: Final = "deadline"
"""The reason in `degraded` where a stage had no time left."""


def reason(fault: StoreUnavailable, stop_ns: float) -> str:
    """Return why a read fell back: the store gave none, or the request had no time for it."""
    late = fault.reason == "store_timeout" and perf_counter_ns() >= stop_ns
    return LATE if late else fault.reason
