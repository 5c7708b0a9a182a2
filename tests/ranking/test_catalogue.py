import pytest

from ranking.catalogue import Catalogue


@pytest.fixture
def catalogue() -> Catalogue:
    return Catalogue(("a", "b", "c"), ({}, {"title": "B"}, {}))


def test_an_ordinal_is_the_place_in_the_ids(catalogue: Catalogue) -> None:
    assert [catalogue.ordinal(item) for item in catalogue.ids] == [0, 1, 2]
    assert catalogue.ordinal("z") is None
    assert len(catalogue) == 3


def test_ordinals_keep_the_order_and_drop_unknown_ids_and_repeats(catalogue: Catalogue) -> None:
    found = catalogue.ordinals(["c", "z", "a", "c", "y", "b"])
    assert found.tolist() == [2, 0, 1]
    assert found.dtype == "int64"


def test_no_ids_give_no_ordinals(catalogue: Catalogue) -> None:
    assert catalogue.ordinals([]).shape == (0,)
    assert catalogue.ordinals(["z"]).shape == (0,)


def test_a_repeated_id_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        Catalogue(("a", "a"), ({}, {}))


def test_an_item_without_properties_is_refused() -> None:
    with pytest.raises(ValueError, match="1 property records"):
        Catalogue(("a", "b"), ({},))
