"""A soak: everything at once for as long as it is told to, and what came of it."""

import json
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import numpy as np
import redis

from features import keys
from tests.soak.clients import seeds
from tests.soak.ledger import Ledger
from tests.soak.stage import Stage, set_up
from tests.soak.trouble import Trouble
from tests.soak.vitals import Vitals, judge

CLOSED, CLOSED_PAUSE_S = 4, 0.02
OPEN, OPEN_PER_S = 2, 10.0
LOOK_EVERY_S: Final = 2.0
SETTLE_S: Final = 5.0

type Tell = Callable[[float, Ledger, Vitals, Trouble], None]
"""Shows how it goes; called every two seconds."""


def soak(folder: Path, seconds: float, tell: Tell = lambda *_: None) -> dict[str, Any]:
    """Soak a service for so long; return the report, whose ``violations`` should be empty."""
    ledger, stop = Ledger(), threading.Event()
    with ExitStack() as stack:
        stage = stack.enter_context(set_up(folder))
        ledger.may_serve(stage.versions["one"])
        clients = seeds(stage, ledger, stop, CLOSED + OPEN)
        trouble, vitals = Trouble(stage, ledger, stop), Vitals(stage, ledger)
        threads = [
            threading.Thread(target=client.run, args=(CLOSED_PAUSE_S,))
            for client in clients[:CLOSED]
        ]
        threads += [
            threading.Thread(target=client.run_open, args=(OPEN_PER_S,))
            for client in clients[CLOSED:]
        ]
        threads += trouble.threads()
        began = time.monotonic()
        for thread in threads:
            thread.start()
        try:
            while (left_s := began + seconds - time.monotonic()) > 0:
                stop.wait(min(LOOK_EVERY_S, left_s))
                vitals.look()
                tell(seconds - max(left_s - LOOK_EVERY_S, 0.0), ledger, vitals, trouble)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        time.sleep(SETTLE_S)
        _find_events(stage, ledger)
        vitals.look()
        vitals.close()
        found = judge(vitals.samples, ledger)
        return _report(seconds, found, ledger, vitals, trouble)


def _find_events(stage: Stage, ledger: Ledger) -> None:
    """Look for every event that was acknowledged in its user's history."""
    histories: dict[str, set[bytes]] = {}
    with redis.Redis.from_url(stage.redis.url) as client:
        for user, entry, event_id, _ in ledger.events:
            if user not in histories:
                entries: Any = client.lrange(keys.user_history(user), 0, -1)
                histories[user] = set(entries)
            if entry.encode() not in histories[user]:
                ledger.violate("an acknowledged event is lost", f"{user} {entry} {event_id}")


def _report(
    seconds: float, memory: dict[str, float], ledger: Ledger, vitals: Vitals, trouble: Trouble
) -> dict[str, Any]:
    requests = sum(ledger.answers.values())
    return {
        "seconds": round(seconds),
        "requests": requests,
        "per_s": round(requests / seconds, 1),
        "answers": {
            f"{route} {status}": n for (route, status), n in sorted(ledger.answers.items())
        },
        "p50_p99_ms": {
            route: [round(float(np.quantile(took, share)), 2) for share in (0.5, 0.99)]
            for route, took in sorted(ledger.latencies_ms.items())
        },
        "events": len(ledger.events),
        "trouble": {**trouble.did, "outages": ledger.outages()},
        "vanished": dict(ledger.vanished),
        "degraded": dict(ledger.degraded),
        "memory": memory,
        "samples": [[round(x, 1) for x in one] for one in thin(vitals.samples)],
        "metrics": {
            name: value for name, value in sorted(vitals.metrics.items()) if "braid" in name
        },
        "violations": dict(ledger.violations),
        "examples": ledger.examples,
    }


def thin[T](samples: list[T], most: int = 120) -> list[T]:
    """Return some of many, evenly."""
    return samples[:: -(-len(samples) // most)]


def write(report: dict[str, Any], path: Path) -> None:
    """Write a report as JSON."""
    path.write_text(json.dumps(report, indent=1) + "\n")
