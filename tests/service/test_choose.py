"""Which settings a request gets under an experiment, and whether it counts."""

from collections import Counter

import pytest

from ranking.experiments import CONTROL, HOLDOUT, assign
from ranking.surfaces import Surfaces, parse
from service.experiments.choose import Choice, choose

SURFACES = parse("""
[surfaces.plain]

[surfaces.home]
limit = 10
[surfaces.home.experiment]
salt = "home-1"
holdout = 0.1
[surfaces.home.experiment.variants.short]
share = 0.3
settings = { limit = 5 }
[surfaces.home.experiment.variants.long]
share = 0.3
settings = { limit = 50 }

[surfaces.cart]
[surfaces.cart.experiment]
salt = "cart-1"
kind = "interleaving"
[surfaces.cart.experiment.variants.diverse]
share = 0.5
settings = { limit = 7 }

[surfaces.item]
[surfaces.item.experiment]
salt = "item-1"
kind = "shadow"
[surfaces.item.experiment.variants.new]
share = 1.0
settings = { limit = 8 }
""")

USERS = [f"u{n}" for n in range(2000)]


def of(name: str, surfaces: Surfaces = SURFACES) -> list[Choice]:
    return [choose(surfaces, name, user) for user in USERS]


def test_each_arm_has_its_settings_and_everybody_their_arm() -> None:
    choices = of("home")
    limits = {(one.variant, one.surface.limit) for one in choices}
    assert limits == {(CONTROL, 10), (HOLDOUT, 10), ("short", 5), ("long", 50)}
    assert {one.experiment for one in choices} == {"home-1"}
    assert {one.rival for one in choices} == {None}
    assert choices == of("home")
    experiment = SURFACES.by_name["home"].experiment
    assert experiment is not None
    assert [one.variant for one in choices] == [assign(experiment, user) for user in USERS]
    assert Counter(one.variant for one in choices)[CONTROL] > 0.3 * len(USERS)


def test_a_session_without_a_user_gets_the_surface_and_does_not_count() -> None:
    assert choose(SURFACES, "home", None) == Choice(SURFACES.by_name["home"])


def test_an_interleaved_user_gets_a_rival_of_the_surface() -> None:
    drafted = [one for one in of("cart") if one.arm == "diverse"]
    assert 0.4 < len(drafted) / len(USERS) < 0.6
    # Each is named as what it is made of, so that both have a plan of their own.
    assert {(one.variant, one.surface.limit) for one in drafted} == {(CONTROL, 20)}
    rivals = [one.rival for one in drafted if one.rival is not None]
    assert {(one.variant, one.surface.limit) for one in rivals} == {("diverse", 7)}
    assert {one.rival for one in of("cart") if one.arm == CONTROL} == {None}


@pytest.mark.parametrize("name", ["plain", "item"])
def test_without_an_experiment_or_under_a_shadow_nothing_changes(name: str) -> None:
    assert all(one == Choice(SURFACES.by_name[name]) for one in of(name))


def test_a_surface_that_is_not_there_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        choose(SURFACES, "nowhere", "u1")
