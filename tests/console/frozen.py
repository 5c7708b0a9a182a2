"""Answers that never change, given in the service's place: a picture of them can be compared.

The page, its scripts and its style still come from the running service.
"""

import json
from typing import Any

NOW_MS = 1_795_392_000_000
"""Midnight UTC before 2026-11-23."""

FILMS = (
    ("408", "A Close Shave (1995)", ["Animation", "Comedy"], "vector", 0.434),
    ("286", "The English Patient (1996)", ["Drama", "Romance", "War"], "popularity", 0.24),
    ("436", "An American Werewolf in London (1981)", ["Horror"], "cooccurrence", 0.155),
    ("288", "Scream (1996)", ["Horror", "Thriller"], "popularity", 0.051),
    ("56", "Pulp Fiction (1994)", ["Crime", "Drama"], "cooccurrence", -0.102),
    ("432", "Fantasia (1940)", ["Animation", "Musical"], "vector", -0.267),
)
STAGES = (
    ("context", 0.3, 0.62, 0.41, 1),
    ("retrieve", 0.94, 0.5, 0.0, 1),
    ("features", 1.45, 0.36, 0.0, 1),
    ("score", 1.83, 0.9, 0.12, 3),
    ("rerank", 2.75, 0.2, 0.0, 1),
)
SHARES = (
    ("braid-loop-0", "retrieve", 1.0, 0.4),
    ("braid-loop-0", "score", 1.86, 0.36),
    ("braid-loop-0", "score", 2.23, 0.34),
    ("braid-crew-0", "score", 1.9, 0.38),
    ("braid-crew-0", "score", 2.29, 0.33),
    ("braid-crew-1", "score", 1.95, 0.55),
)
SOURCES = (("vector", 200, 95), ("cooccurrence", 200, 65), ("popularity", 100, 18))


def slate() -> dict[str, Any]:
    """Return a slate with everything that an explanation has."""
    items = [
        {
            "item_id": item,
            "score": score,
            "source": source,
            "reason": "popular right now" if source == "popularity" else "because of Delicatessen",
            "properties": {"title": title, "genre": genres, "year": int(title[-5:-1])},
        }
        for item, title, genres, source, score in FILMS
    ]
    return {
        "request_id": "01a206e1d92e77b81af58d74ba0b3e81",
        "model_version": "2026-11-23-2",
        "surface": "home",
        "variant": "plain",
        "items": items,
        "degraded": [],
        "relaxed": [],
        "coverage": {"features": 1.0, "scored": 1.0},
        "debug": {
            "stages": stages(),
            "shares": [
                {"thread": thread, "stage": stage, "start_ms": start, "ms": took}
                for thread, stage, start, took in SHARES
            ],
            "sources": [
                {"source": source, "offered": offered, "alone": alone}
                for source, offered, alone in SOURCES
            ],
            "masks": [{"mask": "seen", "blocks": 272}],
            "found": 318,
            "scored": 318,
            "weights": {"model": 1.0},
            "items": [_taken(place, one) for place, one in enumerate(items, 1)],
        },
    }


def stages() -> list[dict[str, Any]]:
    """Return the stages of a request whose scoring three threads shared."""
    return [
        {"stage": stage, "start_ms": start, "ms": took, "wait_ms": wait, "threads": threads}
        for stage, start, took, wait, threads in STAGES
    ]


def _taken(place: int, item: dict[str, Any]) -> dict[str, Any]:
    columns = {"rank.vector": 0.73, "taste.best": 0.19, "item.year": -0.06, "gap.year": 0.02}
    attribution = {"objective": "model", "score": item["score"], "base": -1.31, "rest": 0.0}
    return {
        "item_id": item["item_id"],
        "place": place,
        "place_by_score": place,
        "moved_by": None,
        "attributions": [attribution | {"method": "tree_shap", "contributions": columns}],
        "provenance": [{"source": item["source"], "place": place, "score": 0.184}],
        "features": {"rank.vector": 0.0, "taste.best": 0.869, "item.year": 1995.0},
    }


def choices() -> dict[str, Any]:
    """Return what the forms list."""
    return {
        "serving": "2026-11-23-2",
        "versions": ["2026-11-23-2", "2026-11-23-1"],
        "surfaces": [{"name": "home", "about": "", "variants": {"plain": {"limit": 5}}}],
        "users": ["1", "2", "3"],
        "items": [{"item_id": "50", "title": "Star Wars (1977)"}],
    }


def requests() -> dict[str, Any]:
    """Return what the flight recorder would list."""
    late = [{"stage": "score", "reason": "overload"}]
    return {
        "requests": [
            {
                "request_id": f"01a206e1d92e77b81af58d74ba0b3e{index:02d}",
                "at_ms": NOW_MS - 1000 * index,
                "route": "/v1/recommendations",
                "user_id": str(index + 1),
                "surface": "home",
                "status": 200,
                "total_ms": 2.5 + 3 * index,
                "degraded": late if index == 2 else [],
            }
            for index in range(5)
        ]
    }


def models() -> dict[str, Any]:
    """Return two versions, of which one may be gone back to."""
    state = {"active": False, "previous": False, "published": True, "refused_by": []}
    return {
        "replica": "braid:8000",
        "serves": "2026-11-23-2",
        "active": "2026-11-23-2",
        "previous": "2026-11-23-1",
        "pointer": True,
        "versions": [
            state | {"version": "2026-11-23-2", "active": True, "served_by": ["braid:8000"]},
            state | {"version": "2026-11-23-1", "previous": True, "served_by": []},
        ],
    }


def metrics(second: int) -> str:
    """Return the metrics page of a service that is asked 400 times in each second."""
    count = 400 * second
    lines = [
        "process_start_time_seconds 1",
        f'braid_requests_total{{route="/v1/recommendations",status="200"}} {count}',
        f'braid_near_cache_rows_total{{outcome="hit"}} {990 * count}',
        f'braid_near_cache_rows_total{{outcome="miss"}} {10 * count}',
        "braid_near_cache_trusted 1",
        f'braid_threads_total{{n="1"}} {count // 4}',
        f'braid_threads_total{{n="2"}} {count - count // 4}',
        "braid_helpers 3",
        "braid_helpers_busy 2",
        f'braid_degraded_total{{stage="score",reason="deadline"}} {second}',
        *_histogram("braid_gc_duration_seconds", "", 0.008, second),
        *_histogram("braid_event_to_effect_seconds", "", 0.004, 20 * second),
    ]
    for stage, start, took, _, _ in (*STAGES, ("total", 0.0, 3.1, 0.0, 1)):
        lines += _histogram(
            "braid_stage_duration_seconds", f'stage="{stage}",', (took + start / 9) / 1000, count
        )
    return "\n".join(lines) + "\n"


def _histogram(name: str, labels: str, median_s: float, count: int) -> list[str]:
    parts = ((0.5, 0.0), (1.0, 0.5), (2.0, 0.9), (5.0, 1.0))
    bounds = [(f"{median_s * times:.6f}", int(count * part)) for times, part in parts]
    rows = [*bounds, ("+Inf", count)]
    return [f'{name}_bucket{{{labels}le="{bound}"}} {below}' for bound, below in rows]


def freeze(page: Any) -> None:
    """Answer a page's questions from here, and stop its clock: `page.clock.run_for` moves it."""
    page.clock.install(time=NOW_MS / 1000 - 1)
    page.clock.pause_at(NOW_MS / 1000)
    seconds = iter(range(1, 10_000))
    answers = {
        "**/console/choices": lambda: json.dumps(choices()),
        "**/v1/recommendations": lambda: json.dumps(slate()),
        "**/v1/requests?*": lambda: json.dumps(requests()),
        "**/v1/models": lambda: json.dumps(models()),
        "**/health/ready": lambda: json.dumps({"ready": True}),
        "**/metrics": lambda: metrics(next(seconds)),
    }
    for pattern, answer in answers.items():
        page.route(pattern, lambda route, _, answer=answer: route.fulfill(body=answer()))
