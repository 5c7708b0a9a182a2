"""The container files: valid, and true to what they say of themselves."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from service.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
KEYS: dict[str, Any] = yaml.safe_load((ROOT / "deploy/compose.keys.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

# Each stage's name and its lines, in order.
STAGES = dict(re.findall(r"^FROM \S+ AS (\S+)\n(.*?)(?=^FROM|\Z)", DOCKERFILE, re.M | re.S))


@pytest.mark.parametrize("file", [COMPOSE, KEYS], ids=["compose.yaml", "deploy/compose.keys.yaml"])
def test_the_file_is_valid_by_the_compose_specification(file: dict[str, Any]) -> None:
    schema = json.loads((ROOT / "tests/setup/compose-spec.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(file)


def test_what_is_laid_over_the_stack_is_about_what_it_has() -> None:
    assert set(KEYS["services"]) <= set(SERVICES)
    assert set(KEYS["secrets"]) <= set(COMPOSE["secrets"])


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_confined_and_limited(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert {"cpus", "memory", "pids"} <= set(service["deploy"]["resources"]["limits"])


@pytest.mark.parametrize("name", SERVICES)
def test_every_image_is_pinned_and_ours_carry_the_projects_version(name: str) -> None:
    image, _, tag = SERVICES[name]["image"].partition(":")
    assert re.match(r"v?\d+\.\d+\.\d+", tag)
    if image.startswith("braid"):
        assert tag == VERSION
        assert SERVICES[name]["build"]["target"] in STAGES


def test_whoever_is_waited_for_healthy_has_a_healthcheck() -> None:
    waited_for = {
        other
        for service in SERVICES.values()
        for other, how in service.get("depends_on", {}).items()
        if how["condition"] == "service_healthy"
    }
    assert waited_for == {"redis", "braid", "proxy"}
    assert all("healthcheck" in SERVICES[name] for name in waited_for)


def test_every_named_volume_is_declared_and_used_and_every_file_is_there() -> None:
    mounted = {
        volume.split(":")[0]
        for service in SERVICES.values()
        for volume in service.get("volumes", [])
    }
    files = {path for path in mounted if path.startswith("./")}
    assert mounted - files == set(COMPOSE["volumes"])
    assert all((ROOT / path).exists() for path in files)


def test_files_of_the_project_are_mounted_to_be_read_only() -> None:
    volumes = [v for service in SERVICES.values() for v in service.get("volumes", [])]
    assert all(v.endswith(":ro") for v in volumes if v.startswith("./"))


def test_nobody_runs_as_root() -> None:
    ours = {name for name, service in SERVICES.items() if "build" in service}  # USER in each stage
    theirs = {name: service.get("user", "root") for name, service in SERVICES.items()}
    assert {name for name, user in theirs.items() if user in ("root", "0")} == ours


def test_no_secret_is_in_the_repository() -> None:
    for secret in COMPOSE["secrets"].values():
        assert (ROOT / secret["file"]).read_bytes() == b""
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    for secret in KEYS["secrets"].values():
        assert f"/{secret['file'].split('/')[0]}/" in ignored


def test_a_stopped_replica_has_longer_than_it_drains() -> None:
    grace_s = float(SERVICES["braid"]["stop_grace_period"].removesuffix("s"))
    assert grace_s > Settings().drain_s


def test_no_port_is_published_beyond_this_machine() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_nobody_is_asked_for_a_key_only_where_no_port_leads_in_from_elsewhere() -> None:
    open_ones = {
        name
        for name, service in SERVICES.items()
        if "BRAID_WITHOUT_KEYS" in service.get("environment", {})
    }
    assert open_ones == {"braid"}
    assert SERVICES["braid"]["environment"]["BRAID_WITHOUT_KEYS"] == "true"
    assert "ports" not in SERVICES["braid"], "the proxy is the way in"
    assert KEYS["services"]["braid"]["environment"]["BRAID_WITHOUT_KEYS"] == "false"


def test_load_tests_start_only_when_asked_for() -> None:
    assert SERVICES["locust"]["profiles"] == ["load"]


@pytest.mark.parametrize("stage", ["train", "load", "serve"])
def test_every_image_runs_as_a_user_without_rights(stage: str) -> None:
    assert re.findall(r"^USER (\w+)$", STAGES[stage], re.M) in (["braid"], ["locust"])


def test_a_plain_build_makes_the_service_with_a_healthcheck_and_no_compiler() -> None:
    assert list(STAGES)[-1] == "serve"
    assert "HEALTHCHECK" in STAGES["serve"]
    assert "gcc" not in STAGES["serve"] + STAGES["system"]


def test_what_an_image_copies_is_let_through_to_the_build() -> None:
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.M)
    let_through = re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(), re.M)
    paths = [path for line in copied for path in line.split()]
    assert paths
    assert [path for path in paths if not any(path.startswith(ok) for ok in let_through)] == []
