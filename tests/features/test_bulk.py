"""Writing an artifact's rows and histories into a real server."""

from collections.abc import Sequence

import numpy as np
import pytest
from redis import Redis

from features import keys
from features.bulk import ROWS_PER_ROUND_TRIP, write_histories, write_items, write_users
from features.codec import decode_rows, fingerprints
from tests.features.schemas import ITEM, USER, draw

MANY = 2 * ROWS_PER_ROUND_TRIP + 3


def ignore(_: int) -> None:
    pass


def as_bytes(stored: Sequence[object]) -> list[bytes | None]:
    """Narrow what the client's annotations leave open: nothing here decodes responses."""
    return [value if isinstance(value, bytes) else None for value in stored]


def test_every_row_is_written_under_its_key_however_many_there_are(client: Redis) -> None:
    ids = [f"i{number}" for number in range(MANY)]
    rows = draw(ITEM, MANY)
    write_items(client, ids, rows, ITEM, ignore)
    stored = [client.get(keys.item_row(item_id)) for item_id in ids]
    decoded, present = decode_rows(as_bytes(stored), fingerprints(ids), ITEM)
    assert decoded.tobytes() == rows.tobytes()
    assert present.all()
    assert client.dbsize() == MANY


def test_user_rows_have_keys_of_their_own(client: Redis) -> None:
    write_users(client, ["7"], draw(USER, 1), USER, ignore)
    write_items(client, ["7"], draw(ITEM, 1), ITEM, ignore)
    names = [keys.item_row("7").encode(), keys.user_row("7").encode()]
    assert sorted(client.scan_iter()) == names


def test_writing_again_replaces_rows(client: Redis) -> None:
    for seed in (1, 2):
        write_users(client, ["7"], draw(USER, 1, seed), USER, ignore)
    stored = [client.get(keys.user_row("7"))]
    decoded, _ = decode_rows(as_bytes(stored), fingerprints(["7"]), USER)
    assert decoded.tobytes() == draw(USER, 1, 2).tobytes()


def test_one_bad_value_writes_nothing(client: Redis) -> None:
    rows = draw(ITEM, MANY)
    rows[-1, 0] = np.nan
    with pytest.raises(ValueError, match="'year' is not a finite number"):
        write_items(client, [str(number) for number in range(MANY)], rows, ITEM, ignore)
    assert client.dbsize() == 0


def test_histories_are_capped_and_latest_first(client: Redis) -> None:
    write_histories(client, [("ann", ["5", "4", "3", "2"]), ("bob", ["9"])], 3, ignore)
    assert client.lrange(keys.user_history("ann"), 0, -1) == [b"5", b"4", b"3"]
    assert client.lrange(keys.user_history("bob"), 0, -1) == [b"9"]


def test_a_history_that_exists_is_left_alone(client: Redis) -> None:
    client.lpush(keys.user_history("ann"), "newer")
    write_histories(client, [("ann", ["old"]), ("bob", ["1"])], 10, ignore)
    write_histories(client, [("ann", ["old"]), ("bob", ["2"])], 10, ignore)
    assert client.lrange(keys.user_history("ann"), 0, -1) == [b"newer"]
    assert client.lrange(keys.user_history("bob"), 0, -1) == [b"1"]


def test_an_empty_history_leaves_no_key(client: Redis) -> None:
    write_histories(client, [("ann", [])], 10, ignore)
    assert client.dbsize() == 0


def test_progress_adds_up_to_everything(client: Redis) -> None:
    told: list[int] = []
    ids = [str(number) for number in range(MANY)]
    write_items(client, ids, draw(ITEM, MANY), ITEM, told.append)
    write_histories(client, ((user, ["1"]) for user in ids), 10, told.append)
    assert sum(told) == 2 * MANY
    assert 6 <= len(told) <= keys.PARTITIONS + 3
