"""Where spans go, in whose name, and which: Braid's settings beside OpenTelemetry's variables.

https://opentelemetry.io/docs/specs/otel/protocol/exporter/ has the variables of the exporter, and
.../otel/configuration/sdk-environment-variables/ the others. One for traces alone goes before the
one for every signal; times are in milliseconds.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit

from service.errors import SettingInvalid
from service.observe.sample import Sample
from service.trace.sampler import Sampler

PATH: Final = "/v1/traces"
TIMEOUT_S: Final = 10.0
SHARE: Final = 0.01
"""Of the traces, unless told: at a thousand requests a second, ten traces are enough to look at."""

log = logging.getLogger("braid")


@dataclass(frozen=True, slots=True)
class Destination:
    """A collector; ``headers`` may hold a secret, and do not show in a repr."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout_s: float = TIMEOUT_S
    compressed: bool = False
    certificate: str | None = None
    client_certificate: str | None = None
    client_key: str | None = None


def destination(setting: str | None, environment: Mapping[str, str]) -> Destination | None:
    """Return where spans go; None where nobody asks for any.

    Raises:
        SettingInvalid: that is no HTTP URL.
    """
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return None

    def told(name: str) -> str | None:
        for variable in (f"OTEL_EXPORTER_OTLP_TRACES_{name}", f"OTEL_EXPORTER_OTLP_{name}"):
            if value := environment.get(variable, "").strip():
                return value
        return None

    url = _url(setting, environment)
    if url is None:
        return None
    if setting is None and told("PROTOCOL") == "grpc":
        log.warning(
            "no spans are exported: OTEL_EXPORTER_OTLP_PROTOCOL=grpc, and Braid speaks OTLP over "
            "HTTP alone; set it to http/json, and the endpoint to the collector's port for HTTP"
        )
        return None
    return Destination(
        url,
        _pairs(told("HEADERS") or ""),
        _number("OTEL_EXPORTER_OTLP_TIMEOUT", told("TIMEOUT"), TIMEOUT_S * 1e3) / 1e3,
        told("COMPRESSION") == "gzip",
        told("CERTIFICATE"),
        told("CLIENT_CERTIFICATE"),
        told("CLIENT_KEY"),
    )


def resource(environment: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """Return who the spans are of: ``own`` attributes, below what the environment says."""
    found = {**own, **_pairs(environment.get("OTEL_RESOURCE_ATTRIBUTES", ""))}
    if name := environment.get("OTEL_SERVICE_NAME", "").strip():
        found["service.name"] = name
    return found


def sampler(share: float | None, environment: Mapping[str, str]) -> Sampler:
    """Return which traces are exported: the setting's share, else what OTEL_TRACES_SAMPLER says."""
    if share is not None:
        return Sampler(Sample.of(share))
    name = environment.get("OTEL_TRACES_SAMPLER", "").strip().lower()
    if not name:
        return Sampler(Sample.of(SHARE))
    kind = name.removeprefix("parentbased_")
    shares = {"always_on": 1.0, "always_off": 0.0, "traceidratio": 1.0}
    if kind not in shares:
        log.warning("OTEL_TRACES_SAMPLER=%s is none that Braid knows; %g it is", name, SHARE)
        return Sampler(Sample.of(SHARE))
    found = shares[kind]
    if kind == "traceidratio":
        given = environment.get("OTEL_TRACES_SAMPLER_ARG")
        found = min(_number("OTEL_TRACES_SAMPLER_ARG", given, found), 1.0)
    return Sampler(Sample.of(found), heeds_parent=kind != name)


def _url(setting: str | None, environment: Mapping[str, str]) -> str | None:
    """Return the whole URL: of a base, that with `PATH` behind it."""
    if setting is not None:
        return _checked("--traces", setting, based=True)
    if environment.get("OTEL_TRACES_EXPORTER", "otlp").strip() not in ("", "otlp"):
        return None
    for name, based in (
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", False),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", True),
    ):
        if value := environment.get(name, "").strip():
            return _checked(name, value, based=based)
    return None


def _checked(name: str, value: str, *, based: bool) -> str:
    try:
        parts = urlsplit(value)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or parts.username is not None:
        raise SettingInvalid(
            f"{name} must be the URL of an OTLP receiver, as http://localhost:4318; a password "
            "goes into OTEL_EXPORTER_OTLP_HEADERS"
        )
    if based and not parts.path.endswith(PATH):
        return parts._replace(path=parts.path.rstrip("/") + PATH).geturl()
    return value if parts.path else f"{value}/"


def _pairs(text: str) -> dict[str, str]:
    """Read `key=value,key=value`, percent-encoded, as W3C Baggage has it; others are left out."""
    found = {}
    for pair in text.split(","):
        name, equals, value = pair.partition("=")
        if equals and name.strip():
            found[unquote(name.strip())] = unquote(value.strip())
    return found


def _number(name: str, text: str | None, default: float) -> float:
    try:
        found = float(text) if text else default
    except ValueError:
        found = -1.0
    if found >= 0:
        return found
    log.warning("%s=%s is no number that it can be; %g it is", name, text, default)
    return default
