"""Slates in Redis: a job that was cut off is gone on with, one that is finished is not."""

import msgspec
from redis import Redis

from features import keys
from service.http.wire import Coverage, SlateAnswer
from service.precompute.job import Job
from service.precompute.recipe import Made
from service.precompute.shelf import Shelf
from tests.service.precompute.jobs import SETTINGS

JOB = Job(SETTINGS, 5)


def made(*users: str) -> list[Made]:
    slate = SlateAnswer("id", "1", "home", "control", [], [], Coverage(1, 1))
    return [Made(user, 0, slate) for user in users]


def test_a_job_that_was_cut_off_is_gone_on_with(client: Redis) -> None:
    shelf = Shelf(client, "home", 100)
    assert shelf.job(SETTINGS) is None
    shelf.begin(JOB)
    shelf.write(3, made("ann", "bob"))
    again = Shelf(client, "home", 100)
    assert again.job(SETTINGS) == JOB
    assert again.done() == {3}
    name = keys.slate("home", "ann")
    assert msgspec.json.decode(client.get(name) or b"", type=SlateAnswer) == made("ann")[0].slate
    every = [name, keys.slates_job("home"), keys.slates_done("home")]
    assert all(0 < client.ttl(one) <= 100 for one in every)


def test_another_job_or_surface_begins_anew(client: Redis) -> None:
    shelf = Shelf(client, "home", 100)
    shelf.begin(JOB)
    shelf.write(3, made("ann"))
    other = msgspec.structs.replace(SETTINGS, model_version="2")
    assert shelf.job(other) is None
    assert Shelf(client, "cart", 100).job(SETTINGS) is None
    shelf.begin(msgspec.structs.replace(JOB, settings=other))
    assert shelf.done() == set()
    assert client.exists(keys.slate("home", "ann"))  # until its own is made


def test_a_finished_job_is_not_gone_on_with(client: Redis) -> None:
    shelf = Shelf(client, "home", 100)
    shelf.begin(JOB)
    shelf.write(0, made("ann"))
    shelf.finish()
    assert shelf.job(SETTINGS) is None
    assert client.exists(keys.slate("home", "ann"))


def test_what_is_no_job_is_none(client: Redis) -> None:
    client.set(keys.slates_job("home"), b"{}")
    assert Shelf(client, "home", 100).job(SETTINGS) is None
