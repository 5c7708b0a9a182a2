"""`make stack-test`: all that the stack mounts, run together. The tests are one story, in order."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from typing import Any

import pytest
import yaml

from benchmarks.servers import ROOT
from tests.features.shelves import until
from tests.service.conftest import Client
from tests.stack.stack import FIRST, WITHIN_S, Stack

DASHBOARD: dict[str, Any] = json.loads((ROOT / "deploy/grafana/dashboards/braid.json").read_text())
GRAPHS = [
    (panel["title"], target["expr"].replace("$__rate_interval", "20s"))
    for panel in DASHBOARD["panels"]
    for target in panel.get("targets", [])
]
EMPTY = {
    # what a graph has no line for while all goes well, and why
    "braid_refused_total": "nobody is refused here: the stack's tests wait as long as it takes",
}
# Users who think and wait: what is looked for are failures, and nothing here is to be slow for
# want of a core. `--p99-ms` and `--degraded` are bars for a machine that has nothing else to do.
QUIET = ("--users", "8", "--spawn-rate", "8", "--p99-ms", "60000", "--degraded", "1")
NEXT = ("127.0.1.3", "127.0.1.4")
NEW_PODS = {f"braid-{address}" for address in NEXT}

pytestmark = pytest.mark.timeout(600)


def has_new_pods(stack: Stack, query: str) -> bool:
    return {row["metric"]["pod"] for row in stack.prometheus.query(query)} >= NEW_PODS


@pytest.fixture(scope="module")
def began_s() -> float:
    return time.time()


@pytest.fixture
def shop(stack: Stack) -> Iterator[Client]:
    host, port = stack.proxy.address
    with closing(Client(f"http://{host}:{port}")) as client:
        yield client


def test_the_proxy_finds_both_replicas_by_name_and_sends_requests_to_each(
    stack: Stack, shop: Client, began_s: float
) -> None:
    for user in range(1, 41):
        shop.recommend(user_id=str(user))

    assert [count > 0 for count in stack.proxy.served()[:2]] == [True, True]
    assert stack.proxy.up().count(True) == 2
    assert shop.get("/metrics").status == 404, "each replica's own, and not for the way in"
    assert shop.post("/v1/recommendations", b"{").status == 400, "a failure for the graph of them"


def test_prometheus_scrapes_both_and_every_rule_evaluates(stack: Stack, began_s: float) -> None:
    ports = {address.rpartition(":")[0] for address in stack.prometheus.targets()}
    until(lambda: list(stack.prometheus.targets().values()) == ["up", "up"], WITHIN_S)
    until(lambda: {rule["health"] for rule in stack.prometheus.rules()} == {"ok"}, WITHIN_S)

    assert ports <= set(FIRST)
    assert len(stack.prometheus.rules()) > 20


def test_a_rolling_update_and_a_kill_under_load_fail_nobody(stack: Stack, began_s: float) -> None:
    """The recipe of docs/docker.md: two new ones beside the old, then the old ones go."""
    with stack.locust(*QUIET) as locust:
        for address in NEXT:
            stack.start_replica(address)
        until(lambda: stack.proxy.up().count(True) == 4, WITHIN_S)
        drained = [stack.stop_replica(address) for address in FIRST]
        until(lambda: stack.proxy.up().count(True) == 2, WITHIN_S)
        stack.kill_replica(NEXT[0])
        stack.start_replica(NEXT[0])
        until(lambda: stack.proxy.up().count(True) == 2, WITHIN_S)

    assert drained == [0, 0]
    said = stack.log("locust")
    assert locust.returncode == 0, said[-3000:]
    assert "PASS" in said


def test_traces_arrive_where_the_stack_sends_them(stack: Stack) -> None:
    until(lambda: stack.collector.spans.total() > 0, WITHIN_S)

    assert stack.collector.services == {"braid"}


def test_the_autoscalers_adapter_finds_a_figure_for_each_replica(stack: Stack) -> None:
    rules = yaml.safe_load((ROOT / "deploy/kubernetes/adapter/config.yaml").read_text())["rules"]
    assert rules
    for rule in rules:
        series = re.sub(r"\{.*", "", rule["seriesQuery"])
        query = (
            rule["metricsQuery"]
            .replace("<<.Series>>", series)
            .replace("<<.LabelMatchers>>", 'namespace="default",pod=~"braid-.*"')
            .replace("<<.GroupBy>>", "pod")
        )
        until(partial(has_new_pods, stack, query), WITHIN_S)
        assert all(float(row["value"][1]) >= 0 for row in stack.prometheus.query(query))


def test_without_redis_answers_go_on_and_the_alert_is_raised(
    stack: Stack, shop: Client, began_s: float
) -> None:
    assert stack.prometheus.alerts()["BraidDegraded"] == "inactive"
    stack.stop_redis()
    until(lambda: not any(stack.proxy.up()), WITHIN_S)
    degraded = 0
    end = time.monotonic() + WITHIN_S
    while stack.prometheus.alerts()["BraidDegraded"] == "inactive":
        assert time.monotonic() < end, "nobody was told"
        degraded += bool(shop.recommend(user_id="196").json["degraded"])
        time.sleep(0.02)

    assert degraded > 0
    assert stack.prometheus.alerts()["BraidNearCacheDoubted"] in ("pending", "firing")
    stack.start_redis()
    until(lambda: stack.proxy.up().count(True) == 2, WITHIN_S)
    # Ready is what one event loop says; the others' connections are back a moment later.
    until(lambda: shop.recommend(user_id="196").json["degraded"] == [], WITHIN_S)


def test_every_graph_of_the_dashboard_had_something_to_show(stack: Stack, began_s: float) -> None:
    bare = [
        (title, query)
        for title, query in GRAPHS
        if not stack.prometheus.series(query, began_s, time.time())
        and not any(metric in query for metric in EMPTY)
    ]

    assert bare == []
