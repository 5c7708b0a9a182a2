"""Bodies by the contract, and what is wrong with most of them: seeded, so that each comes again."""

import json
import random
import string
from collections.abc import Callable
from typing import Any, Final

from service.http.contract import ADMIN, CATALOGUE, OPERATIONS, Operation

# Values that JSON has no way to say from Python, by the names that stand for them meanwhile.
TOKENS: Final = {
    "@nan@": "NaN",
    "@infinity@": "-Infinity",
    "@huge@": "1e400",
    "@tiny@": "1e-400",
    "@minus-zero@": "-0.0",
    "@long-integer@": "9" * 4000,
    "@long-negative@": "-" + "9" * 4000,
    "@long-fraction@": "0." + "1" * 4000,
    "@plus@": "+1",
    "@octal@": "007",
    "@hexadecimal@": "0x10",
    "@surrogate@": '"\\ud800"',
    "@other-surrogate@": '"\\udfff\\ud800x"',
    "@nul@": '"\\u0000"',
    "@escape@": '"\\x41"',
    "@control@": '"a\nb"',
    "@deep@": "[" * 3000 + "]" * 3000,
    "@deeper@": '{"a":' * 3000 + "1" + "}" * 3000,
    "@open@": "[" * 5000,
    "@undefined@": "undefined",
    "@comment@": "/* 1 */ 1",
}
VALUES: Final[list[Any]] = [
    *TOKENS, None, True, False, 0, 1, -1, 2**31, 2**53, 2**53 + 1, 2**63, 2**64, -(2**63), 1.5,
    -0.5, 1e308, 5e-324, "", " ", "1", "50", "196", "a" * 128, "a" * 129, "a" * 3000,
    "\u202e\ufeff", "\U0001f600" * 40, "../../etc/passwd", "%00", "'; --", "{}", "NaN",
    "genre:Comedy", "home", "search", [], {}, [[]], [{}], {"": ""}, {"a": {"b": {"c": {}}}},
    ["1"] * 201, ["1", 1, None], [None] * 50, {"0": "50", "00": "1"}, {"-1": "1"},
    {"genre:Comedy": 0.0}, {"genre:Comedy": 1e400}, {"year:1": 2.0}, [0.1] * 50,
]  # fmt: skip
NAMES: Final = [
    "user_id", "limit", "session", "seed_items", "candidates", "exclude", "filter", "pin",
    "boost", "seed", "after", "diversity", "surface", "deadline_ms", "debug", "why_not",
    "queries", "events", "item_id", "type", "timestamp_ms", "event_id", "request_id", "value",
    "weight", "name", "items", "item_ids", "users", "properties", "features", "version",
    "model_version", "body", "", "__class__", "constructor", "a`b\n", "\x00", "genre", "year",
    "age", "title",
]  # fmt: skip
COLUMNS: Final = ("genre", "year", "title", "item_id", "price", "popularity")
LITERALS: Final = ("1990", "-1", "1e9", "'Comedy'", "''", "'it''s'", "null", "true", "1e400", "nan")
OPERATIONS_BY_SHARE: Final = (
    *(operation for operation in OPERATIONS for _ in range(8)),
    *(operation for operation in CATALOGUE),
    *(operation for operation in ADMIN),
)

# Bytes are faster damaged than values are bent.
DAMAGED: Final = 2

type Body = tuple[Operation[Any], bytes]


class Bodies:
    """Draws one body after the other."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.cursors: list[str] = []  # given by whoever has seen some, as are these
        self.request_ids: list[str] = []

    def draw(self) -> list[Body]:
        """Return an operation with a body for it, perhaps bent, and with that damaged."""
        chance = self._random
        operation = chance.choice(OPERATIONS_BY_SHARE)
        value = json.loads(json.dumps(operation.example))
        if operation.path == "/v1/recommendations" and chance.random() < 0.5:
            self._wish(value)
        if operation.path == "/v1/replay" and self.request_ids and chance.random() < 0.8:
            value["request_id"] = chance.choice(self.request_ids)
        for _ in range(chance.choice((0, 1, 1, 1, 2, 4))):
            value = self._bent(value)
        text = json.dumps(value)
        for name, token in TOKENS.items():
            if name in text:
                text = text.replace(f'"{name}"', token)
        body = text.encode("utf-8", "surrogatepass")
        damaged = [self._damaged(body) for _ in range(DAMAGED)]
        return [(operation, one) for one in (body, *damaged)]

    def filter(self, depth: int = 0) -> str:
        """Return what looks like a filter: by the grammar, mostly."""
        chance = self._random
        ways: list[Callable[[], str]] = [self._comparison]
        if depth < 6:
            ways += [
                lambda: f"({self.filter(depth + 1)})",
                lambda: f"not {self.filter(depth + 1)}",
                lambda: f"{self.filter(depth + 1)} and {self.filter(depth + 1)}",
                lambda: f"{self.filter(depth + 1)} or {self.filter(depth + 1)}",
            ]
        text = chance.choice(ways)()
        if not depth and chance.random() < 0.2:
            at = chance.randrange(len(text))
            text = text[:at] + chance.choice(string.printable + "\0é") + text[at + 1 :]
        if not depth and chance.random() < 0.02:
            text = "(" * 1900 + text
        return text

    def _comparison(self) -> str:
        chance = self._random
        column, literal = chance.choice(COLUMNS), chance.choice(LITERALS)
        match chance.randrange(4):
            case 0:
                return (
                    f"{column} in ({', '.join(chance.choices(LITERALS, k=chance.randint(0, 5)))})"
                )
            case 1:
                return f"{column} is null"
            case 2:
                return f"{literal} {chance.choice(('<', '=', '!='))} {column}"
        return f"{column} {chance.choice(('=', '!=', '<', '<=', '>', '>=', '==', '<>'))} {literal}"

    def _wish(self, value: dict[str, Any]) -> None:
        """Ask for more than the example does."""
        chance = self._random
        if chance.random() < 0.5:
            value["filter"] = self.filter()
        if chance.random() < 0.3:
            value["boost"] = {
                chance.choice(("genre:Comedy", "genre:", ":", "x")): chance.random() * 9
            }
        if chance.random() < 0.3:
            value["pin"] = {str(chance.randrange(-1, 60)): chance.choice(("50", "181", "x"))}
        if chance.random() < 0.3:
            value["debug"], value["why_not"] = True, ["1", "nobody"]
        if self.cursors and chance.random() < 0.3:
            token = chance.choice(self.cursors)
            at = chance.randrange(len(token))
            value["after"] = token if chance.random() < 0.3 else token[:at] + "A" + token[at + 1 :]

    def _bent(self, value: Any) -> Any:
        """Return a value with one thing in it that is otherwise."""
        chance = self._random
        if not isinstance(value, dict | list) or not value or chance.random() < 0.15:
            return chance.choice(VALUES)
        if isinstance(value, list):
            index = chance.randrange(len(value))
            rest = [*value[:index], self._bent(value[index]), *value[index + 1 :]]
            return rest * chance.choice((1, 1, 1, 2, 30))
        name = chance.choice(list(value))
        match chance.randrange(6):
            case 0:
                return {key: one for key, one in value.items() if key != name}
            case 1:
                return {**value, chance.choice(NAMES): chance.choice(VALUES)}
            case 2:
                return {**value, "filter": self.filter()}
        return {**value, name: self._bent(value[name])}

    def _damaged(self, body: bytes) -> bytes:
        """Return other bytes, of which JSON knows nothing."""
        chance = self._random
        at = chance.randrange(len(body) + 1)
        match chance.randrange(8):
            case 0:
                return body[:at]
            case 1:
                return body + body
            case 2:
                return b"\xef\xbb\xbf" + body
            case 3:
                return body.decode(errors="replace").encode("utf-16")
            case 4:
                return body[:at] + chance.randbytes(chance.randint(1, 20)) + body[at:]
            case 5:
                return body[:1] + body[1:-1] + b"," + body[1:-1] + body[-1:]  # every name twice
            case 6:
                return chance.randbytes(chance.randint(0, 300))
        return body[:at] + bytes([chance.randrange(256)]) + body[at + 1 :]
