"""`braid check`: surfaces and functions of one's own are tried before anybody is served by them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.trust import Trust
from features.types import Context, Mask
from ranking.artifact import read_both
from ranking.retrieval import Found
from ranking.snapshot import Snapshot
from ranking.surfaces import parse
from service import cli
from service.artifacts import locate
from service.state import Serving
from service.surfaces.trial import Asker, askers, try_out

HERE = "tests.service.test_check"
_drawn = np.random.default_rng(0)


def every_fifth(_context: Context, snapshot: Snapshot, blocked: Mask, k: int) -> Found:
    """Keep to the contract."""
    items = np.flatnonzero(~blocked[: len(snapshot.catalogue)])[::5][:k]
    return Found(items, np.linspace(1, 0, len(items), dtype=np.float32))


def blocked_too(_context: Context, _snapshot: Snapshot, _blocked: Mask, k: int) -> Found:
    return Found(np.arange(k), np.zeros(k, np.float32))


def drawing(context: Context, snapshot: Snapshot, blocked: Mask, k: int) -> Found:
    items = np.sort(_drawn.choice(np.flatnonzero(~blocked), k, replace=False))
    return Found(items, np.zeros(k, np.float32))


def by_year(_user: dict[str, float], items: dict[str, list[float]]) -> list[float]:
    return [float(year) for year in items["item.year"]]


def by_neighbour(_user: dict[str, float], items: dict[str, list[float]]) -> list[float]:
    return list(np.cumsum(items["item.year"]))


def backwards(
    ids: list[str], _scores: list[float], _properties: list[dict[str, Any]], limit: int
) -> list[int]:
    return list(range(len(ids)))[::-1][:limit]


def twice(
    _ids: list[str], _scores: list[float], _properties: list[dict[str, Any]], limit: int
) -> list[int]:
    return [0] * limit


@pytest.fixture(scope="module")
def model(artifacts: Path) -> tuple[Serving, list[Asker]]:
    snapshot, stored = read_both(locate(artifacts))
    return Serving.of(snapshot, near_cache_mib=0, trust=Trust()), askers(stored)


def faults(model: tuple[Serving, list[Asker]], table: str) -> list[str]:
    serving, people = model
    [plan] = serving.plans.make(parse(f"[surfaces.tried]\ndeadline_ms = 9000\n{table}"))
    tried = try_out(plan, serving, people[:4])
    if not tried.faults:
        assert (tried.items == 20).all()
        assert len(tried.ms) == 4
    return tried.faults


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        ("", None),
        (f'sources.mine = {{ function = "{HERE}:every_fifth", quota = 40 }}', None),
        (f'sources.mine = {{ function = "{HERE}:blocked_too", quota = 1600 }}', "a blocked item"),
        (f'sources.mine = {{ function = "{HERE}:drawing", quota = 40 }}', "asked the same again"),
        (f'scoring.objectives = {{ "{HERE}:by_year" = 1.0, model = 0.5 }}', None),
        (f'scoring.objectives = {{ "{HERE}:by_neighbour" = 1.0 }}', "depends on the other rows"),
        (f'rerank.function = "{HERE}:backwards"', None),
        (f'rerank.function = "{HERE}:twice"', "the same candidate twice"),
    ],
)
def test_own_source_scorer_and_re_ranker_are_python_functions_held_to_their_contracts(
    model: tuple[Serving, list[Asker]], table: str, fault: str | None
) -> None:
    found = faults(model, table)
    assert (found == []) if fault is None else any(fault in one for one in found), found


def test_rules_that_cannot_be_kept_are_counted(model: tuple[Serving, list[Asker]]) -> None:
    serving, people = model
    caps = '[surfaces.tried]\nrerank.caps = [{ attribute = "genre", most = 1 }]'
    [plan] = serving.plans.make(parse(caps))
    tried = try_out(plan, serving, people[:4])
    assert tried.faults == []
    assert sum(tried.relaxed.values()) > 0


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["braid", "check", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


def test_braid_check_tells_what_may_not_be_served_and_exits_1(
    artifacts: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "surfaces.toml"
    given = ("--surfaces", str(file), "--artifact", str(artifacts))
    file.write_text("[surfaces.mine]\nlimit = 5\n")
    assert run(monkeypatch, *given) == 0
    assert "mine" in capsys.readouterr().out
    file.write_text('[surfaces.mine]\nsources.a = { function = "no.such:thing", quota = 3 }\n')
    assert run(monkeypatch, *given) == 1
    assert "no.such" in capsys.readouterr().err
    file.write_text("[surfaces.mine]\nlimit = 0\n")
    assert run(monkeypatch, *given) == 1
    assert "line 2" in capsys.readouterr().err
    file.write_text(
        f'[surfaces.mine]\nsources.a = {{ function = "{HERE}:blocked_too", quota = 900 }}'
    )
    assert run(monkeypatch, *given) == 1
    assert "a blocked item" in capsys.readouterr().out
