"""What logs and spans tell of who asked."""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal


@dataclass(frozen=True, slots=True)
class Told:
    """A user's id, a hash of it, or nothing: ``how`` is the setting `--log-users`."""

    how: Literal["hash", "id", "none"]

    def id(self, asked: object) -> str | None:
        """Return the id of the user whom a request is about, where it may be told."""
        return _user(asked) if self.how == "id" else None

    def hash(self, asked: object) -> str | None:
        """Return 16 hexadecimal digits, the same for a user wherever they are made."""
        user = _user(asked) if self.how == "hash" else None
        return (
            None
            if user is None
            else blake2b(user.encode(errors="replace"), digest_size=8).hexdigest()
        )


def _user(asked: object) -> str | None:
    """Return the field that every kind of request for a slate may have."""
    user = getattr(asked, "user_id", None)
    return user if isinstance(user, str) else None
