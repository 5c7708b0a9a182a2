"""The manifests: true to each other and the service, and the container's own command and probes."""

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmarks.servers import free_port
from service.app import Service
from service.settings import Settings
from tests.features.shelves import until
from tests.service.conftest import Client
from tests.stores import Store

ROOT = Path(__file__).resolve().parents[2]
KUBERNETES = ROOT / "deploy/kubernetes"
MANIFESTS: dict[str, Any] = {
    path.stem: yaml.safe_load(path.read_text()) for path in KUBERNETES.glob("*.yaml")
}
POD = MANIFESTS["deployment"]["spec"]["template"]
CONTAINER = POD["spec"]["containers"][0]
ADAPTER = yaml.safe_load((KUBERNETES / "adapter/config.yaml").read_text())["rules"]
PROBES = ("startupProbe", "livenessProbe", "readinessProbe")


def test_kustomize_is_told_of_every_manifest() -> None:
    told = {name.removesuffix(".yaml") for name in MANIFESTS["kustomization"]["resources"]}
    assert told == set(MANIFESTS) - {"kustomization"}


def test_service_budget_and_autoscaler_are_about_the_pods_that_there_are() -> None:
    labels = POD["metadata"]["labels"]
    assert MANIFESTS["deployment"]["spec"]["selector"]["matchLabels"] == labels
    assert MANIFESTS["service"]["spec"]["selector"] == labels
    assert MANIFESTS["disruption"]["spec"]["selector"]["matchLabels"] == labels
    assert (
        MANIFESTS["autoscaler"]["spec"]["scaleTargetRef"]["name"]
        == (MANIFESTS["deployment"]["metadata"]["name"])
    )


def test_what_is_mounted_is_a_volume_and_every_file_the_command_names_is_mounted() -> None:
    volumes = {volume["name"] for volume in POD["spec"]["volumes"]}
    mounts = {mount["name"]: mount["mountPath"] for mount in CONTAINER["volumeMounts"]}
    assert set(mounts) == volumes
    paths = [word for word in CONTAINER["args"] if word.startswith("/")]
    assert paths
    assert all(any(path.startswith(mount) for mount in mounts.values()) for path in paths)


def test_the_pod_is_given_longer_than_it_waits_and_drains() -> None:
    waits_s = float(CONTAINER["lifecycle"]["preStop"]["exec"]["command"][1])
    assert waits_s + Settings().drain_s < POD["spec"]["terminationGracePeriodSeconds"]


def test_an_outage_of_the_store_takes_no_endpoint_away_and_restarts_nothing() -> None:
    asked = {probe: CONTAINER[probe]["httpGet"]["path"] for probe in PROBES}
    assert asked["readinessProbe"] == asked["livenessProbe"] == "/health/live"
    assert asked["startupProbe"] == "/health/ready", "an update waits for a model and a store"


def test_cores_are_whole_and_as_many_as_asked_for() -> None:
    resources = CONTAINER["resources"]
    assert resources["requests"] == resources["limits"]
    assert resources["limits"]["cpu"].isdigit()


def test_the_autoscalers_metrics_are_made_by_the_adapter_from_what_the_service_has(
    service: Service,
) -> None:
    asked = {
        metric["pods"]["metric"]["name"]
        for metric in MANIFESTS["autoscaler"]["spec"]["metrics"]
        if metric["type"] == "Pods"
    }
    series = [re.sub(r"\{.*", "", rule["seriesQuery"]) for rule in ADAPTER]
    made = {
        rule.get("name", {}).get("as", name) for rule, name in zip(ADAPTER, series, strict=True)
    }
    with closing(Client(service.url)) as client:
        page = client.get("/metrics").body.decode()

    assert asked == made
    used = {name for rule in ADAPTER for name in re.findall(r"\bbraid_\w+(?=\{)", str(rule))}
    assert all(re.search(rf"^{name} ", page, re.M) for name in used | set(series))


@contextmanager
def container(places: dict[str, str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run the image's entry point with the manifest's arguments and environment, by other paths."""
    entrypoint = re.findall(r"^ENTRYPOINT (.+)$", (ROOT / "Dockerfile").read_text(), re.M)[-1]
    words = [*json.loads(entrypoint), *CONTAINER["args"]]
    words = [places.get(word, word) for word in words]
    own = {variable["name"]: places["redis"] for variable in CONTAINER["env"]}
    own["BRAID_PORT"] = places["port"]  # beside others on this machine
    with (folder / "container.log").open("wb") as log:
        process = subprocess.Popen(
            words, env={**os.environ, **own}, cwd=ROOT, stdout=log, stderr=log
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def probing(name: str, at: str) -> Callable[[], bool]:
    """Return a probe as the kubelet makes it: one GET, and good is a status below 400."""

    def ask() -> bool:
        try:
            with closing(Client(at)) as client:
                return client.get(CONTAINER[name]["httpGet"]["path"]).status < 400
        except OSError:
            return False

    return ask


@pytest.mark.slow
def test_the_containers_command_starts_by_its_probes_asks_for_keys_and_drains(
    artifacts: Path, filled: Store, tmp_path: Path
) -> None:
    port = free_port()
    braid = [sys.executable, "-m", "service.cli"]
    new_key = [*braid, "keys", "new", "shop", "--scope", "read", "--keys", "keys.json"]
    said = subprocess.run(
        new_key, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    key = re.findall(r"braid_\S+", said.stdout)[0]
    places = {
        "python": sys.executable,
        "/artifacts": str(artifacts),
        "/secrets/keys.json": str(tmp_path / "keys.json"),
        "/config/surfaces.toml": str(KUBERNETES / "surfaces.toml"),
        "redis": filled.url,
        "port": str(port),
    }
    at = f"http://127.0.0.1:{port}"
    with container(places, tmp_path) as process, closing(Client(at)) as client:
        started = probing("startupProbe", at)
        until(
            lambda: started() or process.poll() is not None,
            CONTAINER["startupProbe"]["failureThreshold"],
        )
        assert process.poll() is None, (tmp_path / "container.log").read_text()
        assert probing("readinessProbe", at)()
        assert probing("livenessProbe", at)()
        wanted = b'{"user_id": "196"}'
        refused = client.ask("POST", "/v1/recommendations", wanted)
        bearer = {"Authorization": f"Bearer {key}", "content-type": "application/json"}
        answered = client.ask("POST", "/v1/recommendations", wanted, bearer)
        assert (refused.status, answered.status) == (401, 200)
        # The end of a pod: the hook first, while requests still come, and then the signal.
        before_s = time.monotonic()
        hook = threading.Thread(
            target=subprocess.run, args=(CONTAINER["lifecycle"]["preStop"]["exec"]["command"],)
        )
        hook.start()
        while hook.is_alive():
            reply = client.ask("POST", "/v1/recommendations", wanted, bearer)
            assert reply.status == 200
            time.sleep(0.05)
        process.terminate()
        assert process.wait(60) == 0
        took_s = time.monotonic() - before_s
        assert took_s < POD["spec"]["terminationGracePeriodSeconds"]
