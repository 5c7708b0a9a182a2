"""What compose.yaml and the Dockerfile say of a service, with this machine's places in it."""

import json
import re
from collections.abc import Mapping
from typing import Any

import yaml

from benchmarks.servers import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
THEIRS = {
    # What the images of others run where compose.yaml says nothing: their own Dockerfiles.
    "proxy": ["haproxy", "-W", "-db", "-f", "/usr/local/etc/haproxy/haproxy.cfg"],
    "prometheus": ["prometheus"],
    "redis": [],
}


def image_command(stage: str) -> tuple[list[str], list[str]]:
    """Return ENTRYPOINT and CMD of a stage of the Dockerfile."""
    found = re.search(rf"^FROM \S+ AS {stage}\n(.*?)(?=^FROM|\Z)", DOCKERFILE, re.M | re.S)
    assert found, stage
    said = dict(re.findall(r"^(ENTRYPOINT|CMD) (\[.*\])$", found[1], re.M))
    return json.loads(said["ENTRYPOINT"]), json.loads(said.get("CMD", "[]"))


def command_of(name: str) -> list[str]:
    """Return the words that a container of that service runs."""
    service = SERVICES[name]
    entrypoint, words = (
        image_command(service["build"]["target"]) if "build" in service else (THEIRS[name], [])
    )
    if "entrypoint" in service:  # which takes the place of both
        entrypoint, words = service["entrypoint"], []
    return [*entrypoint, *service.get("command", words)]


def here(text: str, places: Mapping[str, str]) -> str:
    """Return a text with each place of the stack replaced by one of this machine."""
    longest_first = sorted(places, key=len, reverse=True)
    return re.sub("|".join(map(re.escape, longest_first)), lambda found: places[found[0]], text)


def configuration(path: str, places: Mapping[str, str]) -> str:
    """Return a file under deploy/ with this machine's places; each must be in it."""
    text = (ROOT / "deploy" / path).read_text()
    assert [place for place in places if place not in text] == []
    return here(text, places)
