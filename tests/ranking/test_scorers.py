import json
from collections.abc import Sequence
from itertools import combinations, pairwise

import numpy as np
import pytest
from numpy.random import Generator
from numpy.typing import NDArray

from features.types import Rows
from ranking.scorers import (
    FactorisationScorer,
    ForestScorer,
    FunctionScorer,
    LinearScorer,
    MlpScorer,
    StoredScorer,
    restore,
)
from tests.contracts import ScorerContract
from tests.ranking.forests import model_text, random_trees

type Floats = list[NDArray[np.float32]]

COLUMNS = tuple(f"f{i}" for i in range(6))


class TestLinearScorer(ScorerContract):
    @pytest.fixture
    def scorer(self) -> LinearScorer:
        return LinearScorer(np.linspace(-1, 2, 6, dtype=np.float32), 0.5, COLUMNS)

    def test_it_is_the_weighted_sum(self, scorer: LinearScorer) -> None:
        rows = np.random.default_rng(3).normal(size=(500, 6)).astype(np.float32)
        exact = rows.astype(np.float64) @ np.linspace(-1, 2, 6, dtype=np.float32) + 0.5
        assert np.allclose(scorer(rows), exact, rtol=1e-6, atol=1e-6)

    def test_any_width_and_split_gives_the_same_bits(self) -> None:
        rng = np.random.default_rng(4)
        for _ in range(200):
            n, f = rng.integers(1, 300), rng.integers(1, 130)
            names = tuple(f"f{i}" for i in range(f))
            scorer = LinearScorer(rng.normal(size=f).astype(np.float32), 0.0, names)
            rows = rng.normal(size=(n, f)).astype(np.float32)
            cut = rng.integers(0, n + 1)
            split = np.concatenate((scorer(rows[:cut]), scorer(rows[cut:])))
            assert split.tobytes() == scorer(rows).tobytes()

    def test_weights_and_columns_must_agree(self) -> None:
        with pytest.raises(ValueError, match=r"shape \[5\] for 6 columns"):
            LinearScorer(np.ones(5, np.float32), 0.0, COLUMNS)

    def test_weights_must_be_finite(self) -> None:
        with pytest.raises(ValueError, match="finite"):
            LinearScorer(np.array([np.nan], np.float32), 0.0, ("a",))


def random_mlp(rng: Generator, widths: Sequence[int]) -> tuple[MlpScorer, Floats, Floats]:
    shapes = [*pairwise(widths)]
    weights = [rng.normal(0, n**-0.5, (m, n)).astype(np.float32) for n, m in shapes]
    biases = [rng.normal(size=m).astype(np.float32) for _, m in shapes]
    return MlpScorer.of(weights, biases, [f"f{i}" for i in range(widths[0])]), weights, biases


def mlp_in_numpy(rows: Rows, weights: Floats, biases: Floats) -> NDArray[np.float64]:
    values = rows.astype(np.float64)
    for layer, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        values = values @ weight.T + bias
        if layer < len(weights) - 1:
            values = np.maximum(values, 0)
    return values[:, 0]


class TestMlpScorer(ScorerContract):
    @pytest.fixture
    def scorer(self) -> MlpScorer:
        return random_mlp(np.random.default_rng(7), (6, 9, 5, 1))[0]

    @pytest.mark.parametrize(
        "widths", [(64, 128, 64, 1), (6, 1), (1, 1), (1, 1, 1), (3, 2, 1), (5, 130, 7, 31, 1)]
    )
    def test_it_is_the_network_that_numpy_computes(self, widths: tuple[int, ...]) -> None:
        rng = np.random.default_rng(8)
        scorer, weights, biases = random_mlp(rng, widths)
        for n in (1, 31, 33, 128, 300):
            rows = rng.normal(size=(n, widths[0])).astype(np.float32)
            exact = mlp_in_numpy(rows, weights, biases)
            assert np.allclose(scorer(rows), exact, rtol=1e-5, atol=1e-5)

    def test_what_is_below_zero_counts_only_in_the_last_layer(self) -> None:
        layers = [np.array([[1], [-1]], np.float32), np.array([[1, 1]], np.float32)]
        absolute = MlpScorer.of(layers, [np.zeros(2, np.float32), np.full(1, -5.0)], ("x",))
        rows = np.array([[3], [-4], [0]], np.float32)
        assert absolute(rows).tolist() == [-2.0, -1.0, -5.0]

    def test_a_value_that_is_no_number_makes_a_score_that_is_none(self, scorer: MlpScorer) -> None:
        rows = np.zeros((3, 6), np.float32)
        rows[1, 2] = np.nan
        assert np.isnan(scorer(rows)).tolist() == [False, True, False]

    @pytest.mark.parametrize(
        ("widths", "fault"),
        [
            ((6,), r"widths are \[6\]"),
            ((5, 1), "must lead from 6 columns to 1"),
            ((6, 4), "must lead from 6 columns to 1"),
            ((6, 0, 1), "must lead"),
            ((6, -3, 1), "must lead"),
            ((6, 4, 1), r"parameters have shape \[7\], not \[33\]"),
        ],
    )
    def test_widths_must_fit(self, widths: tuple[int, ...], fault: str) -> None:
        with pytest.raises(ValueError, match=fault):
            MlpScorer(np.zeros(7, np.float32), COLUMNS, widths)

    def test_layers_must_fit(self) -> None:
        weights = [np.ones((4, 6)), np.ones((1, 5))]
        biases = [np.ones(4), np.ones(1)]
        with pytest.raises(
            ValueError, match=r"layer 1 has weights \[1, 5\].*not \[1, 4\] and \[1\]"
        ):
            MlpScorer.of(weights, biases, COLUMNS)

    def test_parameters_must_be_finite(self) -> None:
        with pytest.raises(ValueError, match="finite"):
            MlpScorer(np.full(7, np.inf, np.float32), COLUMNS, (6, 1))
        with pytest.raises(ValueError, match="finite"):  # once it is float32
            MlpScorer(np.full(7, 1e39), COLUMNS, (6, 1))


class TestFactorisationScorer(ScorerContract):
    @pytest.fixture
    def scorer(self) -> FactorisationScorer:
        rng = np.random.default_rng(9)
        return FactorisationScorer.of(0.5, rng.normal(size=6), rng.normal(size=(6, 3)), COLUMNS)

    @pytest.mark.parametrize(("width", "factors"), [(1, 1), (5, 4), (20, 3), (64, 17)])
    def test_it_is_the_sum_over_all_pairs(self, width: int, factors: int) -> None:
        rng = np.random.default_rng(10)
        weights = rng.normal(size=width).astype(np.float32)
        vectors = rng.normal(size=(width, factors)).astype(np.float32)
        scorer = FactorisationScorer.of(0.5, weights, vectors, [f"f{i}" for i in range(width)])
        rows = rng.normal(size=(100, width)).astype(np.float32)
        exact = 0.5 + rows.astype(np.float64) @ weights
        for i, j in combinations(range(width), 2):
            pair = vectors[i].astype(np.float64) @ vectors[j]
            exact += pair * rows[:, i].astype(np.float64) * rows[:, j]
        assert np.allclose(scorer(rows), exact, rtol=1e-6, atol=1e-5)

    def test_a_dot_product_of_two_vectors_is_a_special_case(self) -> None:
        vectors = np.zeros((8, 4), np.float32)
        vectors[[0, 4], 0] = vectors[[1, 5], 1] = vectors[[2, 6], 2] = vectors[[3, 7], 3] = 1
        columns = [f"{side}.{i}" for side in ("user", "item") for i in range(4)]
        scorer = FactorisationScorer.of(0.0, np.zeros(8), vectors, columns)
        rows = np.random.default_rng(11).normal(size=(50, 8)).astype(np.float32)
        exact = (rows[:, :4].astype(np.float64) * rows[:, 4:]).sum(axis=1)
        assert np.allclose(scorer(rows), exact, rtol=1e-6, atol=1e-7)

    def test_parts_must_fit(self) -> None:
        with pytest.raises(ValueError, match=r"weights \[5\] and vectors \[6, 2\]"):
            FactorisationScorer.of(0.0, np.ones(5), np.ones((6, 2)), COLUMNS)
        with pytest.raises(ValueError, match=r"shape \[16\], not \[19\]"):
            FactorisationScorer.of(0.0, np.ones(5), np.ones((5, 2)), COLUMNS)
        with pytest.raises(ValueError, match="factors are 0"):
            FactorisationScorer(np.ones(7, np.float32), COLUMNS, 0)

    def test_parameters_must_be_finite(self) -> None:
        with pytest.raises(ValueError, match="finite"):
            FactorisationScorer.of(np.nan, np.ones(6), np.ones((6, 2)), COLUMNS)


STORED: list[StoredScorer] = [
    LinearScorer(np.linspace(-1, 2, 6), 0.1, COLUMNS),
    random_mlp(np.random.default_rng(12), (6, 9, 1))[0],
    FactorisationScorer.of(0.1, np.linspace(-1, 2, 6), np.ones((6, 2)), COLUMNS),
]


@pytest.mark.parametrize("scorer", STORED, ids=lambda scorer: scorer.description["kind"])
def test_a_scorer_restored_is_the_same_to_the_bit(scorer: StoredScorer) -> None:
    description = json.loads(json.dumps(scorer.description))
    again = restore(description, scorer.parameters, scorer.columns)
    rows = np.random.default_rng(13).normal(size=(200, 6)).astype(np.float32)
    assert again(rows).tobytes() == scorer(rows).tobytes()
    assert again.description == scorer.description


@pytest.mark.parametrize(
    "description",
    [
        None,
        [],
        {},
        {"kind": "pickle"},
        {"kind": "forest"},
        {"kind": "linear", "more": 1},
        {"kind": "mlp"},
        {"kind": "mlp", "widths": 7},
        {"kind": "mlp", "widths": "66"},
        {"kind": "mlp", "widths": []},
        {"kind": "mlp", "widths": [6, 1.0]},
        {"kind": "mlp", "widths": [6, True]},
        {"kind": "mlp", "widths": [6, 10**30, 1]},
        {"kind": "mlp", "widths": [6, -1, 1]},
        {"kind": "mlp", "widths": [6, 1], "activation": "tanh"},
        {"kind": "factorisation"},
        {"kind": "factorisation", "factors": -1},
        {"kind": "factorisation", "factors": 1.5},
        {"kind": "factorisation", "factors": 10**30},
    ],
    ids=str,
)
@pytest.mark.parametrize("count", [0, 1, 6])
def test_what_describes_no_scorer_is_refused(description: object, count: int) -> None:
    with pytest.raises(ValueError, match=r"describes no scorer|widths|factors|parameters"):
        restore(description, np.zeros(count, np.float32), COLUMNS)


@pytest.mark.parametrize("scorer", STORED, ids=lambda scorer: scorer.description["kind"])
@pytest.mark.parametrize("change", [-1, 1])
def test_a_parameter_too_few_or_too_many_is_refused(scorer: StoredScorer, change: int) -> None:
    parameters = np.zeros(len(scorer.parameters) + change, np.float32)
    with pytest.raises(ValueError, match="shape"):
        restore(scorer.description, parameters, scorer.columns)


MODEL = model_text(
    random_trees(np.random.default_rng(5), features=6, trees=20, most_leaves=31), len(COLUMNS)
)


class TestForestScorer(ScorerContract):
    @pytest.fixture
    def scorer(self) -> ForestScorer:
        return ForestScorer.load(MODEL, COLUMNS)


def score_in_python(user: dict[str, float], items: dict[str, list[float]]) -> list[float]:
    """Stand in for what a user would write: dicts, lists and a loop."""
    weight = user.get("f0", 1.0)
    return [weight * a + max(b, 0.0) for a, b in zip(items["f1"], items["f2"], strict=True)]


class TestFunctionScorer(ScorerContract):
    @pytest.fixture
    def scorer(self) -> FunctionScorer:
        return FunctionScorer(score_in_python, COLUMNS)

    def test_a_user_alike_in_all_rows_gives_the_same_bits_for_any_split(self) -> None:
        rows = np.random.default_rng(6).normal(size=(300, 6)).astype(np.float32)
        rows[:, 0] = 0.7
        scorer = FunctionScorer(score_in_python, COLUMNS, ("f0",))
        split = [scorer(piece) for piece in np.split(rows, (1, 100, 100, 255))]
        assert np.concatenate(split).tobytes() == scorer(rows).tobytes()

    def test_the_function_sees_one_user_and_columns_of_items(self) -> None:
        def check(user: dict[str, float], items: dict[str, list[float]]) -> list[float]:
            assert user == {"age": 7.0}
            assert items == {"price": [1.0, 2.0], "stock": [3.0, 4.0]}
            return [0.5, 1.5]

        rows = np.array([[1, 7, 3], [2, 7, 4]], np.float32)
        scorer = FunctionScorer(check, ("price", "age", "stock"), ("age",))
        assert scorer(rows).tolist() == [0.5, 1.5]

    def test_each_call_gets_objects_of_its_own(self) -> None:
        def spoil(user: dict[str, float], items: dict[str, list[float]]) -> list[float]:
            seen.append((dict(user), dict(items)))
            user.clear()
            return [items["b"].pop(), *items["b"]]

        seen: list[object] = []
        scorer = FunctionScorer(spoil, ("a", "b"), ("a",))
        rows = np.array([[1, 2], [1, 3]], np.float32)
        assert scorer(rows).tolist() == scorer(rows).tolist() == [3.0, 2.0]
        assert rows.tolist() == [[1, 2], [1, 3]]

    def test_a_nan_score_is_let_through(self) -> None:
        scorer = FunctionScorer(lambda _, items: [float("nan")] * len(items["a"]), ("a",))
        assert np.isnan(scorer(np.zeros((2, 1), np.float32))).all()

    @pytest.mark.parametrize(
        ("answer", "fault"),
        [
            ([1.0], "1 scores for 2 rows"),
            ([1.0, 2.0, 3.0], "3 scores for 2 rows"),
            (None, "returned NoneType"),
            ((1.0, 2.0), "returned tuple"),
            ([1.0, "2"], "score 1 is a str"),
            ([1.0, None], "score 1 is a NoneType"),
            ([1.0, True], "score 1 is a bool"),
            ([[1.0], [2.0]], "score 0 is a list"),
        ],
    )
    def test_a_wrong_answer_is_named(self, answer: list[float], fault: str) -> None:
        scorer = FunctionScorer(lambda _user, _items: answer, ("a",))
        with pytest.raises((TypeError, ValueError), match=fault):
            scorer(np.zeros((2, 1), np.float32))

    def test_an_error_in_the_function_comes_through(self) -> None:
        scorer = FunctionScorer(lambda _, items: items["missing"], ("a",))
        with pytest.raises(KeyError, match="no item column 'missing'"):
            scorer(np.zeros((2, 1), np.float32))

    def test_user_columns_must_be_columns(self) -> None:
        with pytest.raises(ValueError, match="age"):
            FunctionScorer(score_in_python, ("a",), ("age",))

    def test_a_function_is_loaded_by_name(self) -> None:
        scorer = FunctionScorer.load(f"{__name__}:score_in_python", COLUMNS, ("f0",))
        rows: Rows = np.ones((2, 6), np.float32)
        assert scorer(rows).tolist() == [2.0, 2.0]

    @pytest.mark.parametrize(
        ("spec", "fault"),
        [
            ("no_colon", "module:function"),
            (":score", "module:function"),
            ("math:", "module:function"),
            ("math:no such name", "module:function"),
            ("no_such_module_anywhere:score", "cannot import"),
            ("math:no_such_function", "no function"),
            ("math:pi", "no function"),
        ],
    )
    def test_a_bad_name_is_refused_with_the_reason(self, spec: str, fault: str) -> None:
        with pytest.raises(ValueError, match=fault):
            FunctionScorer.load(spec, COLUMNS)
