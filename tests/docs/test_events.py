"""docs/events.md says of each type what the code does with it."""

import re
from pathlib import Path

import pytest

from features import keys
from features.append import EVENT_MEMORY_S, SHOWN_LIFETIME_S, STREAM_LENGTH
from features.events import LARGEST_WEIGHT, LONGEST_ID, MOST_AHEAD_MS, TYPES, WEIGHTS
from features.store import SHOWN_CAP
from service.live.pulse import PUBLISH_EVERY_S
from service.settings import Settings

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "events.md").read_text()
ROWS = {
    name: cells.split("|")
    for name, cells in re.findall(r"^\| `([a-z]+)` \|(.*)\|$", TEXT, re.MULTILINE)
}


def test_every_type_has_its_row() -> None:
    assert tuple(ROWS) == TYPES


@pytest.mark.parametrize("kind", [kind for kind in TYPES if kind != "custom"])
def test_the_weights_are_those_that_are_counted(kind: str) -> None:
    assert float(ROWS[kind][1]) == WEIGHTS.get(kind, 0.0)


@pytest.mark.parametrize(
    "claim",
    [
        f"the latest {Settings().history_cap} interactions",
        f"what was shown the latest {SHOWN_CAP}, and for {SHOWN_LIFETIME_S // 86_400} days",
        f"(0 to {LARGEST_WEIGHT:g})",
        f"longer than {LONGEST_ID} characters",
        f"counts once within {EVENT_MEMORY_S // 3600} hours",
        f"up to {MOST_AHEAD_MS // 60_000} minutes ahead",
        f"{keys.PARTITIONS} partitions",
        f"modulo {keys.PARTITIONS}",
        f"stream of the last {STREAM_LENGTH:,} events",
        f"stream of the last {STREAM_LENGTH:,} served slates",
        {0.2: "a fifth of a second later"}[PUBLISH_EVERY_S],
    ],
)
def test_its_numbers_are_those_of_the_code(claim: str) -> None:
    assert claim in TEXT.replace("\n", " ")
