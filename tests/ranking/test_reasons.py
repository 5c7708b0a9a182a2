"""Why a pick is shown: templates filled by replacing names, never by evaluating them."""

import pytest

from ranking.catalogue import Catalogue
from ranking.reasons import OTHERWISE, TEMPLATES, Reasons, check_templates

CATALOGUE = Catalogue(
    ("a", "b"), ({"title": "Alien", "genre": ["Horror", "Sci-Fi"], "year": 1979}, {})
)


@pytest.mark.parametrize(
    ("templates", "source", "because", "said"),
    [
        ({}, "vector", 0, "because of Alien"),
        ({}, "vector", 1, "because of b"),
        ({}, "vector", -1, TEMPLATES[OTHERWISE]),
        ({}, "popularity", 0, "popular right now"),
        ({}, "popularity", -1, "popular right now"),
        ({}, "one of ours", 0, TEMPLATES[OTHERWISE]),
        ({OTHERWISE: "try {title}"}, "vector", -1, "try Alien"),
        ({OTHERWISE: "try {title}"}, "one of ours", 1, "try Alien"),
        ({"one of ours": "by us"}, "one of ours", -1, "by us"),
        (
            {"popularity": "{title} ({year}), {genre}"},
            "popularity",
            -1,
            "Alien (1979), Horror, Sci-Fi",
        ),
        ({"popularity": "no {price}"}, "popularity", -1, "no "),
        ({"popularity": "{title.__class__} {0} {}"}, "popularity", -1, "{title.__class__} {0} {}"),
    ],
)
def test_a_reason_is_its_template_filled_in(
    templates: dict[str, str], source: str, because: int, said: str
) -> None:
    assert Reasons(templates)(source, 0, because, CATALOGUE) == said


def test_templates_about_what_no_item_has_are_told() -> None:
    properties = frozenset({"title"})
    good = {"vector": "{because}: {title}", "popularity": "all like {title}"}
    assert check_templates(good, properties) == []
    [unknown] = check_templates({"vector": "{tilte}"}, properties)
    assert "reasons.vector" in unknown
    assert "'tilte'" in unknown
    [circular] = check_templates({OTHERWISE: "{because}"}, properties)
    assert "reasons.otherwise" in circular
