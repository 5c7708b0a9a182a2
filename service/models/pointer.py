"""The pointer in Redis: which version every replica is to serve, and what each of them says."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final, Self

import msgspec
import redis

from features import keys
from features.client import STORE_FAULTS, Deferred
from service.models.errors import NothingToGoBackTo, PointerUnreachable

TIMEOUT_S: Final = 1.0
GONE_AFTER_S: Final = 30
"""A replica that has not reported for so long is not listed any more."""

# What is written is decided where it is written: two operators at once get one order.
ACTIVATE: Final = """
local before = redis.call('HGET', KEYS[1], 'version') or ARGV[2]
if before ~= ARGV[1] then redis.call('HSET', KEYS[1], 'previous', before) end
redis.call('HSET', KEYS[1], 'version', ARGV[1])
redis.call('HINCRBY', KEYS[1], 'serial', 1)
redis.call('PUBLISH', KEYS[1], ARGV[1])
return redis.call('HMGET', KEYS[1], 'version', 'previous', 'serial')
"""

# Going back twice would be going forward to what was gone back from: so the way is closed.
ROLL_BACK: Final = """
local previous = redis.call('HGET', KEYS[1], 'previous')
if not previous or previous ~= ARGV[1] then return false end
redis.call('HSET', KEYS[1], 'version', previous)
redis.call('HDEL', KEYS[1], 'previous')
redis.call('HINCRBY', KEYS[1], 'serial', 1)
redis.call('PUBLISH', KEYS[1], previous)
return redis.call('HMGET', KEYS[1], 'version', 'previous', 'serial')
"""

REPORT: Final = """
local now = tonumber(redis.call('TIME')[1])
redis.call('ZADD', KEYS[2], now, ARGV[1])
redis.call('HSET', KEYS[3], ARGV[1], ARGV[2])
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now - tonumber(ARGV[3]))) do
    redis.call('ZREM', KEYS[2], gone)
    redis.call('HDEL', KEYS[3], gone)
end
return redis.call('HMGET', KEYS[1], 'version', 'previous', 'serial')
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the pointer says; ``serial`` rises with each change, also to the same version."""

    version: str
    previous: str | None
    serial: int

    @classmethod
    def of(cls, fields: list[bytes | None]) -> Self | None:
        """Read version, previous, serial; None where nothing was ever activated."""
        version, previous, serial = (field.decode() if field else None for field in fields)
        return cls(version, previous, int(serial)) if version and serial else None


class Report(msgspec.Struct, frozen=True):
    """What one replica serves, and each version that it refused, with the reason."""

    version: str
    refused: dict[str, str] = {}


class Pointer:
    """Reads and writes it; any thread may. What Redis did not confirm is PointerUnreachable."""

    def __init__(self, url: str) -> None:
        self._client = Deferred(url, TIMEOUT_S)

    def read(self) -> Wanted | None:
        """Return what is wanted, None where nothing was ever activated."""
        with _reachable():
            return Wanted.of(self._ask("HMGET", keys.MODEL, "version", "previous", "serial"))

    def activate(self, version: str, instead_of: str) -> Wanted:
        """Want a version; ``instead_of`` is what is served where nothing was wanted so far."""
        with _reachable():
            wanted = Wanted.of(self._run(ACTIVATE, [keys.MODEL], version, instead_of))
        assert wanted is not None  # noqa: S101  the script has just written it
        return wanted

    def roll_back(self, to: str) -> Wanted:
        """Want the previous version again, if that still is ``to``.

        Raises:
            NothingToGoBackTo: somebody else has changed the pointer meanwhile.
        """
        with _reachable():
            fields = self._run(ROLL_BACK, [keys.MODEL], to)
        wanted = Wanted.of(fields) if fields else None
        if wanted is None:
            raise NothingToGoBackTo(f"{to} is not the previous version any more; look again")
        return wanted

    def report(self, replica: str, report: Report) -> Wanted | None:
        """Say what a replica serves; return what is wanted."""
        names = [keys.MODEL, keys.MODEL_SEEN, keys.MODEL_REPORTS]
        words = msgspec.json.encode(report)
        with _reachable():
            return Wanted.of(self._run(REPORT, names, replica, words, GONE_AFTER_S))

    def reports(self) -> dict[str, Report]:
        """Return what the replicas said, by their names in order."""
        with _reachable():
            found: dict[bytes, bytes] = self._ask("HGETALL", keys.MODEL_REPORTS)
        reports = dict[str, Report]()
        for name, words in sorted(found.items()):
            with suppress(ValueError):  # of another release, maybe: it is not listed
                reports[name.decode()] = msgspec.json.decode(words, type=Report)
        return reports

    @contextmanager
    def announcements(self) -> Iterator[redis.client.PubSub]:
        """Hear of changes: the messages of the block's value, each maybe lost."""
        with _reachable(), self._client().pubsub(ignore_subscribe_messages=True) as heard:  # type: ignore[no-untyped-call]  # redis-py's
            heard.subscribe(keys.MODEL)
            yield heard

    def close(self) -> None:
        """Drop the connections."""
        self._client.close()

    def _run(self, script: str, names: list[str], *arguments: str | bytes | int) -> Any:
        return self._ask("EVAL", script, len(names), *names, *arguments)

    def _ask(self, *words: str | bytes | int) -> Any:
        return self._client().execute_command(*words)  # type: ignore[no-untyped-call]  # redis-py's


@contextmanager
def _reachable() -> Iterator[None]:
    try:
        yield
    except STORE_FAULTS as fault:
        raise PointerUnreachable(f"Redis did not confirm ({fault}); see what is wanted") from fault
