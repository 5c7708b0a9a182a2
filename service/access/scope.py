"""What a key may be allowed to do."""

from typing import Literal

type Scope = Literal["read", "write", "admin"]
"""Ask for slates; tell of users, items and events; change what is served and look at requests."""
