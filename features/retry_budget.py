"""How many second attempts a loop may make: a share of its requests, and no more."""

from typing import Final

SHARE: Final = 0.1
AT_FIRST: Final = 10.0
AT_MOST: Final = 50.0
"""Saved up by 500 requests; older ones give no right to retry now."""


class RetryBudget:
    """A token bucket: each request puts a tenth of a token in, each retry takes one out.

    When everything fails, retries add a tenth to the load, not all of it again (Finagle's
    RetryBudget; Google's SRE book, chapter 21). Belongs to one thread.
    """

    __slots__ = ("_tokens",)

    def __init__(self) -> None:
        self._tokens = AT_FIRST

    def deposit(self) -> None:
        """Note a request."""
        if self._tokens < AT_MOST:
            self._tokens += SHARE

    def withdraw(self) -> bool:
        """Tell whether a retry may be made, and note it."""
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
