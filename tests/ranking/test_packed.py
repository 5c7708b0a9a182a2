"""What is packed is the sequence that was packed."""

import pytest

from ranking.names import Names
from ranking.packed import packed_texts


@pytest.mark.parametrize("at_once", [1, 3, 5, 100])
@pytest.mark.parametrize("texts", [(), ("a",), ("a", "", "ein Gruß", "x" * 50, "\ud800")])
def test_whoever_goes_through_all_values_meets_each_once(
    texts: tuple[str, ...], at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ranking.packed._AT_ONCE", at_once)
    packed = packed_texts(Names(texts))
    assert tuple(packed) == packed[:] == texts
