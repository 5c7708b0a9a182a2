"""Time the pure stages around scoring, stage by stage: our kernels beside plain numpy.

    python -m benchmarks.stages [--short | --tiny] [--json]

Each stage is called again and again ("warm"), and between strangers ("cold"): before each call the
caches are swept and other Python runs, as in a service, where a stage follows another one. What
both give is compared before anything is timed. The plain versions are those of the tests; of
re-ranking, the plain one calls the same MMR kernel.
"""

import service  # noqa: F401  tells OpenBLAS to keep to one thread, which it reads with numpy

# isort: split

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.options import Options, emit, parse, say
from benchmarks.scoring import scoring_stages
from benchmarks.timing import Clock, as_dict, interleave
from benchmarks.world import build
from features.types import Candidates, Context
from ranking.artifact import read
from ranking.assemble import assemble
from ranking.masks import blocked
from ranking.rerank import depth_for, fill
from ranking.retrieval import DEFAULT, SOURCES, appraise, merge
from ranking.scorers import LinearScorer
from ranking.snapshot import Snapshot
from tests.ranking import plain
from training.datasets import movielens
from training.fit import fit
from training.replay import context_of

DIVERSITY = 0.3
SWEPT = 4 * 2**20 // 8
"""Doubles that are written between cold calls: twice the second-level cache of a core."""

type Stage = Callable[[int], object]
"""Does one stage for the i-th of some requests."""


@dataclass(frozen=True)
class Asked:
    """A request and what the stages before gave."""

    context: Context
    brought: np.ndarray | None
    candidates: Candidates
    rows: np.ndarray
    scores: np.ndarray
    limit: int


def measure(options: Options) -> list[dict[str, Any]]:
    """Run every stage of every work; return the cases."""
    return [case for work in works(options) for case in cases(*work, options)]


def works(options: Options) -> Iterator[tuple[str, Snapshot, list[Asked]]]:
    """Draw requests over the standard catalogue, and take some of MovieLens' people."""
    rng = np.random.default_rng(6)
    items = options.pick(100_000, 20_000, 2_000)
    say("publish the standard catalogue")
    with tempfile.TemporaryDirectory(prefix="braid-stages-") as folder:
        snapshot = read(build(Path(folder), items, 2).artifact)
    stranger = Context(np.zeros(1, np.float32), False, np.empty(0, np.int64), np.empty(0, np.int64))
    brought = [rng.choice(items, min(items, 1000), replace=False) for _ in range(32)]
    yield "W1", snapshot, [ask(stranger, snapshot, 50, items) for items in brought]
    people = [replace(stranger, history=rng.choice(items, 60, replace=False)) for _ in range(32)]
    yield "W2", snapshot, [ask(person, snapshot, 20) for person in people]
    if options.size != "tiny":
        say("fit MovieLens")
        dataset = movielens.fetch()
        before = dataset.interactions
        snapshot = fit(dataset, before, seed=0)
        weights = rng.normal(size=len(snapshot.columns)).astype(np.float32)
        snapshot = replace(snapshot, scorer=LinearScorer(weights, 0.0, snapshot.columns))
        people = [context_of(dataset, before, user) for user in range(0, before.n_users, 15)]
        yield "MovieLens", snapshot, [ask(person, snapshot, 20) for person in people]


def ask(
    context: Context, snapshot: Snapshot, limit: int, brought: np.ndarray | None = None
) -> Asked:
    """Go through the stages once, in numpy; ``brought`` are the client's own candidates."""
    if brought is None:
        candidates = plain.merge(context, snapshot, offers(context, snapshot))
    else:
        candidates = plain.appraise(context, snapshot, brought)
    rows = snapshot.item_rows[candidates.items]
    block = plain.assemble(context, candidates, rows, rows[:, 0] == 0, snapshot)
    scores = snapshot.scorer(block.rows)
    return Asked(context, brought, candidates, rows, scores, limit)


def offers(context: Context, snapshot: Snapshot) -> list[Any]:
    """Return what each source offers."""
    mask = blocked(context, snapshot)
    return [SOURCES[name](context, snapshot, mask, DEFAULT[name].quota) for name in DEFAULT]


def stages(snapshot: Snapshot, asked: Sequence[Asked]) -> dict[str, tuple[Stage, Stage]]:
    """Return each stage as we do it and as numpy does."""
    masks = [blocked(one.context, snapshot) for one in asked]

    def source(retrieve: Any, name: str) -> Stage:
        return lambda i: retrieve(asked[i].context, snapshot, masks[i], DEFAULT[name].quota)

    def united(unite: Any) -> Stage:
        offered = [offers(one.context, snapshot) for one in asked]
        return lambda i: unite(asked[i].context, snapshot, offered[i])

    def appraised(judge: Any) -> Stage:
        return lambda i: judge(asked[i].context, snapshot, asked[i].brought)

    def rows(make: Any) -> Stage:
        def stage(i: int) -> object:
            one = asked[i]
            present = one.rows[:, 0] == 0
            return make(one.context, one.candidates, one.rows, present, snapshot).rows

        return stage

    def slate(choose: Any) -> Stage:
        def stage(i: int) -> object:
            one, vectors = asked[i], snapshot.directions
            depth = depth_for(one.limit)
            return choose(one.candidates.items, one.scores, vectors, one.limit, DIVERSITY, depth)

        return stage

    found: dict[str, tuple[Stage, Stage]] = {}
    if asked[0].brought is None:
        for name, other in (("cooccurrence", plain.cooccurrence), ("popularity", plain.popularity)):
            found[f"retrieve: {name}"] = source(SOURCES[name], name), source(other, name)
        found["retrieve: merge"] = united(merge), united(plain.merge)
    else:
        found["retrieve: appraise"] = appraised(appraise), appraised(plain.appraise)
    found["features: assemble"] = rows(assemble), rows(plain.assemble)
    found |= scoring_stages(
        snapshot,
        [one.context for one in asked],
        [one.candidates for one in asked],
        [one.rows for one in asked],
    )
    found["rerank: fill"] = slate(fill), slate(plain.fill)
    return found


def cases(
    work: str, snapshot: Snapshot, asked: Sequence[Asked], options: Options
) -> Iterator[dict[str, Any]]:
    """Compare and time each stage."""
    for stage, (ours, theirs) in stages(snapshot, asked).items():
        say(f"{work}, {stage}")
        largest = max(difference(ours(i), theirs(i)) for i in range(len(asked)))
        assert largest <= 1e-3, (work, stage, largest)  # a gap is some 2000 years minus another
        figures = interleave(
            {},
            clocks={
                f"{name}, {way}": clock(call, len(asked), cold=way == "cold")
                for name, call in (("kernels", ours), ("plain", theirs))
                for way in ("warm", "cold")
            },
            repetitions=options.pick(7, 3, 1),
            seconds=options.pick(0.2, 0.05, 0.001),
        )
        yield {
            "case": f"{work}, {stage}",
            "figures": as_dict(figures),
            "ratio": {
                name: figures[f"plain, {name.partition(', ')[2]}"].p50_us / figure.p50_us
                for name, figure in figures.items()
            },
            "largest_difference": largest,
        }


def difference(ours: Any, theirs: Any) -> float:
    """Return the largest difference of two results; infinite where they are not alike."""
    if not isinstance(ours, np.ndarray):
        pairs = [(getattr(ours, name), getattr(theirs, name)) for name in ("items", "scores")]
        return max(difference(one, other) for one, other in pairs)
    if ours.shape != theirs.shape or (np.isnan(ours) != np.isnan(theirs)).any():
        return float("inf")
    return float(np.nanmax(np.abs(ours - theirs), initial=0.0)) if ours.size else 0.0


def clock(call: Stage, requests: int, *, cold: bool) -> Clock:
    """Time calls one by one; ``cold`` ones after the caches were swept and other Python ran."""
    room = np.zeros(SWEPT)
    document = [{"id": str(i), "value": [float(j) for j in range(5)]} for i in range(100)]

    def run(seconds: float) -> list[float]:
        times = list[float]()
        end = perf_counter() + seconds
        while perf_counter() < end or len(times) < 5:
            if cold:
                room[:] += 1.0
                json.loads(json.dumps(document))
                np.sort(np.linalg.norm(room[:900].reshape(-1, 3), axis=1))
            index = len(times) % requests
            start = perf_counter()
            call(index)
            times.append(perf_counter() - start)
        return times

    return run


def main() -> None:
    """Measure and print."""
    options = parse(__doc__ or "")
    emit(options, measure(options))  # type: ignore[arg-type]  # a list of cases, as timing's others


if __name__ == "__main__":
    main()
