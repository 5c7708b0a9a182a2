"""A shop's traffic over REST: browsers, sessions, search pages, and the events they cause.

    make load                                      a minute against 127.0.0.1:8000
    make load ARGS="--host http://… --users 50"    anything locust takes

The mix, per user: mostly home pages for known users, some of them followed by a click that the
next page must not show again; anonymous sessions; item pages; a caller's own candidates. Item
and user ids are those of MovieLens 100k, which `make demo` serves.

At the end it prints one line, PASS or FAIL, and exits 1 on FAIL: no failed request, and the
95th percentile of `/v1/recommendations` within BRAID_LOAD_P95_MS (100 by default). Locust is a
closed loop: it measures a service that keeps up, not what happens to one that does not.
"""

import os
import random

from locust import FastHttpUser, between, events, task

USERS = 943
ITEMS = 1682
P95_MS = float(os.environ.get("BRAID_LOAD_P95_MS", "100"))
HOME = "/v1/recommendations"
KEY = os.environ.get("BRAID_KEY")  # with the scopes read and write


def anyone():
    """Return a user id; a few users come much more often than the rest."""
    return str(1 + int(USERS * random.random() ** 2))


def anything(count):
    """Return item ids."""
    return [str(random.randint(1, ITEMS)) for _ in range(count)]


class Shopper(FastHttpUser):
    """Looks at pages, and clicks on some of what it is shown."""

    host = "http://127.0.0.1:8000"
    default_headers = {"Authorization": f"Bearer {KEY}"} if KEY else None
    wait_time = between(0.05, 0.3)

    @task(10)
    def home(self):
        """Open the home page and, one time in five, click: the next page lacks that item."""
        user = anyone()
        shown = self._slate(HOME, {"user_id": user, "limit": 20})
        if shown and random.random() < 0.2:
            item = random.choice(shown)
            self.client.post(
                "/v1/events", json={"events": [{"user_id": user, "item_id": item, "type": "click"}]}
            )
            again = self._slate(HOME, {"user_id": user, "limit": 20})
            if item in again:
                self.environment.events.request.fire(
                    request_type="CHECK",
                    name="a click is seen by the next request",
                    response_time=0,
                    response_length=0,
                    exception=AssertionError(f"item {item} came again for user {user}"),
                )

    @task(3)
    def anonymous_session(self):
        """Browse without an account: what was looked at is all that is known."""
        self._slate(HOME, {"session": anything(random.randint(1, 8)), "limit": 20})

    @task(3)
    def item_page(self):
        """Open an item: more like this."""
        self._slate("/v1/similar", {"seed_items": anything(1), "limit": 10})

    @task(2)
    def search_page(self):
        """Have a search engine's hits ranked for a user."""
        candidates = sorted(set(anything(200)))
        self._slate("/v1/rank", {"user_id": anyone(), "candidates": candidates, "limit": 20})

    def _slate(self, path, body):
        with self.client.post(path, json=body, catch_response=True) as response:
            if response.status_code != 200:
                response.failure(f"status {response.status_code}: {response.text[:200]}")
                return []
            return [item["item_id"] for item in response.json()["items"]]


@events.quitting.add_listener
def judge(environment, **_):
    """Print the verdict and set the exit code."""
    total = environment.stats.total
    p95 = environment.stats.get(HOME, "POST").get_response_time_percentile(0.95) or 0
    passed = total.num_requests > 0 and total.num_failures == 0 and p95 <= P95_MS
    print(
        f"{'PASS' if passed else 'FAIL'}: {total.num_requests} requests, "
        f"{total.num_failures} failed, {total.total_rps:.0f}/s; "
        f"{HOME} p95 {p95:.0f} ms (bar {P95_MS:.0f} ms)"
    )
    environment.process_exit_code = 0 if passed else 1
