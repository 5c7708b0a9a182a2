"""Users as an artifact holds them."""

from collections.abc import Sequence

from features.user_reader import UserRecord
from ranking.artifact import StoredRows


def stored_user(stored: StoredRows, user: int, history_cap: int | None = None) -> UserRecord:
    """Return what the feature store says of a user once the artifact is loaded into it."""
    low, high = stored.history_offsets[user : user + 2].tolist()
    latest = slice(max(low, high - history_cap) if history_cap is not None else low, high)
    history = [stored.item_ids[item] for item in stored.history_items[latest].tolist()[::-1]]
    return UserRecord(stored.user_rows[user], True, history, stored.history_times[latest][::-1])


class StoredUsers:
    """The users of an artifact by id, with ``history_cap`` interactions each."""

    def __init__(self, stored: StoredRows, history_cap: int) -> None:
        self._stored = stored
        self._history_cap = history_cap
        self._places = {user_id: place for place, user_id in enumerate(stored.user_ids)}

    def __call__(self, user_ids: Sequence[str]) -> list[UserRecord | None]:
        """Return what is known of each user, None for a stranger."""
        places = map(self._places.get, user_ids)
        return [
            None if place is None else stored_user(self._stored, place, self._history_cap)
            for place in places
        ]
