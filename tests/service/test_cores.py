"""The cores to plan for: as many as may be used, not as many as there are."""

import os
from pathlib import Path

import pytest

from service.cores import cores

AFFINITY = 8


@pytest.fixture(autouse=True)
def eight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "process_cpu_count", lambda: AFFINITY)


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({}, AFFINITY),
        ({"": "max 100000"}, AFFINITY),
        ({"": "150000 100000"}, 2),
        ({"": "400000 100000"}, 4),
        ({"": "5000 100000"}, 1),
        ({"": "6400000 100000"}, AFFINITY),
        ({"pod/box": "max 100000", "pod": "250000 100000"}, 3),  # the pod's limit holds, too
        ({"pod/box": "100000 100000", "pod": "250000 100000"}, 1),
    ],
)
def test_a_quota_of_this_group_or_one_above_it_counts(
    tmp_path: Path, limits: dict[str, str], expected: int
) -> None:
    (tmp_path / "pod" / "box").mkdir(parents=True)
    for group, text in limits.items():
        (tmp_path / group / "cpu.max").write_text(text + "\n")
    membership = tmp_path / "membership"
    membership.write_text("0::/pod/box\n")
    assert cores(tmp_path, membership) == expected


@pytest.mark.parametrize(("quota", "expected"), [("-1", AFFINITY), ("300000", 3), ("250000", 3)])
def test_the_first_version_of_cgroups_is_read_too(
    tmp_path: Path, quota: str, expected: int
) -> None:
    group = tmp_path / "cpu" / "box"
    group.mkdir(parents=True)
    (group / "cpu.cfs_quota_us").write_text(quota)
    (group / "cpu.cfs_period_us").write_text("100000")
    membership = tmp_path / "membership"
    membership.write_text("5:memory:/box\n4:cpu,cpuacct:/box\n0::/\n")
    assert cores(tmp_path, membership) == expected


def test_a_group_that_is_not_mounted_here_leaves_the_affinity_mask(tmp_path: Path) -> None:
    membership = tmp_path / "membership"
    membership.write_text("0::/../elsewhere\n")
    assert cores(tmp_path, membership) == AFFINITY
    assert cores(tmp_path, tmp_path / "no such file") == AFFINITY


def test_this_process_may_use_at_least_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert 1 <= cores() <= (os.process_cpu_count() or 1)
