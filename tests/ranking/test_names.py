import sys
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ranking.names import END, Names

ids = st.text(st.characters(exclude_characters=END), min_size=1, max_size=12)
few = st.text("ab", min_size=1, max_size=4)  # so that known and wanted ids meet


def plain(known: list[str], wanted: list[str]) -> list[int]:
    """Look up in a dict, drop what is unknown and what was there before."""
    ordinals = {item: ordinal for ordinal, item in enumerate(known)}
    return list(dict.fromkeys(ordinals[item] for item in wanted if item in ordinals))


@given(st.lists(few | ids, unique=True, max_size=80), st.lists(few | ids | st.text(), max_size=80))
def test_ids_are_found_as_in_a_dict(known: list[str], wanted: list[str]) -> None:
    found = Names(known)(wanted)
    assert found.dtype == np.int64
    assert found.tolist() == plain(known, wanted)


@pytest.mark.parametrize("byte", ["a", "\x01", "\x7f", "\x80", "ÿ"])
def test_ids_of_any_length_that_differ_in_one_place_are_told_apart(byte: str) -> None:
    known = [byte * length for length in range(1, 41)]
    known += [f"{byte * place}b{byte * (16 - place)}" for place in range(17)]
    assert Names(known)(known).tolist() == list(range(len(known)))
    others = [f"{item}c" for item in known] + [f"c{item}" for item in known]
    assert not len(Names(known)(others))


def test_an_id_with_a_nul_is_nobody_s_and_hides_no_other() -> None:
    names = Names(["a", "b", "ab"])
    assert names(["a\0", "b", "a\0b", "\0", "ab", ""]).tolist() == [1, 2]


def test_where_each_id_stood_is_told_and_repeats_are_kept_where_they_are_wanted() -> None:
    names = Names(["a", "b", "c"])
    wanted = ["b", "x", "a\0", "b", "c", "", "a", "b"]
    items, places = names.located(wanted)
    assert (items.tolist(), places.tolist()) == ([1, 2, 0], [0, 4, 6])
    items, places = names.located(wanted, repeats=True)
    assert (items.tolist(), places.tolist()) == ([1, 1, 2, 0, 1], [0, 3, 4, 6, 7])
    assert [found.tolist() for found in names.located(["a\0"])] == [[], []]


def test_an_id_that_begins_like_another_is_another() -> None:
    names = Names(["item-1", "item-10", "item-100"])
    assert names(["item-100", "item-", "item-1000", "item-1"]).tolist() == [2, 0]


def test_half_a_surrogate_pair_is_an_id_like_any_other() -> None:
    assert Names(["\ud800", "x"])(["\ud801", "\ud800"]).tolist() == [0]


@pytest.mark.parametrize(
    ("known", "fault"), [(["a", "b", "a"], "'a' occurs twice"), (["a\0b"], "NUL")]
)
def test_ids_that_cannot_be_told_apart_are_refused(known: list[str], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        Names(known)


def test_a_large_catalogue_is_found_whole() -> None:
    known = [f"item-{number:x}" for number in range(200_000)]
    assert np.array_equal(Names(known)(known), np.arange(len(known)))
    assert not len(Names(known)(f"item {number:x}" for number in range(5000)))


def test_threads_may_look_up_at_once() -> None:
    known = [str(number) for number in range(5000)]
    names, faults = Names(known), list[int]()

    def look(seed: int) -> None:
        rng = np.random.default_rng(seed)
        for _ in range(50):
            wanted = rng.permutation(6000)[:1000]
            expected = wanted[wanted < 5000]
            if not np.array_equal(names([str(item) for item in wanted.tolist()]), expected):
                faults.append(seed)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    threads = [threading.Thread(target=look, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.setswitchinterval(interval)
    assert faults == []


@given(st.lists(few | ids, unique=True, max_size=60), st.integers(0, 60), st.lists(few | ids))
def test_names_grown_in_portions_are_the_names_of_all(
    known: list[str], first: int, wanted: list[str]
) -> None:
    begun = Names(known[:first])
    grown = begun.appended(known[first : first + 3]).appended(known[first + 3 :])
    assert grown(wanted).tolist() == plain(known, wanted)
    assert grown(known).tolist() == [*range(len(known))]
    assert begun(known).tolist() == [*range(len(known[:first]))]


def test_an_id_that_is_there_is_not_appended() -> None:
    names = Names(["a", "b"])
    for count in (1, 50):
        with pytest.raises(ValueError, match="'b' occurs twice"):
            names.appended([*map(str, range(count)), "b"])
