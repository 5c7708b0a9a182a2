"""A shop's traffic over REST: browsers, sessions, search pages, mailings, and their events.

    make load                                       a minute against 127.0.0.1:8000
    make load ARGS="--shape spikes --users 60"      the load changes over the run
    make load ARGS="--arrivals 400"                 400 requests a second, come what may
    make load ARGS="Search --host http://…"         one class of users; anything locust takes

Closed loop (the default): each user waits for an answer, thinks, and asks again, so a service
that gets slower is asked less. Open loop (`--arrivals`): requests fall due by a Poisson process
that knows nothing of the answers, and a latency counts from when its request was due, so that
none of the waiting is left out (no coordinated omission).

Beside each route the reports have the stages that `Server-Timing` told of, in microseconds: what
the service took, without the way there and back. At the end comes one line, PASS or FAIL, and
the exit code 0 or 1. BRAID_KEY names a key with the scopes read and write. Item and user ids are
those of MovieLens 100k, which `make demo` serves. See docs/load.md.
"""

import math
import os
import random
import time

import gevent
from gevent.pool import Group
from locust import FastHttpUser, LoadTestShape, between, constant, events, task

USERS = 943
ITEMS = 1682
KEY = os.environ.get("BRAID_KEY")
HOME = "/v1/recommendations"
LIVE = (HOME, "/v1/similar", "/v1/rank", "/v1/events")  # somebody waits; nobody does for a batch
STAGE = "stage, µs"  # locust keeps times to the unit, and a stage takes less than a millisecond
DEGRADED = ("answers that say degraded", "count")
SLATES = ("answers with a slate", "count")


def anyone():
    """Return a user id; a few users come much more often than the rest."""
    return str(1 + int(USERS * random.random() ** 2))


def anything(count):
    """Return item ids, each once."""
    return [str(item) for item in random.sample(range(1, ITEMS + 1), count)]


# --- What is asked ------------------------------------------------------------------------------


class Caller(FastHttpUser):
    """Knows the requests of a shop; whoever inherits decides when to make which."""

    abstract = True
    host = "http://127.0.0.1:8000"
    default_headers = {"Authorization": f"Bearer {KEY}"} if KEY else None
    connection_timeout = network_timeout = 10.0

    def home(self, due=None, user=None):
        """Open a known user's home page."""
        return self.ask(HOME, {"user_id": user or anyone(), "limit": 20}, due)

    def visit(self, due=None):
        """Open a page as somebody without an account: what was looked at is all that is known."""
        return self.ask(HOME, {"session": anything(random.randint(1, 8)), "limit": 20}, due)

    def item_page(self, due=None):
        """Open an item: more like this."""
        return self.ask("/v1/similar", {"seed_items": anything(1), "limit": 10}, due)

    def search(self, due=None):
        """Have a search engine's 200 hits ranked for a user."""
        wanted = {"user_id": anyone(), "candidates": anything(200), "limit": 20}
        return self.ask("/v1/rank", wanted, due)

    def mailing(self, due=None):
        """Get the slates of twenty users at once."""
        queries = [{"user_id": anyone(), "limit": 10} for _ in range(20)]
        return self.ask("/v1/recommendations/batch", {"queries": queries}, due)

    def track(self, due=None, told=None):
        """Tell what users did: one event, or ten that a tracker has gathered."""
        told = told or [
            {"user_id": anyone(), "item_id": item, "type": "view"} for item in anything(10)
        ]
        return self.ask("/v1/events", {"events": told}, due)

    def ask(self, path, body, due=None):
        """Return the decoded answer, or None where there was none; note its stages."""
        with self.client.post(path, json=body, catch_response=True) as response:
            if due is not None:
                response.request_meta["response_time"] = 1000 * (time.perf_counter() - due)
            if response.status_code != 200:
                response.failure(f"status {response.status_code}: {(response.text or '')[:200]}")
                return None
            answer = response.json()
        self._note_stages(path, response.headers.get("server-timing", ""))
        for slate in answer.get("slates", [answer] if "items" in answer else []):
            self._count(SLATES)
            if slate["degraded"]:
                self._count(DEGRADED)
        return answer

    # Straight into their own rows: what is fired as a request counts among the requests.
    def _note_stages(self, path, server_timing):
        for part in filter(None, server_timing.split(", ")):
            stage, _, milliseconds = part.partition(";dur=")
            row = self.environment.stats.get(f"{path} {stage}", STAGE)
            row.log(1000 * float(milliseconds), 0)

    def _count(self, row):
        self.environment.stats.get(*row).log(0, 0)


# --- Closed loop: users who wait, think and ask again -------------------------------------------


class Browse(Caller):
    """Looks at home pages and items, and clicks on some of what it is shown."""

    weight = 10
    wait_time = between(0.05, 0.3)

    @task(10)
    def home_page(self):
        """Open the home page and, one time in five, click: the next page lacks that item."""
        user = anyone()
        shown = self.home(user=user)
        if shown and shown["items"] and random.random() < 0.2:
            item = random.choice(shown["items"])["item_id"]
            click = {"user_id": user, "item_id": item, "type": "click"}
            told = self.track(told=[click])
            again = self.home(user=user)
            if told and again and not again["degraded"]:
                self._check_gone(user, item, again)

    @task(3)
    def look_closer(self):
        """Open an item's page."""
        self.item_page()

    def _check_gone(self, user, item, page):
        if item in (one["item_id"] for one in page["items"]):
            self.environment.events.request.fire(
                request_type="CHECK",
                name="a click is seen by the next request",
                response_time=0,
                response_length=0,
                exception=AssertionError(f"item {item} came again for user {user}"),
            )


class Session(Caller):
    """Browses without an account."""

    weight = 3
    wait_time = between(0.05, 0.3)
    page = task(Caller.visit)


class Search(Caller):
    """Searches: a page of hits, ranked for it."""

    weight = 2
    wait_time = between(0.1, 0.5)
    page = task(Caller.search)


class Batch(Caller):
    """Makes mailings, twenty users at a time."""

    weight = 1
    wait_time = between(1, 3)
    page = task(Caller.mailing)


class Events(Caller):
    """Gathers what happened in the shop and tells it, ten events at a time."""

    weight = 1
    wait_time = between(0.2, 1)
    page = task(Caller.track)


# --- Open loop: requests that fall due whatever becomes of the others ---------------------------

MIX = {"home": 50, "visit": 15, "item_page": 15, "search": 10, "track": 9, "mailing": 1}


class Arrivals(Caller):
    """Makes requests by a Poisson process; all users' processes together have the rate asked for.

    So the shapes, which set how many users there are, shape the rate of arrivals, too.
    """

    wait_time = constant(0)
    concurrency = 1000  # connections: what is due is sent, however many answers are outstanding

    def on_start(self):
        """Begin with nothing outstanding, and the first request due at a time of its own."""
        self.outstanding = Group()
        options = self.environment.parsed_options
        self.rate = options.arrivals / (options.num_users or 1)
        self.due = time.perf_counter()

    @task
    def arrive(self):
        """Sleep until the next request is due, then have it made by somebody else."""
        self.due += random.expovariate(self.rate)
        gevent.sleep(max(0.0, self.due - time.perf_counter()))
        [name] = random.choices([*MIX], [*MIX.values()])
        self.outstanding.spawn(getattr(self, name), self.due)

    def on_stop(self):
        """Wait for what is outstanding: it was due, too, and may be the slowest of all."""
        self.outstanding.join(timeout=self.network_timeout)


# --- Shapes: which share of the users is there, by the share of the run that has passed ---------


def steps(passed):
    """Return one fifth more every fifth of the run, to see where it stops keeping up."""
    return min(5, 1 + int(5 * passed)) / 5


def spikes(passed):
    """Return a fifth, and all at once three times, to see how soon it is itself again."""
    return 1.0 if passed * 6 % 2 >= 1.5 else 0.2


def day(passed):
    """Return a day from midnight: quiet before dawn, a peak at one, a higher one at nine."""
    hour = 24 * passed
    return min(1.0, 0.1 + 0.6 * near(hour, 13, 3) + 0.9 * near(hour, 21, 2.5))


def near(hour, peak, width):
    """Return 1 at the peak's hour, less before and after it, round the clock."""
    away = abs(hour - peak)
    return math.exp(-((min(away, 24 - away) / width) ** 2))


SHAPES = {"steps": steps, "spikes": spikes, "day": day}


class Shape(LoadTestShape):
    """Has a share of `--users` there at each time of `--run-time`."""

    abstract = True  # locust would take it unasked
    use_common_options = True

    def __init__(self, share):
        super().__init__()
        self.share = share

    def tick(self):
        """Return how many users there are now, and how many may come per second; None to end."""
        options = self.runner.environment.parsed_options
        users, run_time = options.num_users or 1, options.run_time or 60
        passed = self.get_run_time() / run_time
        return None if passed >= 1 else (max(1, round(users * self.share(passed))), users)


# --- Options, and the verdict -------------------------------------------------------------------


@events.init_command_line_parser.add_listener
def add_options(parser):
    """Add what locust does not have; each may come from the environment instead."""
    group = parser.add_argument_group("Braid")

    def add(flag, **more):
        name = f"BRAID_LOAD_{flag.strip('-').replace('-', '_').upper()}"
        group.add_argument(flag, env_var=name, **more)

    add("--shape", choices=["flat", *SHAPES], default="flat", help="how --users change over time")
    add("--arrivals", type=float, default=0.0, help="open loop: requests per second, in all")
    add("--p99-ms", type=float, default=100.0, help="FAIL when a route but the batch is slower")
    add("--failed", type=float, default=0.0, help="FAIL when more than this share fails")
    add("--degraded", type=float, default=0.01, help="FAIL when more of the slates say so")


@events.init.add_listener
def choose(environment, **_):
    """Take closed loop or open loop, and the shape."""
    options = environment.parsed_options
    if options.arrivals > 0:
        environment.user_classes = [Arrivals]
    elif not options.user_classes:
        environment.user_classes = [one for one in environment.user_classes if one is not Arrivals]
    if options.shape != "flat" and environment.runner is not None:
        environment.shape_class = Shape(SHAPES[options.shape])
        environment.shape_class.runner = environment.runner


def verdict(stats, options):
    """Return whether a run holds its bars, and the line that says so."""
    total, entries = stats.total, stats.entries
    requests, failures = total.num_requests, total.num_failures
    asked = [entries[path, "POST"] for path in LIVE if (path, "POST") in entries]
    p99, slowest = max(
        ((one.get_response_time_percentile(0.99), one.name) for one in asked),
        default=(0, "nothing"),
    )
    slates, degraded = (
        entries[row].num_requests if row in entries else 0 for row in (SLATES, DEGRADED)
    )
    failed_share = failures / requests if requests else 1.0
    degraded_share = degraded / slates if slates else 0.0
    passed = (
        failed_share <= options.failed
        and p99 <= options.p99_ms
        and degraded_share <= options.degraded
    )
    line = (
        f"{'PASS' if passed else 'FAIL'}: {requests} requests, {total.total_rps:.0f}/s; "
        f"{failures} failed (bar {options.failed:.2%}); "
        f"slowest p99 {p99:.0f} ms, of {slowest} (bar {options.p99_ms:.0f} ms); "
        f"{degraded_share:.2%} of {slates} slates degraded (bar {options.degraded:.2%})"
    )
    return passed, line


@events.quitting.add_listener
def judge(environment, **_):
    """Print the verdict and set the exit code; workers leave that to their master."""
    if environment.parsed_options.worker:
        return
    passed, line = verdict(environment.stats, environment.parsed_options)
    print(line)
    environment.process_exit_code = 0 if passed else 1
