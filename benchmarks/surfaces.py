"""Time W2 with each thing that a surface can be set to, alone and all together.

    python -m benchmarks.surfaces [--short | --tiny] [--json]

W2: users with a history, 500 candidates by vector search with what trends and what goes with the
history, a filter, W1's scorer, MMR to 20. One server has a surface for every setting, and a
surface that has them all; one client on one connection asks each of them in turn.
"""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import client, servers
from benchmarks.client import Connection, closed_loop
from benchmarks.meter import Meter, middle
from benchmarks.options import Options, emit, parse, say
from benchmarks.servers import Server
from benchmarks.standard import DEADLINE_MS, Ground, ground

USERS, SEEN, LIMIT = 100, 20, 20
PATH = "/v1/recommendations"
SETTLED_S = 1.0  # by then what trends is what all events say

BASE = {
    "sources.vector.quota": "500",
    "sources.cooccurrence.quota": "100",
    "sources.trending.quota": "50",
    "filters.rule": "'year >= 1980'",
}
"""W2 itself, as lines of TOML."""

SETTINGS: Mapping[str, Mapping[str, str]] = {
    "nothing besides": {},
    "more sources: similar, segment, latest with exploration, popularity": {
        "sources.similar.quota": "100",
        "sources.segment.quota": "50",
        "sources.latest": "{ quota = 20, explore = 0.5 }",
        "sources.popularity.quota": "100",
    },
    "a source of one's own, in Python": {
        "sources.mine": "{ function = 'benchmarks.surfaces:every_hundredth', quota = 50 }"
    },
    "a light phase that keeps 300": {"scoring.light_keeps": "300"},
    "three objectives": {"scoring.objectives": "{ model = 1.0, trend = 0.2, ctr = 0.2 }"},
    "a view of the features": {"features": "['item.f0*', 'item.f1*', 'item.f2*']"},
    "caps and windows": {
        "rerank.caps": "[{ attribute = 'genre', most = 5 }]",
        "rerank.windows": "[{ attribute = 'genre', label = 'g3', within = 3 }]",
    },
    "calibration": {"rerank.calibration": "{ attribute = 'genre', strength = 0.3 }"},
    "boosts and a promotion": {
        "rerank.boosts": "{ 'genre:g3' = 1.5 }",
        "rerank.promotions": "[{ items = 'year >= 2020', at_least = 0.1 }]",
    },
    "exploration": {"rerank.explore": "{ share = 0.1, first_place = 5 }"},
    "rotation, and slates logged": {
        "filters.served": "{ hide_after = 1000, discount = 0.99, log = true }"
    },
    "an A/B experiment": {
        "experiment.salt": "'bench'",
        "experiment.variants.other.share": "0.5",
        "experiment.variants.other.settings.rerank.diversity": "0.4",
    },
}

ALL = "all of these"
LOGGED = "all of these, features logged for 1 % of the answers"


def every_hundredth(
    _context: object, snapshot: Any, blocked: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """Offer as a shop's own list would."""
    items = np.arange(0, len(snapshot.catalogue), 100)
    items = items[~blocked[items]][:k]
    return items, np.ones(len(items), np.float32)


def name_of(setting: int) -> str:
    """Return the name of a setting's surface."""
    return f"s{setting}"


def surfaces() -> str:
    """Return the TOML of all surfaces."""
    together: dict[str, str] = {}
    tables = []
    for number, lines in enumerate(SETTINGS.values()):
        together |= lines
        tables += [f"[surfaces.{name_of(number)}]", *_lines({**BASE, **lines})]
    tables += ["[surfaces.all]", *_lines({**BASE, **together})]
    return "\n".join(tables) + "\n"


def _lines(settings: Mapping[str, str]) -> Iterator[str]:
    yield f"deadline_ms = {DEADLINE_MS}"
    yield from (f"{key} = {value}" for key, value in settings.items())


def measure(options: Options) -> dict[str, Any]:
    """Run everything and return the results."""
    items = options.pick(full=100_000, short=100_000, tiny=2_000)
    seconds = options.pick(full=2.0, short=1.0, tiny=0.05)
    trees = options.pick(full=200, short=200, tiny=5)
    with ExitStack() as stack:
        base = ground(stack, items, trees, labelled=True)
        file = base.world.folder / "surfaces.toml"
        file.write_text(surfaces())
        plain = _serve(stack, base, file, "plain")
        logging = _serve(stack, base, file, "logging", "--log-features", "0.01")
        ways = {setting: (plain, name_of(number)) for number, setting in enumerate(SETTINGS)}
        ways |= {ALL: (plain, "all"), LOGGED: (logging, "all")}
        meter = Meter(base.store)
        took: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
        for repetition in range(options.pick(full=9, short=5, tiny=1)):
            for way, (server, surface) in ways.items():
                say(f"{way}, {repetition + 1}")
                wanted = [asked(f"reader-{user}", surface) for user in range(USERS)]
                run = meter(server, lambda: closed_loop(server.address, wanted, 1, seconds))  # noqa: B023  called at once
                assert not run["failed"]
                took[way].append(run)
    return {"items": items, "ways": {way: middle(runs) for way, runs in took.items()}}


def asked(user: str, surface: str) -> bytes:
    """Return the request of one user on one surface."""
    body = {"user_id": user, "surface": surface, "limit": LIMIT, "seed": 1}
    return client.post(PATH, json.dumps(body).encode())


def histories(base: Ground) -> bytes:
    """Return the request that gives every user a history."""
    rng, ids = np.random.default_rng(9), base.world.ids
    events = [
        {"user_id": f"reader-{user}", "item_id": ids[item], "type": "click"}
        for user in range(USERS)
        for item in rng.choice(len(ids), SEEN // 2, replace=False)
    ]
    return client.post("/v1/events", json.dumps({"events": events}).encode())


def _serve(stack: ExitStack, base: Ground, file: Path, name: str, *more: str) -> Server:
    port = servers.free_port()
    given = ("--redis", base.url, "--artifact", str(base.world.artifact), "--surfaces", str(file))
    command = servers.braid(port, *given, *more)
    log = base.world.folder / f"{name}.log"
    server = stack.enter_context(
        servers.serving(name, command, port, asked("reader-0", "all"), log)
    )
    with closing(Connection(server.address)) as connection:
        for _ in range(2):
            assert connection.ask(histories(base)).status == 200
        time.sleep(SETTLED_S)
        for number in range(len(SETTINGS)):
            _check(connection, name_of(number))
        _check(connection, "all")
    return server


def _check(connection: Connection, surface: str) -> None:
    """Raise AssertionError unless a surface fills its slate, and says so again."""
    first, second = (
        json.loads(connection.ask(asked("reader-1", surface)).body)["items"] for _ in range(2)
    )
    assert len(first) == LIMIT, (surface, len(first))
    if surface not in {"all", name_of(list(SETTINGS).index("rotation, and slates logged"))}:
        assert first == second, surface


def main() -> None:
    """Measure and print."""
    options = parse(__doc__ or "")
    emit(options, measure(options))


if __name__ == "__main__":
    main()
