"""W3C Trace Context, and which traces are exported, held to OpenTelemetry's own classes."""

import os

import pytest
from opentelemetry.sdk.trace.sampling import Decision, TraceIdRatioBased
from opentelemetry.trace.span import TraceState

from service.http.endpoint import new_request_id
from service.observe.sample import Sample
from service.trace.context import link_of
from service.trace.sampler import Sampler

PARENT = (b"traceparent", b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
ALL, NONE = Sample.of(1.0), Sample.of(0.0)


@pytest.mark.parametrize("share", [0.0, 1e-6, 0.01, 0.5, 1.0])
def test_a_share_of_the_traces_is_the_share_that_the_sdk_takes(share: float) -> None:
    sample, sdk = Sample.of(share), TraceIdRatioBased(share)
    for _ in range(2000):
        trace_id = os.urandom(16).hex()
        theirs = sdk.should_sample(None, int(trace_id, 16), "").decision
        assert sample.has(trace_id) == (theirs is Decision.RECORD_AND_SAMPLE)


def test_the_ids_of_requests_are_sampled_as_random_ones() -> None:
    sample = Sample.of(0.25)
    share = sum(sample.has(new_request_id()) for _ in range(20_000)) / 20_000
    assert 0.22 < share < 0.28


def test_a_smaller_sample_lies_within_a_larger_one() -> None:
    ids = [new_request_id() for _ in range(2000)]
    small, large = Sample.of(0.1), Sample.of(0.3)
    assert {one for one in ids if small.has(one)} < {one for one in ids if large.has(one)}


@pytest.mark.parametrize(("flags", "sampled"), [(b"00", False), (b"01", True), (b"03", True)])
def test_the_caller_decides_unless_told_otherwise(flags: bytes, *, sampled: bool) -> None:
    headers = [(b"traceparent", PARENT[1][:-2] + flags)]
    for share in (ALL, NONE):
        assert link_of(headers, "a" * 32, Sampler(share)).sampled == sampled
        own = link_of(headers, "a" * 32, Sampler(share, heeds_parent=False))
        assert own.sampled == (share is ALL)


def test_a_parent_said_twice_is_none() -> None:
    assert link_of([PARENT, PARENT], "a" * 32, Sampler(NONE)).parent_id is None


def test_a_later_version_may_say_more() -> None:
    later = (b"traceparent", b"01" + PARENT[1][2:] + b"-and-more")
    assert link_of([later], "a" * 32, Sampler(NONE)).parent_id == "00f067aa0ba902b7"


@pytest.mark.parametrize(
    "lines",
    [
        [b"a=1"],
        [b"a=1,b=2", b"c=3"],
        [b" a=1 ,, b=2 "],
        [b"tenant@vendor=x y"],
        [b"rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"],
    ],
)
def test_the_state_is_what_the_sdk_reads(lines: list[bytes]) -> None:
    headers = [PARENT, *((b"tracestate", line) for line in lines)]
    theirs = TraceState.from_header([line.decode() for line in lines]).to_header()
    assert link_of(headers, "a" * 32, Sampler(NONE)).state == theirs


@pytest.mark.parametrize(
    "line", [b"A=1", b"a", b"a=1;b\x01", b"a=", b"a=\xff", b"a=" + b"x" * 600, b"a=1," * 1 + b"=2"]
)
def test_a_malformed_state_is_left_out_and_the_parent_stays(line: bytes) -> None:
    link = link_of([PARENT, (b"tracestate", line)], "a" * 32, Sampler(NONE))
    assert (link.state, link.parent_id) == ("", "00f067aa0ba902b7")
