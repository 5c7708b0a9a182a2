"""The names of the keys: one slot per user, and no two things under one name."""

from features import keys


def slot_tag(key: str) -> str:
    """Return what Redis Cluster hashes of a key: what stands in its first braces."""
    return key.partition("{")[2].partition("}")[0]


def test_all_of_a_users_keys_live_in_one_slot() -> None:
    names = [keys.user_row("7"), keys.user_history("7"), keys.user_event("7", "e-1")]
    assert {slot_tag(name) for name in names} == {"7"}


def test_items_and_users_of_the_same_id_are_apart() -> None:
    names = [keys.item_row("7"), keys.user_row("7"), keys.user_history("7")]
    names += [keys.user_event("7", "1"), keys.user_event("7", "11"), keys.user_event("71", "1")]
    assert len(set(names)) == len(names)
