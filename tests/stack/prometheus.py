"""What a running Prometheus knows, by its HTTP API."""

import json
import urllib.parse
import urllib.request
from typing import Any


class Prometheus:
    """The questions that the stack's tests have; all answers are the API's own (`/api/v1`)."""

    def __init__(self, url: str) -> None:
        """Know where it listens."""
        self.url = url

    def targets(self) -> dict[str, str]:
        """Return the health of each replica that it scrapes, by its address."""
        found = self._ask("targets", state="active")["activeTargets"]
        return {
            one["labels"]["instance"]: one["health"]
            for one in found
            if one["labels"]["job"] == "braid"
        }

    def rules(self) -> list[dict[str, Any]]:
        """Return every rule, with how its last evaluation went, and an alert's state."""
        return [rule for group in self._ask("rules")["groups"] for rule in group["rules"]]

    def alerts(self) -> dict[str, str]:
        """Return the state of each alert by its name."""
        return {rule["name"]: rule["state"] for rule in self.rules() if rule["type"] == "alerting"}

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the vector that an expression is at present."""
        found: list[dict[str, Any]] = self._ask("query", query=expression)["result"]
        return found

    def series(self, expression: str, start_s: float, stop_s: float) -> list[dict[str, Any]]:
        """Return what a graph of that time would show, five seconds a point."""
        found: list[dict[str, Any]] = self._ask(
            "query_range", query=expression, start=start_s, end=stop_s, step=5
        )["result"]
        return found

    def _ask(self, what: str, **asked: object) -> Any:
        words = urllib.parse.urlencode(asked)
        with urllib.request.urlopen(f"{self.url}/api/v1/{what}?{words}", timeout=30) as page:
            answer = json.load(page)
        assert answer["status"] == "success", answer
        return answer["data"]
