"""The names of the keys: one slot per partition, and no two things under one name."""

from binascii import crc_hqx
from collections import Counter

import pytest

from features import keys

NUMBER = keys.partition("7")


def slot_tag(key: str) -> str:
    """Return what Redis Cluster hashes of a key: what stands in its first braces."""
    return key.partition("{")[2].partition("}")[0]


def names_of(user_id: str) -> list[str]:
    number = keys.partition(user_id)
    return [
        keys.user_row(user_id),
        keys.user_history(user_id),
        keys.user_shown(user_id),
        keys.user_event(user_id, "e-1"),
        keys.events(number),
        keys.serial(number),
        keys.counts(number, 5_000_000),
        keys.served(number),
    ]


def test_all_that_an_event_of_a_user_changes_lives_in_one_slot() -> None:
    for user_id in ("7", "ann", "a}{b", "\N{SNOWMAN}"):
        (tag,) = {slot_tag(name) for name in names_of(user_id)}
        assert f"{{{tag}}}" == keys.tag(keys.partition(user_id))


def test_an_items_row_lives_in_the_slot_of_its_partition() -> None:
    for item_id in ("7", "ann", "a}{b", "{}", ":", "\N{SNOWMAN}"):
        name = keys.item_row(item_id)
        assert keys.slot_of(name) == keys.SLOTS[keys.partition(item_id)]
        assert keys.item_of(name.encode()) == item_id


@pytest.mark.parametrize(
    ("key", "slot"),
    [("123456789", 12739), ("foo", 12182), ("{foo}bar", 12182), ("a{foo}{bar}", 12182)],
)
def test_a_keys_slot_is_what_redis_says(key: str, slot: int) -> None:
    assert keys.slot_of(key) == slot


@pytest.mark.parametrize("key", ["foo{}{bar}", "foo{bar", "foo}bar{"])
def test_braces_that_hold_nothing_are_part_of_the_name(key: str) -> None:
    assert keys.slot_of(key) == crc_hqx(key.encode(), 0) % keys.HASH_SLOTS


@pytest.mark.parametrize("masters", [2, 3, 4, 6, 8, 16, 32, 64])
def test_masters_that_divide_the_slots_evenly_divide_the_partitions_so(masters: int) -> None:
    shares = Counter(slot * masters // keys.HASH_SLOTS for slot in keys.SLOTS)
    assert len(shares) == masters
    assert max(shares.values()) - min(shares.values()) <= 1


def test_items_and_users_of_the_same_id_are_apart() -> None:
    names = [keys.item_row("7"), *names_of("7")]
    names += [keys.user_event("7", "1"), keys.user_event("7", "11"), keys.user_event("71", "1")]
    assert len(set(names)) == len(names)


def test_a_users_partition_never_changes() -> None:
    """Stored data is found by it: these are the CRC-32 of the ids, modulo 64."""
    found = [keys.partition(user_id) for user_id in ("", "196", "ann", "\N{SNOWMAN}")]
    assert found == [0, 22, 51, 20]


def test_users_are_spread_evenly_over_the_partitions() -> None:
    counts = Counter(keys.partition(str(number)) for number in range(64_000))
    assert len(counts) == keys.PARTITIONS
    assert max(counts.values()) < 2 * min(counts.values())
