"""Every setting: its type, its range, its default.

The command line reads each from a flag (`--port 8080`), else from the environment
(`BRAID_PORT=8080`), and checks it once, at start-up, with an error that names the one to mend.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from features.address import Address
from service.cores import cores

CORES = cores()


def check_address(_type: Any, url: str | None) -> None:
    """Raise ValueError where a setting is no Redis URL, as a validator of cyclopts does."""
    if url is not None:
        Address.parse(url)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """How one process serves. Times carry their unit in the name."""

    host: str = "127.0.0.1"
    """Address to bind; 0.0.0.0 is every interface."""

    port: Annotated[int, Parameter(validator=Number(gte=0, lte=65535))] = 8000
    """Port to bind; 0 picks a free one."""

    keys: Path | None = None
    """The file of API keys that `braid keys` writes, followed while it changes."""

    without_keys: bool = False
    """Serve off loopback without keys: for a closed network, where whoever is in may do all."""

    audit: Path | None = None
    """Where the audit log goes, one JSON line each; without it to the log."""

    tls_cert: Path | None = None
    """Certificate chain, PEM: serves HTTPS alone; read anew when it or its key changes."""

    tls_key: Path | None = None
    """Private key of the certificate, PEM, without a password."""

    cors_origins: tuple[str, ...] = ()
    """Origins whose pages may ask from a browser: https://shop.example; without any, none."""

    # A repr is what ends up in logs, and this may hold a password.
    redis: Annotated[str | None, Parameter(validator=check_address)] = field(
        default=None, repr=False
    )
    """URL of the feature store, one server or many (docs/redis.md); else an embedded Valkey."""

    feast: Path | None = None
    """A TOML file that says which rows are in a Redis that Feast writes (docs/feast.md)."""

    artifact: Path = Path("artifacts")
    """An artifact, or a folder of artifacts, of which the newest is taken."""

    mapped: Path | None = None
    """A folder of this user's, where models are laid out to be mapped: the replicas of a machine
    that name the same one share their memory. Without it each holds its own copy."""

    surfaces: Path | None = None
    """A TOML file of surfaces, followed while it changes; without it Braid's own."""

    scorer: str | None = None
    """module:function, a plain Python scorer in place of the artifact's model."""

    loops: Annotated[int, Parameter(validator=Number(gte=1, lte=256))] = CORES
    """Event loops, each a server thread with its own socket."""

    crew: Annotated[int, Parameter(validator=Number(gte=0, lte=256))] = max(CORES - 1, 0)
    """Threads that help a request with its shares, besides its loop's own."""

    longest_wait_ms: Annotated[float, Parameter(validator=Number(gte=0, lte=10_000))] = 30.0
    """The longest that requests wait for their turn; what would wait longer is refused with 503. 0
    refuses nothing."""

    fetch_budget_ms: Annotated[float, Parameter(validator=Number(gt=0, lte=10_000))] = 20.0
    """The longest a request waits for the feature store, in each of its two reads."""

    write_budget_ms: Annotated[float, Parameter(validator=Number(gt=0, lte=60_000))] = 1000.0
    """The longest `POST /v1/events` waits for the store's word that it has them."""

    history_cap: Annotated[int, Parameter(validator=Number(gte=1, lte=10_000))] = 1000
    """Interactions kept per user."""

    near_cache_mib: Annotated[int, Parameter(validator=Number(gte=0, lte=1024 * 1024))] = 512
    """Memory for item rows kept in this process, in MiB, taken as rows come; 0 keeps none."""

    log_features: Annotated[float, Parameter(validator=Number(gte=0, lte=1))] = 0.0
    """Share of the answers whose features are kept as they were served, for training."""

    flight: Annotated[int, Parameter(validator=Number(gte=0, lte=100_000))] = 256
    """Requests that each loop keeps for `GET /v1/requests` and replays, with their bodies."""

    slow_ms: Annotated[float, Parameter(validator=Number(gte=0, lte=10_000))] = 100.0
    """Requests that take longer are logged and traced whatever the samples; with 0 none is slow."""

    log_sample: Annotated[float, Parameter(validator=Number(gte=0, lte=1))] = 0.01
    """Share of the requests that have a line in the log; slow and failed ones always have."""

    log_format: Literal["auto", "json", "console"] = "auto"
    """How the log's lines look; auto is for people on a terminal, and JSON elsewhere."""

    log_users: Literal["hash", "id", "none"] = "hash"
    """What the log and the spans tell of who asked."""

    traces: str | None = None
    """Where spans go, by OTLP over HTTP: http://jaeger:4318; else OTEL_EXPORTER_OTLP_ENDPOINT."""

    trace_sample: Annotated[float | None, Parameter(validator=Number(gte=0, lte=1))] = None
    """Share of the requests that are traced where the caller does not say (docs/tracing.md); else
    OTEL_TRACES_SAMPLER, else 0.01."""

    largest_body_bytes: Annotated[int, Parameter(validator=Number(gte=1024))] = 1024 * 1024
    """Bodies above this are refused unread."""

    connections: Annotated[int, Parameter(validator=Number(gte=1, lte=1_000_000))] = 16_384
    """Connections open at once; the next is told 503. Fewer where the system allows fewer."""

    patience_s: Annotated[float, Parameter(validator=Number(gt=0, lte=600))] = 10.0
    """The longest a request may take to come; a body may take a second more for each 16 KiB."""

    idle_s: Annotated[float, Parameter(validator=Number(gt=0, lte=86_400))] = 75.0
    """The longest a connection may do nothing; more than a proxy in front keeps its own."""

    longest_deadline_ms: Annotated[float, Parameter(validator=Number(gt=0, lte=10_000))] = 10_000.0
    """The most time that a request may have, whatever it asks for."""

    drain_s: Annotated[float, Parameter(validator=Number(gte=0, lte=600))] = 10.0
    """The longest a stopping server waits for the requests it has accepted."""
