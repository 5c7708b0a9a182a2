"""A peer's lines: its answers are heard, its chatter is not, and its end is told with a reason."""

import sys
from pathlib import Path

import pytest

from benchmarks.line_peer import LinePeer

ECHO = """
import json, os, sys
print("loading a library", flush=True)
for line in sys.stdin:
    print("chatter")
    print(json.dumps({"words": line.split(), "colour": os.environ["COLOUR"]}), flush=True)
"""


def peer(folder: Path, program: str) -> LinePeer:
    path = folder / "peer.py"
    path.write_text(program)
    return LinePeer([sys.executable, str(path)], {"COLOUR": "green"})


def test_it_answers_every_line_and_its_chatter_is_passed_over(tmp_path: Path) -> None:
    with peer(tmp_path, ECHO) as echo:
        assert echo.ask("wide", 0.5) == {"words": ["wide", "0.5"], "colour": "green"}
        assert echo.ask("again")["words"] == ["again"]


def test_one_that_ends_is_told_with_its_last_words(tmp_path: Path) -> None:
    with (
        peer(tmp_path, "raise SystemExit('no route to the store')") as gone,
        pytest.raises(RuntimeError, match="no route to the store"),
    ):
        gone.hear()
