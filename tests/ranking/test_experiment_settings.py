"""What a file of surfaces may say of an experiment."""

import re

import msgspec
import pytest

from ranking.experiments import Experiment, Variant
from ranking.surfaces import SurfacesRejected, parse

HOME = """
[surfaces.home]
limit = 10

[surfaces.home.experiment]
salt = "home-1"
{experiment}

[surfaces.home.experiment.variants.wide]
share = {share}
settings = {{ limit = 30 }}
{variant}
"""


def home(experiment: str = "", share: float = 0.5, variant: str = "") -> str:
    return HOME.format(experiment=experiment, share=share, variant=variant)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (home(share=1.5), 10, "Expected `float` <= 1.0"),
        (
            home() + "[surfaces.home.experiment.variants.b]\nshare = 0.6",
            5,
            "the variants' shares add up to 1.1, more than 1",
        ),
        (
            home() + "[surfaces.home.experiment.variants.control]\nshare = 0.1",
            5,
            "'control' is an arm already",
        ),
        (
            home('kind = "interleaving"') + "[surfaces.home.experiment.variants.b]\nshare = 0.1",
            5,
            "an experiment of the kind 'interleaving' has one variant",
        ),
        (home(variant='model = "2026-11-22-1"'), 5, "where kind = 'shadow' only"),
        (home('kind = "bandit"'), 7, "Invalid enum value 'bandit'"),
        (home("holdout = 1.0"), 7, "Expected `float` < 1.0"),
        (home().replace('"home-1"', '"naïve"'), 6, "Expected `str` matching regex"),
        (home().replace("limit = 30", "limit = 0"), None, "Expected `int` >= 1"),
    ],
)
def test_an_experiment_that_cannot_be_meant_is_refused_with_its_line(
    text: str, line: int | None, words: str
) -> None:
    with pytest.raises(SurfacesRejected, match=re.escape(words)) as refused:
        parse(text)
    if line is not None:
        assert refused.value.line == line


def test_an_experiment_survives_msgspec() -> None:
    experiment = Experiment("s", {"a": Variant(0.5, {"limit": 3}, "v1")}, "shadow", 0.1)
    assert msgspec.json.decode(msgspec.json.encode(experiment), type=Experiment) == experiment
