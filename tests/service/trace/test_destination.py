"""What settings and OpenTelemetry's variables come to."""

import pytest
from opentelemetry.sdk.resources import OTELResourceDetector

from service.errors import SettingInvalid
from service.trace.destination import destination, resource, sampler

BASE = "OTEL_EXPORTER_OTLP_ENDPOINT"
WHOLE = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
HERE = "http://localhost:4318"


@pytest.mark.parametrize(
    ("setting", "environment", "url"),
    [
        (None, {}, None),
        (None, {BASE: ""}, None),
        (HERE, {}, f"{HERE}/v1/traces"),
        (f"{HERE}/", {}, f"{HERE}/v1/traces"),
        (f"{HERE}/v1/traces", {}, f"{HERE}/v1/traces"),
        ("https://tempo/otlp", {BASE: HERE}, "https://tempo/otlp/v1/traces"),
        (None, {BASE: HERE}, f"{HERE}/v1/traces"),
        (None, {BASE: HERE, WHOLE: "http://other/own"}, "http://other/own"),
        (None, {WHOLE: "http://other"}, "http://other/"),
        (None, {BASE: HERE, "OTEL_TRACES_EXPORTER": "none"}, None),
        (None, {BASE: HERE, "OTEL_TRACES_EXPORTER": "otlp"}, f"{HERE}/v1/traces"),
        (HERE, {"OTEL_TRACES_EXPORTER": "none"}, f"{HERE}/v1/traces"),
        (HERE, {"OTEL_SDK_DISABLED": "true"}, None),
        (HERE, {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, f"{HERE}/v1/traces"),
        (None, {BASE: HERE, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, f"{HERE}/v1/traces"),
    ],
)
def test_where_spans_go(setting: str | None, environment: dict[str, str], url: str | None) -> None:
    found = destination(setting, environment)
    assert (found.url if found else None) == url


def test_a_collector_that_is_spoken_to_by_grpc_gets_none(caplog: pytest.LogCaptureFixture) -> None:
    environment = {BASE: "http://localhost:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    assert destination(None, environment) is None
    assert "HTTP alone" in caplog.text


@pytest.mark.parametrize("url", ["localhost:4318", "grpc://x", "http://", "http://u:p@x", "x"])
def test_what_is_no_url_is_refused_by_the_name_of_its_setting(url: str) -> None:
    for name, setting, environment in ((BASE, None, {BASE: url}), ("--traces", url, {})):
        with pytest.raises(SettingInvalid, match=name):
            destination(setting, environment)


def test_what_is_for_traces_alone_goes_first_and_times_are_milliseconds() -> None:
    found = destination(
        None,
        {
            BASE: HERE,
            "OTEL_EXPORTER_OTLP_TIMEOUT": "2000",
            "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "1500",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
            "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Basic%20c2VjcmV0, x = y ,broken",
        },
    )
    assert found is not None
    assert (found.timeout_s, found.compressed) == (1.5, True)
    assert found.headers == {"authorization": "Basic c2VjcmV0", "x": "y"}
    assert "c2VjcmV0" not in repr(found)


def test_the_resource_is_what_the_sdk_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {
        "OTEL_RESOURCE_ATTRIBUTES": "service.name=a,team=search%20%26%20find, region = eu",
        "OTEL_SERVICE_NAME": "shop",
    }
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    ours = resource(told, {"service.name": "braid", "process.runtime.name": "cpython"})
    assert ours.pop("process.runtime.name") == "cpython"
    assert ours == dict(OTELResourceDetector().detect().attributes)
    assert resource({}, {"service.name": "braid"}) == {"service.name": "braid"}


@pytest.mark.parametrize(
    ("share", "name", "argument", "expected", "heeds"),
    [
        (None, "", "", 0.01, True),
        (0.5, "always_on", "", 0.5, True),
        (None, "always_on", "", 1.0, False),
        (None, "always_off", "", 0.0, False),
        (None, "traceidratio", "0.25", 0.25, False),
        (None, "parentbased_always_on", "", 1.0, True),
        (None, "parentbased_traceidratio", "0.25", 0.25, True),
        (None, "parentbased_traceidratio", "lots", 1.0, True),
        (None, "jaeger_remote", "", 0.01, True),
    ],
)
def test_which_traces_are_exported(
    share: float | None, name: str, argument: str, expected: float, *, heeds: bool
) -> None:
    environment = {"OTEL_TRACES_SAMPLER": name, "OTEL_TRACES_SAMPLER_ARG": argument}
    found = sampler(share, environment)
    assert found.sample.below == round(expected * 2**64)
    assert found.heeds_parent == heeds
