"""How many cores this process may use."""

import os
from math import ceil
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")


def cores(root: Path = ROOT, membership: Path = MEMBERSHIP) -> int:
    """Return the cores to plan for: those of the affinity mask, or fewer by the cgroup's quota.

    A container with a limit of 1.5 CPUs on a machine of 64 has an affinity of 64; threads for all
    of them would spend most of each period throttled. A part of a core counts as one. Both
    versions of cgroups are read; each group above this one may have a lower limit of its own.

    One process per NUMA node is the way to serve from several: `numactl --cpunodebind`, or
    the CPU manager of Kubernetes, narrow the affinity mask, which is then what counts here.
    """
    allowed = os.process_cpu_count() or 1
    return max(1, min([allowed, *(ceil(quota) for quota in _quotas(root, membership))]))


def _quotas(root: Path, membership: Path) -> list[float]:
    """Return the limits in CPUs of this process's group and of each above it."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:  # not Linux, or no cgroups
        return []
    found = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            found += [_quota_v2(folder) for folder in _upwards(root, path)]
        elif "cpu" in controllers.split(","):
            found += [_quota_v1(folder) for folder in _upwards(root / "cpu", path)]
    return [quota for quota in found if quota is not None]


def _upwards(root: Path, path: str) -> list[Path]:
    """Return the group's folder and those above it; in a container its own may be the root."""
    group = root / path.lstrip("/")
    return [group, *(parent for parent in group.parents if parent.is_relative_to(root))]


def _quota_v2(folder: Path) -> float | None:
    try:
        quota, period = (folder / "cpu.max").read_text().split()
    except OSError:
        return None
    return None if quota == "max" else int(quota) / int(period)


def _quota_v1(folder: Path) -> float | None:
    try:
        quota = int((folder / "cpu.cfs_quota_us").read_text())
        period = int((folder / "cpu.cfs_period_us").read_text())
    except OSError:
        return None
    return None if quota < 0 else quota / period
