"""What `braid top` shows: the figures of a service over the last seconds."""

from dataclasses import dataclass

from service.terminal.top_change import Change

STAGES = ("queue", "context", "retrieve", "features", "score", "rank", "rerank", "encode", "store")
"""In the order of a request; others come after these, and the total at the end."""


@dataclass(frozen=True, slots=True)
class Times:
    """How often something took place, per second, and how long it took, in milliseconds."""

    name: str
    per_s: float
    p50_ms: float
    p95_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class Figures:
    """Rates are per second, over ``seconds``; the rest is as of now."""

    seconds: float
    model: str
    up_s: float
    requests: float
    failed: dict[str, float]
    """Server errors by status: 500 and above."""
    stages: list[Times]
    degraded: dict[str, float]
    refused: dict[str, float]
    turned_away: dict[str, float]
    waiting: int
    limit: int
    effort: dict[str, float]
    """Shares of the slates, that of each effort; empty where there were no slates."""
    near_hits: float | None
    near_trusted: bool
    in_flight: int
    helpers: int
    helpers_busy: int
    threads: float | None
    """How many threads worked on a request, on average."""
    effect: Times | None
    collections: Times | None
    collecting: float
    """The share of the time that garbage collections took."""
    breakers: dict[str, int]
    """Connections to the store by the state of their breaker."""


def figures(change: Change, now_s: float) -> Figures:
    """Return the figures of what happened between two readings; ``now_s`` is the Unix time."""
    seconds = change.seconds
    efforts = change.by("braid_effort_total", "effort")
    hits, misses = (
        change.count("braid_near_cache_rows_total", outcome=outcome) for outcome in ("hit", "miss")
    )
    threads = change.by("braid_threads_total", "n")
    started = change.now("process_start_time_seconds")
    return Figures(
        seconds=seconds,
        model=", ".join(change.told("braid_model_info", "version")),
        up_s=max(0.0, now_s - started) if started else 0.0,
        requests=change.count("braid_requests_total") / seconds,
        failed={
            status: count / seconds
            for (status,), count in change.by("braid_requests_total", "status").items()
            if status.startswith("5")
        },
        stages=_stages(change),
        degraded=_rates(change, "braid_degraded_total", "stage", "reason"),
        refused=_rates(change, "braid_refused_total", "priority", "reason"),
        turned_away=_rates(change, "braid_access_refused_total", "reason"),
        waiting=int(change.now("braid_waiting_requests")),
        limit=int(change.now("braid_admission_limit")),
        effort={name: count / sum(efforts.values()) for (name,), count in efforts.items()},
        near_hits=hits / (hits + misses) if hits + misses else None,
        near_trusted=change.now("braid_near_cache_trusted") > 0,
        in_flight=int(change.now("braid_requests_in_flight")),
        helpers=int(change.now("braid_helpers")),
        helpers_busy=int(change.now("braid_helpers_busy")),
        threads=_mean({float(n): count for (n,), count in threads.items()}),
        effect=_times(change, "event to effect", "braid_event_to_effect_seconds"),
        collections=_times(change, "collections", "braid_gc_duration_seconds"),
        collecting=change.count("braid_gc_duration_seconds_sum") / seconds,
        breakers={
            state: int(change.now("braid_store_breaker", state=state))
            for state in change.told("braid_store_breaker", "state")
        },
    )


def _stages(change: Change) -> list[Times]:
    name = "braid_stage_duration_seconds"
    places = {stage: place for place, stage in enumerate(STAGES)} | {"total": len(STAGES) + 1}
    known = change.told(f"{name}_count", "stage")
    ordered = sorted(known, key=lambda stage: (places.get(stage, len(STAGES)), stage))
    found = (_times(change, stage, name, stage=stage) for stage in ordered)
    return [one for one in found if one is not None]


def _times(change: Change, name: str, histogram: str, **wanted: str) -> Times | None:
    quantiles = [change.quantile(histogram, share, **wanted) for share in (0.50, 0.95, 0.99)]
    p50, p95, p99 = (None if one is None else 1000 * one for one in quantiles)
    if p50 is None or p95 is None or p99 is None:
        return None
    return Times(name, change.count(f"{histogram}_count", **wanted) / change.seconds, p50, p95, p99)


def _rates(change: Change, counter: str, *labels: str) -> dict[str, float]:
    return {
        f"{first} ({', '.join(rest)})" if rest else first: count / change.seconds
        for (first, *rest), count in change.by(counter, *labels).items()
    }


def _mean(counts: dict[float, float]) -> float | None:
    total = sum(counts.values())
    return sum(value * count for value, count in counts.items()) / total if total else None
