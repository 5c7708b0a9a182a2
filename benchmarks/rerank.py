"""Time MMR, DPP and top-k beside numpy and pyversity (bar B10), and what each rule adds to a slate.

    python -m benchmarks.rerank [--short] [--json]

pyversity is taken in if it is installed (benchmarks/kernel-peers.txt); it takes negative cosines
for 0, so its picks may differ, and the table says how many are the same.
"""

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchmarks.timing import as_dict, interleave, machine
from features.types import Query, Scores
from ranking.catalogue import Catalogue
from ranking.filters import Table
from ranking.rerank import Rules, arrange, compile_rules, dpp, mmr
from ranking.topk import top_k
from tests.ranking.snapshots import context, snapshot

DIVERSITY = 0.3

type Vectors = NDArray[np.float32]
type Picks = NDArray[np.int64]
type Contestants = dict[str, Callable[[], Picks]]


def draw(n: int, d: int) -> tuple[Scores, Vectors]:
    """Draw candidates as retrieval finds them: in clusters, the better ones more alike."""
    rng = np.random.default_rng(n)
    clusters = rng.normal(size=(20, d))
    vectors = clusters[rng.integers(0, 20, n)] + rng.normal(size=(n, d)) * 0.7
    relevance = vectors @ clusters[0] / d + rng.normal(size=n) * 0.3
    return relevance.astype(np.float32), vectors.astype(np.float32)


def unit_rows(vectors: Vectors) -> Vectors:
    """Scale each row to length 1."""
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def unit_range(relevance: Scores) -> Scores:
    """Scale to [0, 1]."""
    low = relevance.min()
    return np.asarray((relevance - low) / (relevance.max() - low))


def numpy_mmr(
    relevance: Scores, vectors: Vectors, k: int, diversity: float, ramp: int = 1
) -> Picks:
    """Do what a careful team writes: one matrix-vector product per pick."""
    scaled, units = unit_range(relevance), unit_rows(vectors)
    picks = np.empty(k, np.int64)
    nearest = np.full(len(scaled), -np.inf, np.float32)
    taken = np.zeros(len(scaled), bool)
    picks[0] = np.argmax(scaled)
    for step in range(1, k):
        taken[picks[step - 1]] = True
        np.maximum(nearest, units @ units[picks[step - 1]], out=nearest)
        strength = diversity * min(1.0, step / ramp)
        worth = (1 - strength) * scaled - strength * nearest
        worth[taken] = -np.inf
        picks[step] = np.argmax(worth)
    return picks


def numpy_dpp(relevance: Scores, vectors: Vectors, k: int, diversity: float) -> Picks:
    """Follow the paper's algorithm 1 with numpy arrays."""
    scaled, units = unit_range(relevance), unit_rows(vectors)
    steepness = (1 - diversity) / diversity
    basis = np.zeros((k, len(scaled)), np.float32)
    distances = np.ones(len(scaled), np.float32)
    taken = np.zeros(len(scaled), bool)
    picks = np.empty(k, np.int64)
    for step in range(k):
        worth = steepness * scaled + np.log(np.maximum(distances, 1e-6))
        worth[taken] = -np.inf
        pick = picks[step] = np.argmax(worth)
        taken[pick] = True
        along = units @ units[pick] - basis[:step, pick] @ basis[:step]
        basis[step] = along / np.sqrt(max(distances[pick], 1e-6))
        distances -= basis[step] ** 2
    return picks


def numpy_top_k(scores: Scores, k: int) -> Picks:
    """Partition, then sort what is left."""
    best = np.argpartition(scores, len(scores) - k)[len(scores) - k :]
    return np.asarray(best[np.argsort(-scores[best], kind="stable")])


def contestants(what: str, n: int, k: int, d: int) -> Contestants:
    """Give every contestant the same candidates."""
    relevance, vectors = draw(n, d)
    if what == "top_k":
        return {
            "braid": lambda: top_k(relevance, k),
            "numpy": lambda: numpy_top_k(relevance, k),
        }
    if what == "mmr":
        ours: Contestants = {
            "braid": lambda: mmr(relevance, vectors, k, DIVERSITY),
            "numpy": lambda: numpy_mmr(relevance, vectors, k, DIVERSITY),
        }
    else:
        ours = {
            "braid": lambda: dpp(relevance, vectors, k, DIVERSITY),
            "numpy": lambda: numpy_dpp(relevance, vectors, k, DIVERSITY),
        }
    try:
        import pyversity  # type: ignore[import-not-found] # a peer, see above
    except ImportError:
        return ours
    scaled = unit_range(relevance)
    if what == "mmr":
        ours["pyversity"] = lambda: pyversity.mmr(vectors, scaled, k, DIVERSITY).indices
    else:
        # pyversity weighs by exp(beta * z-score); this beta is our trade-off in its terms.
        same = float(scaled.std()) * (1 - DIVERSITY) / DIVERSITY / 2 / (1 - DIVERSITY)
        ours["pyversity"] = lambda: pyversity.dpp(vectors, scaled, k, DIVERSITY, same).indices
    return ours


def run(what: str, n: int, k: int, d: int, short: bool) -> dict[str, Any]:
    """Check that numpy's picks are ours, then time."""
    rivals = contestants(what, n, k, d)
    ours = rivals["braid"]()
    same = {name: float(np.mean(call()[: len(ours)] == ours)) for name, call in rivals.items()}
    assert same["numpy"] == 1.0, (what, same)
    repetitions, seconds = (5, 0.03) if short else (7, 0.2)
    figures = interleave(rivals, repetitions=repetitions, seconds=seconds)
    case = f"{what}, {n} -> {k}" + (f", d = {d}" if what != "top_k" else "")
    return {
        "case": case,
        "same_picks": same,
        "figures": as_dict(figures),
        "ratio": {name: f.p50_us / figures["braid"].p50_us for name, f in figures.items()},
    }


def show(result: dict[str, Any]) -> None:
    """Print one case as a table."""
    print(f"\n{result['case']}")
    for name, figure in result["figures"].items():
        print(
            f"  {name:10} best {figure['best_us']:8.1f} us   p50 {figure['p50_us']:8.1f}"
            f"   p99 {figure['p99_us']:8.1f}   {result['ratio'][name]:6.1f} x"
            f"   same picks {result['same_picks'][name]:.0%}"
        )


RULES: dict[str, dict[str, Any]] = {
    "diversity alone": {},
    "method = dpp": {"method": "dpp"},
    "a cap": {"caps": [{"attribute": "genre", "most": 20}]},
    "a window": {"windows": [{"attribute": "genre", "within": 5, "most": 3}]},
    "calibration": {"calibration": {"attribute": "genre"}},
    "a pin": {"pins": {"3": "7"}},
    "boosts": {"boosts": {"genre:g1": 2.0, "year > 1990": 1.5}},
    "a promotion": {"promotions": [{"items": "year > 1990", "at_least": 0.3}]},
    "Thompson sampling": {"explore": {"share": 0.2}},
    "an epsilon slot": {"explore": {"share": 0.2, "method": "epsilon"}},
}
RULES["all but the DPP"] = {
    name: value for rules in RULES.values() for name, value in rules.items() if name != "method"
}


def run_rules(n: int, k: int, depth: int, short: bool) -> dict[str, Any]:
    """Time a slate under each rule: items of one to three of 18 genres, embeddings of 64."""
    rng = np.random.default_rng(n)
    genres = [f"g{genre}" for genre in range(18)]
    properties = tuple(
        {
            "genre": rng.choice(genres, rng.integers(1, 4), replace=False).tolist(),
            "year": int(rng.integers(1930, 2000)),
        }
        for _ in range(2 * n)
    )
    catalogue = Catalogue(tuple(map(str, range(2 * n))), properties)
    vectors = rng.normal(size=(2 * n, 64)).astype(np.float32)
    made = replace(snapshot(2 * n), catalogue=catalogue, embeddings=vectors)
    items = np.arange(n)
    scores = rng.normal(size=n).astype(np.float32)
    asker = context(*range(n, n + 40))
    query, table = Query(limit=k), Table.of(properties)
    compiled = {
        name: compile_rules(msgspec.convert(rules, Rules), table, catalogue)
        for name, rules in RULES.items()
    }
    calls: dict[str, Callable[[], object]] = {
        name: partial(arrange, query, asker, items, scores, rules, made, depth)
        for name, rules in compiled.items()
    }
    repetitions, seconds = (3, 0.02) if short else (7, 0.2)
    figures = interleave(calls, repetitions=repetitions, seconds=seconds)
    least = figures["diversity alone"].p50_us
    return {
        "case": f"a slate of {k} from {n}, of which {depth} compete",
        "figures": as_dict(figures),
        "adds_us": {name: figure.p50_us - least for name, figure in figures.items()},
    }


def show_rules(result: dict[str, Any]) -> None:
    """Print what each rule costs as a table."""
    print(f"\n{result['case']}")
    for name, figure in result["figures"].items():
        print(
            f"  {name:20} best {figure['best_us']:8.1f} us   p50 {figure['p50_us']:8.1f}"
            f"   p99 {figure['p99_us']:8.1f}   adds {result['adds_us'][name]:8.1f}"
        )


CASES = [
    ("mmr", 500, 50, 64),
    ("dpp", 500, 50, 64),
    ("top_k", 1000, 50, 1),
    ("mmr", 200, 20, 32),
    ("mmr", 1000, 50, 64),
    ("dpp", 200, 20, 32),
    ("dpp", 1000, 50, 64),
    ("top_k", 100_000, 500, 1),
    ("top_k", 1_000_000, 500, 1),
]


def main() -> None:
    """Run all cases on one thread."""
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--short", action="store_true", help="three cases, short repetitions")
    arguments.add_argument("--json", action="store_true", help="print JSON instead of tables")
    options = arguments.parse_args()
    about = machine("pyversity")
    if not options.json:
        print(json.dumps(about, indent=2))
    results = []
    for case in CASES[:3] if options.short else CASES:
        results.append(run(*case, short=options.short))
        if not options.json:
            show(results[-1])
    slates = [(500, 20, 100), (500, 50, 500)]
    rules = [run_rules(*slate, short=options.short) for slate in slates]
    if options.json:
        json.dump({"machine": about, "results": results, "rules": rules}, sys.stdout, indent=2)
        return
    for result in rules:
        show_rules(result)


if __name__ == "__main__":
    main()
