"""Who is in which arm, drafting a slate of two, and how alike two slates are."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ranking.experiments import (
    CONTROL,
    HOLDOUT,
    Experiment,
    Pick,
    Variant,
    assign,
    bucket,
    jaccard,
    preference,
    rank_biased_overlap,
    stability_index,
    team_draft,
)

SURE = 1e-4
"""A fair draw fails a test of this level once in 10,000 salts, and ours never change."""

IDS = [f"user-{n}" for n in range(100_000)]


# Buckets


def test_buckets_of_100_000_ids_are_uniform() -> None:
    counts, _ = np.histogram([bucket(key, "home-1") for key in IDS], 100, (0, 1))
    assert stats.chisquare(counts).pvalue > SURE


def test_buckets_by_two_salts_are_independent() -> None:
    places = np.array([(bucket(key, "home-1"), bucket(key, "home-2")) for key in IDS])
    table, _, _ = np.histogram2d(places[:, 0], places[:, 1], 10, [(0, 1), (0, 1)])
    assert stats.chi2_contingency(table).pvalue > SURE
    # The test can fail: a salt against itself is as dependent as can be.
    same, _, _ = np.histogram2d(places[:, 0], places[:, 0], 10, [(0, 1), (0, 1)])
    assert stats.chi2_contingency(same + 1).pvalue < SURE


@pytest.mark.parametrize(
    ("key", "salt", "place"),
    [
        ("196", "home-1", 0.03412813534023029),
        ("", "s", 0.18331332148723833),
        ("Zoë", "home-1", 0.6405753742748626),
    ],
)
def test_a_bucket_never_changes(key: str, salt: str, place: float) -> None:
    """Written down, because a replica of another version must agree."""
    assert bucket(key, salt) == place


@given(st.text(), st.from_regex(r"[!-~]{1,64}", fullmatch=True))
def test_every_id_has_a_bucket_below_one(key: str, salt: str) -> None:
    assert 0 <= bucket(key, salt) < 1


def test_arms_get_their_shares() -> None:
    experiment = Experiment("home-1", {"a": Variant(0.2), "b": Variant(0.3)}, holdout=0.1)
    arms = [assign(experiment, key) for key in IDS]
    counts = [arms.count(name) for name in ("a", "b", CONTROL, HOLDOUT)]
    expected = np.array([0.2 * 0.9, 0.3 * 0.9, 0.5 * 0.9, 0.1]) * len(IDS)
    assert stats.chisquare(counts, expected).pvalue > SURE


def test_the_holdout_is_the_same_for_every_salt_and_variants_are_dealt_anew() -> None:
    one, other = (
        Experiment(salt, {"a": Variant(0.5)}, holdout=0.2) for salt in ("home-1", "home-2")
    )
    pairs = [(assign(one, key), assign(other, key)) for key in IDS[:10_000]]
    assert {pair.count(HOLDOUT) for pair in pairs} == {0, 2}
    assert {pair for pair in pairs if HOLDOUT not in pair} == set(
        itertools.product(("a", CONTROL), repeat=2)
    )


def test_growing_the_last_variant_takes_users_from_control_alone() -> None:
    small, large = (
        Experiment("home-1", {"a": Variant(0.2), "b": Variant(share)}) for share in (0.1, 0.4)
    )
    moves = {(assign(small, key), assign(large, key)) for key in IDS[:10_000]}
    assert moves == {("a", "a"), ("b", "b"), (CONTROL, "b"), (CONTROL, CONTROL)}


def test_shares_of_one_leave_nobody_in_control() -> None:
    experiment = Experiment("s", {name: Variant(1 / 3) for name in "abc"})
    arms = {assign(experiment, key) for key in IDS[:10_000]}
    assert arms == {"a", "b", "c"}


# Team-draft interleaving

slates = st.lists(st.integers(0, 30), unique=True, max_size=25)
seeds = st.integers(0, 2**64 - 1)


def teams(picks: list[Pick]) -> list[int]:
    return [pick.team for pick in picks]


@given(slates, slates, st.integers(1, 40), seeds)
def test_a_draft_has_no_duplicates_and_is_as_long_as_it_can_be(
    first: list[int], second: list[int], limit: int, seed: int
) -> None:
    picks = team_draft(first, second, limit, seed)
    items = [(first, second)[pick.slate][pick.place] for pick in picks]
    assert len(set(items)) == len(items) == min(limit, len({*first, *second}))
    assert all(pick.team in (pick.slate, -1) for pick in picks)
    for side in (0, 1):  # each slate's items come in its own order
        places = [pick.place for pick in picks if pick.slate == side]
        assert places == sorted(places)
    assert picks == team_draft(first, second, limit, seed)


@given(slates, slates, st.integers(1, 40), seeds)
def test_no_team_is_more_than_one_pick_ahead(
    first: list[int], second: list[int], limit: int, seed: int
) -> None:
    drafted = np.array(teams(team_draft(first, second, limit, seed)), np.int64)
    ahead = np.cumsum(drafted == 1) - np.cumsum(drafted == 0)
    assert np.abs(ahead).max(initial=0) <= 1


def test_two_equal_rankers_win_equally_often() -> None:
    random = np.random.default_rng(7)
    wins = {-1: 0, 0: 0, 1: 0}
    for seed in range(10_000):
        drafted = teams(team_draft(range(10), range(10), 10, seed))
        # As people do: the upper places are clicked more, whoever filled them.
        clicked = np.flatnonzero(random.random(10) < 0.5 / np.arange(1, 11))
        wins[preference(drafted, clicked.tolist())] += 1
    assert stats.binomtest(wins[1], wins[1] + wins[-1]).pvalue > SURE
    assert min(wins.values()) > 1500


def test_the_better_ranker_wins() -> None:
    bad, good = list(range(10)[::-1]), list(range(10))
    won = 0
    for seed in range(1000):
        picks = team_draft(bad, good, 4, seed)
        items = [(bad, good)[pick.slate][pick.place] for pick in picks]
        won += preference(teams(picks), [place for place in range(4) if items[place] < 2])
    assert won == 1000


def test_who_has_nothing_left_neither_wins_nor_loses_by_it() -> None:
    for seed in range(20):
        picks = team_draft([1], [2, 3, 4, 5], 5, seed)
        assert sorted(teams(picks)[:2]) in ([0, 1], [-1, 0])
        assert teams(picks)[2:] == [-1, -1, -1]
        assert preference(teams(picks), [2, 3, 4]) == 0
    assert team_draft([], [], 5, 1) == []
    assert teams(team_draft([], [1, 2], 5, 1)) == [-1, -1]


def test_clicks_count_once_per_place_and_only_within_the_slate() -> None:
    assert preference([0, 1, 1], [0, 0, 0, 1, 2]) == 1
    assert preference([0, 1, 1], [0, 1]) == 0
    assert preference([0, 1, 1], [-1, 3, 99]) == 0


# Slates beside each other


def plain_rbo(one: list[int], other: list[int], p: float) -> float:
    """RBO by its definition (equation 4) of two rankings that go on alike behind their ends."""
    agreements = [
        len(set(one[:depth]) & set(other[:depth])) / depth for depth in range(1, len(one) + 1)
    ]
    seen = sum(p**place * agreement for place, agreement in enumerate(agreements))
    return (1 - p) * seen + p ** len(one)


def test_rank_biased_overlap_is_one_of_the_same_and_zero_of_strangers() -> None:
    assert rank_biased_overlap(range(20), range(20)) == pytest.approx(1)
    assert rank_biased_overlap(range(20), range(20, 40)) == 0
    assert rank_biased_overlap([], []) == 1
    assert rank_biased_overlap([], [1]) == 0


@given(st.permutations(range(12)), st.sampled_from([0.5, 0.9, 0.98]))
def test_rank_biased_overlap_of_whole_rankings_is_the_definition(one: list[int], p: float) -> None:
    other = list(range(12))
    expected = plain_rbo(one, other, p)
    assert rank_biased_overlap(one, other, p) == pytest.approx(expected, abs=1e-12)


def test_rank_biased_overlap_of_unequal_lengths_is_the_papers_equation() -> None:
    """Equation 32, written out for S = <1, 2>, L = <2, 3, 1, 4>, p = 0.9."""
    p, s, n = 0.9, 2, 4
    shared = {1: 0, 2: 1, 3: 2, 4: 2}
    head = sum(shared[d] / d * p**d for d in range(1, n + 1))
    middle = sum(shared[s] * (d - s) / (s * d) * p**d for d in range(s + 1, n + 1))
    expected = (1 - p) / p * (head + middle) + ((shared[n] - shared[s]) / n + shared[s] / s) * p**n
    assert rank_biased_overlap([1, 2], [2, 3, 1, 4], p) == pytest.approx(expected)
    assert rank_biased_overlap([2, 3, 1, 4], [1, 2], p) == pytest.approx(expected)


def test_the_top_weighs_most() -> None:
    slate = list(range(10))
    low = [*slate[:8], 98, 99]
    high = [98, 99, *slate[2:]]
    assert rank_biased_overlap(slate, low) > rank_biased_overlap(slate, high) + 0.1


@pytest.mark.parametrize(
    ("one", "other", "depth", "share"),
    [("abcd", "abcd", 4, 1.0), ("abcd", "dcba", 2, 0.0), ("abc", "abd", 3, 0.5), ("", "", 5, 1.0)],
)
def test_jaccard_is_shared_over_either(one: str, other: str, depth: int, share: float) -> None:
    assert jaccard(one, other, depth) == share


def test_stability_index_is_the_known_figure() -> None:
    """Half of the upper half moved to the lower: (q - p) ln(q / p), decile by decile."""
    before = np.arange(1000.0)
    after = np.concatenate([np.repeat(before[:500], 3), before[500:]])
    expected = 5 * (0.05 * np.log(0.15 / 0.1)) + 5 * (-0.05 * np.log(0.05 / 0.1))
    assert stability_index(before, after) == pytest.approx(expected, rel=0.02)
    assert stability_index(before, before) == 0


def test_stability_index_sees_a_shift_and_not_a_draw() -> None:
    random = np.random.default_rng(1)
    before = random.normal(size=5000)
    assert stability_index(before, random.normal(size=5000)) < 0.02
    assert stability_index(before, random.normal(0.6, size=5000)) > 0.25
    assert np.isfinite(stability_index(before, np.full(100, 99.0)))
    assert np.isnan(stability_index(before, [np.nan]))
    assert stability_index([1.0, np.inf], [1.0]) == 0
