"""Time the forest scorer beside LightGBM, onnxruntime and tl2cgen (bar B8).

    python -m benchmarks.forest [--short] [--json]

Each peer is taken in if it is installed; benchmarks/kernel-peers.txt lists them. Scores are
checked equal before anything is timed.
"""

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np

from benchmarks.timing import as_dict, interleave, machine
from features.types import Rows, Scores
from ranking.forest import Forest, parse
from ranking.scorers import ForestScorer

TREES, TOLERANCE = 200, 1e-5

type Predict = Callable[[], Any]


@dataclass(frozen=True)
class Case:
    """A model and rows to score with it."""

    name: str
    features: int
    rows: int
    structured: bool
    leaves: int = 63


CASES = [
    Case("wide, random", 64, 1000, structured=False),
    Case("wide, structured", 64, 1000, structured=True),
    Case("wide, structured, large trees", 64, 1000, structured=True, leaves=255),
    Case("narrow, random", 16, 300, structured=False),
    Case("narrow, structured", 16, 300, structured=True),
    Case("narrow, structured", 16, 100, structured=True),
    Case("narrow, structured", 16, 25, structured=True),
]
SHORT = [CASES[1], CASES[4]]


def draw(case: Case, n: int, seed: int) -> Rows:
    """Draw rows: independent normal numbers, or the counts, ratios and flags of a real shop."""
    rng = np.random.default_rng(seed)
    if not case.structured:
        return rng.normal(size=(n, case.features)).astype(np.float32)
    hidden = rng.normal(size=(n, 6)) @ np.random.default_rng(0).normal(size=(6, case.features))
    noisy = hidden + rng.normal(size=hidden.shape)
    kinds = [
        lambda x: np.floor(np.exp(x)),  # counts: clicks, purchases
        lambda x: 1 / (1 + np.exp(-x)),  # ratios: click-through rate
        lambda x: (x > 1).astype(float),  # flags: in stock, same category
        lambda x: x,  # likeness of embeddings
    ]
    columns = [kinds[j % 4](noisy[:, j]) for j in range(case.features)]
    return np.ascontiguousarray(np.stack(columns, axis=1), np.float32)


def train(case: Case) -> str:
    """Train LambdaMART on rows of the same kind; return the model text."""
    rows = draw(case, 20_000, seed=1)
    rng = np.random.default_rng(2)
    signal = (rows - rows.mean(axis=0)) / (rows.std(axis=0) + 1e-6)
    score = signal[:, :10] @ rng.normal(size=10) + signal[:, 1] * signal[:, 3] * 2
    score += rng.normal(size=len(rows)) * 2
    grades = np.digitize(score, np.quantile(score, [0.6, 0.8, 0.95]))
    options = {"objective": "lambdarank", "num_leaves": case.leaves, "verbose": -1, "seed": 3}
    data = lightgbm.Dataset(rows, grades, group=[50] * (len(rows) // 50))
    model = lightgbm.train(options, data, TREES)
    return str(model.model_to_string())


def braid(text: str, rows: Rows, threads: int, pool: ThreadPoolExecutor) -> Predict:
    """Score in the caller and, with two threads, half of the rows in another."""
    scorer = ForestScorer.load(text)
    if threads == 1:
        return lambda: scorer(rows)
    half = len(rows) // 2

    def split() -> Scores:
        other = pool.submit(scorer, rows[half:])
        return np.concatenate((scorer(rows[:half]), other.result()))

    return split


def peers(text: str, rows: Rows, threads: int, folder: Path) -> Iterator[tuple[str, Predict]]:
    """Yield every peer that is installed, each as its documentation says is fastest."""
    model = lightgbm.Booster(model_str=text)
    yield "lightgbm", lambda: model.predict(rows, raw_score=True, num_threads=threads)
    try:
        import onnxruntime  # type: ignore[import-not-found] # a peer, see above
        from onnx import helper  # type: ignore[import-not-found]
    except ImportError:
        pass
    else:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        onnx_bytes = to_onnx(parse(text), helper).SerializeToString()
        session = onnxruntime.InferenceSession(onnx_bytes, options, ["CPUExecutionProvider"])
        yield "onnxruntime", lambda: session.run(None, {"rows": rows})[0][:, 0]
    try:
        import tl2cgen  # type: ignore[import-not-found]
        import treelite  # type: ignore[import-not-found]
    except ImportError:
        return
    if shutil.which("gcc") is None:
        return
    library = folder / f"forest-{rows.shape[1]}-{hash(text) & 0xFFFFFFFF:x}.so"
    if not library.exists():
        source = folder / "model.txt"
        source.write_text(text)
        compiled = treelite.frontend.load_lightgbm_model(source)
        tl2cgen.export_lib(compiled, toolchain="gcc", libpath=library, params={"parallel_comp": 2})
    predictor = tl2cgen.Predictor(library, nthread=threads)
    yield (
        "tl2cgen",
        lambda: predictor.predict(tl2cgen.DMatrix(rows, dtype="float32"), pred_margin=True).reshape(
            -1
        ),
    )


def to_onnx(forest: Forest, helper: Any) -> Any:
    """Write a numeric forest as ONNX's TreeEnsembleRegressor."""
    places = ("treeids", "nodeids")
    asked = ("featureids", "values", "modes", "truenodeids", "falsenodeids")
    nodes: dict[str, list[Any]] = {key: [] for key in (*places, *asked)}
    leaves: dict[str, list[Any]] = {key: [] for key in (*places, "ids", "weights")}
    for number, tree in enumerate(forest.trees):
        inner = len(tree.feature)
        for at in range(inner + len(tree.value)):
            leaf = at >= inner
            children = [0, 0] if leaf else [int(tree.left[at]), int(tree.right[at])]
            yes, no = (child if child >= 0 else inner + ~child for child in children)
            limit = 0.0 if leaf else _at_most(float(tree.threshold[at]))
            feature = 0 if leaf else int(tree.feature[at])
            row = (number, at, feature, limit, "LEAF" if leaf else "BRANCH_LEQ", yes, no)
            for key, value in zip(nodes, row, strict=True):
                nodes[key].append(value)
            if leaf:
                weight = (number, at, 0, float(tree.value[at - inner]))
                for key, value in zip(leaves, weight, strict=True):
                    leaves[key].append(value)
    attributes = {f"nodes_{key}": values for key, values in nodes.items()}
    attributes |= {f"target_{key}": values for key, values in leaves.items()}
    node = helper.make_node(
        "TreeEnsembleRegressor", ["rows"], ["scores"], domain="ai.onnx.ml", n_targets=1,
        aggregate_function="SUM", post_transform="NONE", **attributes,
    )  # fmt: skip
    one = 1  # onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        [node],
        "forest",
        [helper.make_tensor_value_info("rows", one, [None, len(forest.columns)])],
        [helper.make_tensor_value_info("scores", one, [None, 1])],
    )
    opsets = [helper.make_opsetid("ai.onnx.ml", 3), helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def _at_most(threshold: float) -> float:
    """Round down to float32, as a fair translation must."""
    nearest = np.float32(threshold)
    if float(nearest) > threshold:
        nearest = np.nextafter(nearest, np.float32(-np.inf))
    return float(nearest)


def run(case: Case, text: str, threads: int, short: bool, folder: Path) -> dict[str, Any]:
    """Check that all contestants agree, then time them."""
    rows = draw(case, case.rows, seed=9)
    exact = lightgbm.Booster(model_str=text).predict(rows, raw_score=True)
    with ThreadPoolExecutor(1) as pool:
        contestants = {"braid": braid(text, rows, threads, pool)}
        contestants |= dict(peers(text, rows, threads, folder))
        errors = {}
        for name, predict in contestants.items():
            errors[name] = float(np.abs(np.asarray(predict(), np.float64) - exact).max())
            # onnxruntime adds up in float32: it may be further off, but not wrong.
            assert errors[name] <= (TOLERANCE if name == "braid" else 1e-3), (name, errors)
        repetitions, seconds = (5, 0.05) if short else (7, 0.3)
        figures = interleave(contestants, repetitions=repetitions, seconds=seconds)
    return {
        "case": f"{case.name}: {case.rows} x {case.features}, {TREES} x {case.leaves} leaves",
        "threads": threads,
        "error": errors,
        "figures": as_dict(figures),
        "ratio": {name: f.p50_us / figures["braid"].p50_us for name, f in figures.items()},
    }


def show(result: dict[str, Any]) -> None:
    """Print one case as a table."""
    print(f"\n{result['case']}, {result['threads']} thread(s)")
    for name, figure in result["figures"].items():
        print(
            f"  {name:12} best {figure['best_us']:9.1f} us   p50 {figure['p50_us']:9.1f}"
            f"   p99 {figure['p99_us']:9.1f}   cpu {figure['cpu_us']:9.1f}"
            f"   {result['ratio'][name]:6.1f} x   error {result['error'][name]:.0e}"
        )


def main() -> None:
    """Run all cases on one and two threads."""
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--short", action="store_true", help="two cases, short repetitions")
    arguments.add_argument("--json", action="store_true", help="print JSON instead of tables")
    options = arguments.parse_args()
    about = machine("lightgbm", "onnxruntime", "treelite", "tl2cgen")
    if not options.json:
        print(json.dumps(about, indent=2))
    results = []
    models: dict[tuple[int, bool, int], str] = {}
    with tempfile.TemporaryDirectory() as folder:
        for case in SHORT if options.short else CASES:
            key = case.features, case.structured, case.leaves
            text = models[key] = models.get(key) or train(case)
            for threads in (1, 2):
                result = run(case, text, threads, options.short, Path(folder))
                results.append(result)
                if not options.json:
                    show(result)
    if options.json:
        json.dump({"machine": about, "results": results}, sys.stdout, indent=2)


if __name__ == "__main__":
    main()
