import numpy as np
import pytest

from features.types import Rows
from ranking.scorers import ForestScorer, FunctionScorer, LinearScorer
from tests.contracts import ScorerContract
from tests.ranking.forests import model_text, random_trees

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
