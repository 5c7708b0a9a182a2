"""Files of surfaces: what they may say, and what is told of the ones that say something else."""

import pytest

from ranking.surfaces import SurfacesRejected, parse
from ranking.surfaces.lines import line_of
from ranking.surfaces.parse import overridden

GOOD = """\
[surfaces.home]
limit = 20
reasons = { vector = "you liked {because}" }

[surfaces.home.sources]
vector = { quota = 300 }
trending.quota = 50

[surfaces.home.filters]
rule = "year >= 1990"

[surfaces.home.filters.served]
hide_after = 3

[surfaces.home.scoring]
objectives = { model = 1.0 }

[surfaces.home.experiment]
salt = "home-1"

[surfaces.home.experiment.variants.varied]
share = 0.5
settings.rerank.diversity = 0.5
settings.sources.trending.quota = 80

[surfaces."item page"]
deadline_ms = 20
"""


def test_a_surface_has_what_its_table_says_and_defaults_for_the_rest() -> None:
    home = parse(GOOD).by_name["home"]
    assert (home.limit, home.deadline_ms) == (20, 50.0)
    assert {name: source.quota for name, source in home.sources.items()} == {
        "vector": 300,
        "trending": 50,
    }
    assert home.filters.rule == "year >= 1990"
    assert home.filters.served is not None
    assert (home.filters.served.hide_after, home.filters.served.discount) == (3, 1.0)
    assert parse(GOOD).by_name["item page"].deadline_ms == 20


def test_the_order_of_the_sources_is_the_order_in_the_file() -> None:
    swapped = GOOD.replace("vector = { quota = 300 }\ntrending.quota = 50", "b.quota=1\na.quota=1")
    swapped = swapped.replace("settings.sources.trending.quota = 80\n", "")
    assert list(parse(swapped).by_name["home"].sources) == ["b", "a"]


def test_a_variant_is_the_surface_with_its_settings_laid_over() -> None:
    surfaces = parse(GOOD)
    home, varied = surfaces.by_name["home"], surfaces.variants["home", "varied"]
    assert varied.rerank.diversity == 0.5
    assert (varied.sources["trending"].quota, varied.sources["vector"].quota) == (80, 300)
    assert (varied.limit, varied.filters, varied.experiment) == (home.limit, home.filters, None)
    assert home.sources["trending"].quota == 50


def test_laying_settings_over_a_table_changes_neither() -> None:
    table, settings = {"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"b": 5}, "d": None}
    assert overridden(table, settings) == {"a": {"b": 5, "c": 2}}
    assert table == {"a": {"b": 1, "c": 2}, "d": 3}
    assert settings == {"a": {"b": 5}, "d": None}


@pytest.mark.parametrize(
    ("was", "becomes", "line", "about"),
    [
        ("limit = 20", "limit = 0", 2, r"surfaces\.home\.limit: Expected `int` >= 1"),
        ("limit = 20", "limt = 20", 2, r"surfaces\.home\.limt: there is no such setting"),
        ("quota = 300", "quota = 'x'", 6, r"sources\.vector\.quota: Expected `int`, got `str`"),
        ("quota = 300", "quta = 300", 6, r"sources\.vector"),
        ("trending.quota = 50", "trending.quota = -1", 7, r"sources\.trending\.quota"),
        ("hide_after = 3", "hide_after = 0", 13, r"served\.hide_after"),
        ("model = 1.0", "model = 'x'", 16, r"objectives\.model: Expected `float`"),
        ("share = 0.5", "share = 2", 22, r"variants\.varied\.share"),
        ("diversity = 0.5", "diversity = 7", 23, r"settings\.rerank\.diversity"),
        ("deadline_ms = 20", "deadline_ms = 'soon'", 27, r"item page\.deadline_ms"),
        ('rule = "year >= 1990"', 'rule = "year', 10, "this is no TOML"),
        ("[surfaces.home]\n", "[surfaces.home\n", 1, "this is no TOML"),
    ],
)
def test_a_fault_is_told_with_its_line(was: str, becomes: str, line: int, about: str) -> None:
    assert was in GOOD
    with pytest.raises(SurfacesRejected, match=about) as caught:
        parse(GOOD.replace(was, becomes, 1))
    assert caught.value.line == line
    assert str(caught.value).startswith(f"line {line}: ")


@pytest.mark.parametrize("text", ["", "surfaces = 3", "[surface.home]\nlimit = 3", "[surfaces]"])
def test_a_text_without_surfaces_is_told_how_to_begin(text: str) -> None:
    with pytest.raises(SurfacesRejected, match=r"begin each surface with \[surfaces\.NAME\]"):
        parse(text)


def test_a_line_is_found_for_quoted_dotted_and_inline_keys() -> None:
    text = '[a."b.c"]\n"d e".f = 1\n[[x]]\ny = { z = 1 }\n'
    assert line_of(text, ["a", "b.c", "d e", "f"]) == 2
    assert line_of(text, ["a", "b.c", "other"]) == 1
    assert line_of(text, ["x", "y", "z"]) == 4
    assert line_of(text, ["nowhere"]) is None
