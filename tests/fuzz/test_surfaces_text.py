"""Any text is a file of surfaces or is refused: a person edits it while it is served."""

import contextlib
import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from ranking.surfaces import SurfacesRejected, parse

PAGE = Path(__file__).resolve().parents[2] / "docs" / "surfaces.md"
EXAMPLES = [
    example for example in re.findall(r"```toml\n(.*?)```", PAGE.read_text(), re.DOTALL) if example
]
VALUES = st.sampled_from(
    ["1", "-1", "0", "1e400", "nan", "inf", "true", '""', '"x"', "[]", "[[]]", "{}", "{ a = 1 }",
     "1979-05-27", "9" * 400, "'''\n'''", '"\\u0000"', "[" * 200, "{ a = " * 50]
)  # fmt: skip


def read_or_refused(text: str) -> None:
    with contextlib.suppress(SurfacesRejected):
        parse(text)


def test_the_page_has_examples() -> None:
    assert EXAMPLES


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    read_or_refused(text)


@given(st.sampled_from(EXAMPLES or [""]), st.data())
def test_an_example_with_other_values_is_read_or_refused(example: str, data: st.DataObject) -> None:
    lines = example.splitlines()
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(lines) - 1))
        name, equals, _ = lines[at].partition("=")
        if equals:
            lines[at] = f"{name}= {data.draw(VALUES)}"
        else:
            lines[at] = data.draw(
                st.sampled_from(["", lines[at] + "]", "[surfaces]", "[[x]]", "x.y.z = 1"])
            )
    read_or_refused("\n".join(lines))


@given(st.sampled_from(EXAMPLES or [""]), st.data())
def test_an_example_with_other_characters_is_read_or_refused(
    example: str, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(example)))
    read_or_refused(example[:at] + data.draw(st.text(max_size=3)) + example[at + 1 :])
