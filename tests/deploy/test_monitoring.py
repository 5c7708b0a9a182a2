"""The rules and the dashboard ask for what there is; the programs that read them accept them."""

import json
import re
import runpy
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from service.app import Service
from tests.service.conftest import Client

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
RULES: dict[str, Any] = yaml.safe_load((DEPLOY / "prometheus/rules.yml").read_text())
DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "grafana/dashboards/braid.json").read_text())
ELSEWHERE = {"up"}  # Prometheus' own


def rules() -> Iterator[dict[str, Any]]:
    for group in RULES["groups"]:
        yield from group["rules"]


def expressions() -> Iterator[str]:
    yield from (rule["expr"] for rule in rules())
    for panel in DASHBOARD["panels"]:
        yield from (target["expr"] for target in panel.get("targets", []))
    yield from (one["expr"] for one in DASHBOARD["annotations"]["list"])


def metrics_of(expression: str) -> set[str]:
    return set(re.findall(r"\b((?:braid|process)_\w+)", expression))


def test_everything_that_is_asked_for_is_on_the_metrics_page(service: Service) -> None:
    client = Client(service.url)
    client.recommend(user_id="196")
    page = client.get("/metrics").body.decode()
    client.close()
    # A counter with labels has no sample before it is first counted, but a type it has.
    there = set(re.findall(r"^(\w+)[{ ]", page, re.M)) | {
        name if kind != "counter" or name.endswith("_total") else f"{name}_total"
        for name, kind in re.findall(r"^# TYPE (\w+) (\w+)", page, re.M)
    }
    wanted = set().union(*map(metrics_of, expressions()))

    assert wanted
    assert wanted - there == set()


def test_every_recorded_series_that_is_asked_for_is_recorded() -> None:
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    used = {name for one in expressions() for name in re.findall(r"\bbraid:[\w:]+", one)}

    assert used <= recorded
    assert used


def test_the_bound_that_the_objective_is_told_by_is_a_bucket() -> None:
    from service.observe.buckets import BOUNDS_NS

    bounds = {str(bound / 1e9) for bound in BOUNDS_NS}
    asked = {bound for one in expressions() for bound in re.findall(r'le="([^"]+)"', one)}

    assert asked
    assert asked <= bounds


def test_every_alert_names_a_page_that_is_there() -> None:
    for rule in rules():
        if "alert" in rule:
            assert (ROOT / rule["annotations"]["runbook"]).is_file(), rule["alert"]


def test_the_dashboard_is_what_its_script_writes() -> None:
    made = runpy.run_path(str(DEPLOY / "grafana/dashboard.py"))["dashboard"]()

    assert made == DASHBOARD, "run deploy/grafana/dashboard.py"


@pytest.mark.parametrize(
    "command",
    [
        ["promtool", "check", "config", "--syntax-only", "prometheus/prometheus.yml"],
        ["promtool", "test", "rules", "prometheus/rules_test.yml"],
        ["haproxy", "-c", "-f", "haproxy/haproxy.cfg"],
    ],
    ids=lambda command: " ".join(command[:3]),
)
def test_the_programs_accept_their_files(command: list[str]) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"no {command[0]} here; make check-deploy asks for it")
    done = subprocess.run(command, cwd=DEPLOY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
