"""A real service, a real collector: what arrives there of requests that a client sends."""

import json
import os
import time
from typing import Any

import pytest
from opentelemetry.proto_json.trace.v1.trace import Span
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

import service.trace.exporter
from service.app import Service
from service.client import Braid
from tests.service.conftest import Client
from tests.service.trace.collector import Receiver, until, values
from tests.service.trace.conftest import Start

BODY = json.dumps({"user_id": "196", "limit": 5}).encode()
type Running = tuple[Service, Client]

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
STAGES = ["context", "retrieve", "features", "score", "rerank", "encode"]


def ask(client: Client, **headers: str) -> Any:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.ask(
        "POST", "/v1/recommendations", BODY, {"content-type": "application/json", **names}
    )


def children(spans: list[Span], parent: Span) -> list[Span]:
    return [span for span in spans if span.parent_span_id == parent.span_id]


def counted(client: Client, outcome: str) -> int:
    for line in client.get("/metrics").body.decode().splitlines():
        if line.startswith(f'braid_traces_total{{outcome="{outcome}"}}'):
            return int(float(line.split()[-1]))
    raise AssertionError(outcome)


def test_a_trace_has_its_request_its_stages_its_reads_and_its_shares(
    all_traced: Running, shared: Receiver
) -> None:
    client, receiver = all_traced[1], shared
    began_ns = time.time_ns()
    reply = ask(client)
    ended_ns = time.time_ns()
    request_id = reply.headers["x-request-id"]
    spans = receiver.trace(request_id)

    [root] = [span for span in spans if not span.parent_span_id]
    assert root.name == "POST /v1/recommendations"
    assert root.kind == Span.SpanKind.SPAN_KIND_SERVER
    told = values(root.attributes)
    assert told["http.request.method"] == "POST"
    assert told["http.route"] == "/v1/recommendations"
    assert told["http.response.status_code"] == 200
    assert told["braid.request_id"] == request_id
    assert told["user.id"] == "196"
    assert told["braid.items"] == 5
    assert told["braid.model_version"] == reply.json["model_version"]
    assert "error.type" not in told

    stages = children(spans, root)
    assert [span.name for span in stages] == STAGES
    by_name = {str(span.name): span for span in stages}
    for stage, operation in (("context", "PIPELINE"), ("features", "MGET")):
        [read] = children(spans, by_name[stage])
        assert (read.name, read.kind) == (operation, Span.SpanKind.SPAN_KIND_CLIENT)
        assert values(read.attributes)["db.system.name"] == "redis"
    shares = children(spans, by_name["score"])
    assert shares
    assert all(values(share.attributes)["thread.name"] for share in shares)

    ids = {span.span_id for span in spans}
    assert len(ids) == len(spans)
    for span in spans:
        assert span.start_time_unix_nano is not None
        assert span.end_time_unix_nano is not None
        assert began_ns <= span.start_time_unix_nano <= span.end_time_unix_nano <= ended_ns
        if span is not root:
            [parent] = [one for one in spans if one.span_id == span.parent_span_id]
            assert parent.start_time_unix_nano is not None
            assert parent.end_time_unix_nano is not None
            assert parent.start_time_unix_nano <= span.start_time_unix_nano
            assert span.end_time_unix_nano <= parent.end_time_unix_nano


def test_a_request_stands_below_its_caller_s_span(none_traced: Running, shared: Receiver) -> None:
    client, receiver, trace_id = none_traced[1], shared, os.urandom(16).hex()
    reply = ask(client, traceparent=f"00-{trace_id}-{PARENT}-01", tracestate="shop=a1, other=b")
    root = receiver.trace(trace_id)[0]
    assert root.parent_span_id == bytes.fromhex(PARENT)
    assert root.trace_state == "shop=a1,other=b"
    assert root.span_id is not None
    assert reply.headers["traceresponse"] == f"00-{trace_id}-{root.span_id.hex()}-01"
    shown = client.get(f"/v1/requests/{reply.headers['x-request-id']}").json
    assert shown["request"]["trace_id"] == trace_id
    page = client.ask("GET", "/metrics", None, {"accept": "application/openmetrics-text"})
    assert f'trace_id="{trace_id}"' in page.body.decode()


def test_who_is_not_sampled_is_not_exported_and_has_no_trace_id_to_look_for(
    none_traced: Running, shared: Receiver
) -> None:
    client, unwanted, last = none_traced[1], "b" * 32, "c" * 32
    first = ask(client, traceparent=f"00-{unwanted}-{PARENT}-00").headers["x-request-id"]
    reply = ask(client)
    assert "traceresponse" not in reply.headers
    ask(client, traceparent=f"00-{last}-{PARENT}-01")
    shared.trace(last)
    sent = {span.trace_id.hex() for span in shared.spans() if span.trace_id}
    assert not sent & {unwanted, reply.headers["x-request-id"]}
    assert client.get(f"/v1/requests/{first}").json["request"]["trace_id"] is None


@pytest.mark.parametrize(
    "parent",
    [
        "",
        "00",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-01-more",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{TRACE[1:]}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-0x",
        "x" * 5000,
    ],
)
def test_a_malformed_parent_begins_a_trace_of_its_own(
    all_traced: Running, shared: Receiver, parent: str
) -> None:
    reply = ask(all_traced[1], traceparent=parent)
    assert reply.status == 200
    assert not shared.trace(reply.headers["x-request-id"])[0].parent_span_id


def test_a_slow_request_is_exported_though_nobody_sampled_it(
    start: Start, receiver: Receiver
) -> None:
    with start(traces=receiver.url, trace_sample=0.0, slow_ms=1e-3) as (_, client):
        reply = ask(client)
        assert "traceresponse" not in reply.headers
        spans = receiver.trace(reply.headers["x-request-id"])
    assert any(span.name == "score share" for span in spans)


def test_a_failed_request_is_exported_with_the_word_for_it(
    none_traced: Running, shared: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("service.pipeline.scores_of", broken)
    reply = ask(none_traced[1])
    assert reply.status == 500
    root = shared.trace(reply.headers["x-request-id"])[0]
    assert root.status is not None
    assert root.status.code == 2
    assert values(root.attributes)["error.type"] == "ZeroDivisionError"


def test_a_client_s_trace_goes_on_in_the_service(none_traced: Running, shared: Receiver) -> None:
    """Of the typed client, with OpenTelemetry's own SDK on its side."""
    tracer = TracerProvider().get_tracer("shop")

    def headers() -> dict[str, str]:
        carrier: dict[str, str] = {}
        TraceContextTextMapPropagator().inject(carrier)
        return carrier

    with (
        Braid(none_traced[0].url, timeout_s=60, trace_context=headers) as braid,
        tracer.start_as_current_span("page") as page,
    ):
        answered = braid.recommend(user_id="196")
    context = page.get_span_context()
    root = shared.trace(f"{context.trace_id:032x}")[0]
    assert root.parent_span_id == context.span_id.to_bytes(8)
    assert values(root.attributes)["braid.request_id"] == answered.request_id


def test_a_batch_has_its_stages_and_the_events_their_write(
    all_traced: Running, shared: Receiver
) -> None:
    client, receiver = all_traced[1], shared
    batch = client.post("/v1/recommendations/batch", {"queries": [{"user_id": "1"}] * 3})
    spans = receiver.trace(batch.headers["x-request-id"])
    names = [span.name for span in children(spans, spans[0])]
    assert names == ["context", "retrieve", "features", "rank"]
    event = {"user_id": "t-1", "item_id": "50", "type": "click"}
    told = client.post("/v1/events", {"events": [event]})
    spans = receiver.trace(told.headers["x-request-id"])
    assert [span.name for span in spans] == ["POST /v1/events", "store", "EVALSHA"]


def test_standard_variables_say_where_spans_go_and_in_whose_name(
    start: Start, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"{receiver.url}/base/")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-token=a%20b,other=c")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "shop-braid")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_on")
    with start() as (_, client):
        receiver.trace(ask(client).headers["x-request-id"])
    assert receiver.paths[0] == "/base/v1/traces"
    assert receiver.headers[0]["x-token"] == "a b"
    assert receiver.headers[0]["content-type"] == "application/json"
    resource = receiver.resource()
    assert resource["service.name"] == "shop-braid"
    assert resource["deployment.environment.name"] == "test"
    assert resource["service.instance.id"]


def test_without_a_destination_nothing_is_traced(start: Start) -> None:
    with start() as (service, client):
        reply = ask(client, traceparent=f"00-{TRACE}-{PARENT}-01")
        assert "traceresponse" not in reply.headers
        assert service._tracing is None


def test_what_waits_is_sent_when_the_service_stops(start: Start, receiver: Receiver) -> None:
    with start(traces=receiver.url, trace_sample=1.0) as (_, client):
        sent = {ask(client).headers["x-request-id"] for _ in range(20)}
    assert {span.trace_id.hex() for span in receiver.spans() if span.trace_id} == sent


def test_a_collector_that_is_down_costs_traces_and_nothing_else(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Receiver() as gone:
        url = gone.url
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "300")
    with start(traces=url, trace_sample=1.0) as (_, client):
        assert all(ask(client).status == 200 for _ in range(20))
        until(lambda: counted(client, "lost") == 20)
        assert counted(client, "sent") == 0


def test_a_collector_that_refuses_is_asked_again_where_that_may_help(
    start: Start, receiver: Receiver
) -> None:
    receiver.status = 503
    with start(traces=receiver.url, trace_sample=1.0) as (_, client):
        request_id = ask(client).headers["x-request-id"]
        until(lambda: receiver.answers)
        receiver.status = 200
        receiver.trace(request_id)
        receiver.status = 400
        before = len(receiver.answers)
        ask(client)
        until(lambda: counted(client, "lost") == 1)
        assert len(receiver.answers) == before + 1


def test_a_collector_that_hangs_fills_the_queue_which_is_counted(
    start: Start, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service.trace.exporter, "MOST_HELD", 5)
    receiver.open_.clear()
    with start(traces=receiver.url, trace_sample=1.0) as (braid, client):
        for _ in range(40):
            assert ask(client).status == 200
        dropped = counted(client, "dropped")
        assert 0 < dropped < 40
        receiver.open_.set()
    assert braid._tracing is not None
    told = braid._tracing.counts()
    assert told["dropped"] == dropped
    assert told["sent"] == 40 - dropped == len({span.trace_id for span in receiver.spans()})
