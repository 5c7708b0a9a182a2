"""Write Grafana's dashboard: python3 deploy/grafana/dashboard.py > .../dashboards/braid.json.

A panel is a line here, and 40 lines of JSON there.
"""

import json
import sys
from itertools import count
from typing import Any

STAGE = "braid_stage_duration_seconds"
Panel = dict[str, Any]


def quantiles(stage: str) -> list[tuple[str, str]]:
    """Return the usual three of one stage."""
    rate = f'sum by (le) (rate({STAGE}_bucket{{stage="{stage}"}}[$__rate_interval]))'
    return [(f"histogram_quantile({q}, {rate})", f"p{q * 100:g}") for q in (0.5, 0.95, 0.99)]


def rate(metric: str, by: str = "") -> str:
    """Return a counter's rate, by some labels."""
    group = f" by ({by})" if by else ""
    return f"sum{group} (rate({metric}[$__rate_interval]))"


ROWS: list[tuple[str, list[tuple[str, str, list[tuple[str, str]]]]]] = [
    (
        "What clients see",
        [
            ("Requests", "reqps", [(rate("braid_requests_total", "route"), "{{route}}")]),
            (
                "Failures and refusals",
                "reqps",
                [
                    (rate('braid_requests_total{status=~"4..|5.."}', "status"), "{{status}}"),
                    (rate("braid_refused_total", "reason"), "no room: {{reason}}"),
                ],
            ),
            ("Answer time", "s", quantiles("total")),
            (
                "Error budget's burn (1: lasts exactly 30 days)",
                "none",
                [
                    ("braid:errors:ratio_rate1h / 0.001", "errors, 1 h"),
                    ("braid:slow:ratio_rate1h / 0.01", "slow, 1 h"),
                ],
            ),
        ],
    ),
    (
        "Where the time goes",
        [
            (
                "p99 of each stage",
                "s",
                [
                    (
                        "histogram_quantile(0.99, sum by (stage, le) "
                        f'(rate({STAGE}_bucket{{stage!="total"}}[$__rate_interval])))',
                        "{{stage}}",
                    )
                ],
            ),
            (
                "Mean of each stage",
                "s",
                [
                    (
                        f"{rate(STAGE + '_sum{stage!="total"}', 'stage')} / "
                        f"{rate(STAGE + '_count{stage!="total"}', 'stage')}",
                        "{{stage}}",
                    )
                ],
            ),
            (
                "Answers by fallback",
                "reqps",
                [(rate("braid_degraded_total", "stage, reason"), "{{stage}}: {{reason}}")],
            ),
            (
                "Waiting, and room for",
                "none",
                [
                    ("sum(braid_waiting_requests)", "waiting"),
                    ("sum(braid_requests_in_flight)", "in flight"),
                    ("sum(braid_admission_limit)", "room"),
                ],
            ),
        ],
    ),
    (
        "Store and cache",
        [
            (
                "Near cache hits",
                "percentunit",
                [
                    (
                        f"{rate('braid_near_cache_rows_total{outcome="hit"}')} / "
                        f"{rate('braid_near_cache_rows_total')}",
                        "hits",
                    )
                ],
            ),
            (
                "Near cache: trusted, and how stale at most",
                "none",
                [
                    ("min(braid_near_cache_trusted)", "trusted by all"),
                    ("max(braid_near_cache_staleness_seconds)", "staleness, s"),
                ],
            ),
            (
                "Events followed",
                "ops",
                [
                    (rate("braid_events_followed_total"), "followed"),
                    (rate("braid_events_missed_total"), "streams that lost some"),
                ],
            ),
            (
                "Event to effect, p99",
                "s",
                [
                    (
                        "histogram_quantile(0.99, sum by (le) "
                        "(rate(braid_event_to_effect_seconds_bucket[$__rate_interval])))",
                        "p99",
                    )
                ],
            ),
        ],
    ),
    (
        "The process",
        [
            ("Model", "none", [("count by (version) (braid_model_info)", "{{version}}")]),
            ("Memory", "bytes", [("process_resident_memory_bytes", "{{instance}}")]),
            (
                "Cores used",
                "none",
                [("rate(process_cpu_seconds_total[$__rate_interval])", "{{instance}}")],
            ),
            (
                "Garbage collections: all threads stand still",
                "s",
                [(rate("braid_gc_duration_seconds_sum", "instance"), "{{instance}}, per second")],
            ),
        ],
    ),
]


def panel(
    number: int, title: str, unit: str, queries: list[tuple[str, str]], x: int, y: int
) -> Panel:
    """Return one graph."""
    source = {"type": "prometheus", "uid": "prometheus"}
    return {
        "id": number,
        "type": "timeseries",
        "title": title,
        "datasource": source,
        "gridPos": {"h": 8, "w": 6, "x": x, "y": y},
        "fieldConfig": {
            "defaults": {
                "unit": unit,
                "min": 0,
                "custom": {"fillOpacity": 8, "showPoints": "never"},
            },
            "overrides": [],
        },
        "options": {
            "legend": {"displayMode": "list", "placement": "bottom"},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "datasource": source,
                "expr": expression,
                "legendFormat": legend,
                "exemplar": unit == "s",
            }
            for index, (expression, legend) in enumerate(queries)
        ],
    }


def dashboard() -> Panel:
    """Return the whole of it."""
    numbers, panels = count(1), []
    for row, (title, graphs) in enumerate(ROWS):
        y = row * 9
        position = {"h": 1, "w": 24, "x": 0, "y": y}
        panels.append(
            {"id": next(numbers), "type": "row", "title": title, "gridPos": position, "panels": []}
        )
        for column, graph in enumerate(graphs):
            panels.append(panel(next(numbers), *graph, x=6 * column, y=y + 1))
    return {
        "uid": "braid",
        "title": "Braid",
        "tags": ["braid"],
        "schemaVersion": 39,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "5s",
        "time": {"from": "now-15m", "to": "now"},
        "timezone": "browser",
        "panels": panels,
        "templating": {"list": []},
        "annotations": {
            "list": [
                {
                    "name": "Model changed",
                    "datasource": {"type": "prometheus", "uid": "prometheus"},
                    "enable": True,
                    "expr": "changes(count by (version) (braid_model_info)[1m:]) > 0",
                    "titleFormat": "model {{version}}",
                    "iconColor": "purple",
                }
            ]
        },
    }


if __name__ == "__main__":
    json.dump(dashboard(), sys.stdout, indent=1)
    sys.stdout.write("\n")
