"""Names that stand twice in one object, however they are written and wherever it is."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.http.repeats import FEW, repeated_name

MANY = ",".join(f'"n{number}":0' for number in range(FEW))


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ('{"a":1,"a":2}', "a"),
        ('{"a":1,"b":2,"a":1}', "a"),
        ('{"a" :1, "a"\n:\t2}', "a"),
        ('{"":1,"":2}', ""),
        ('{"é":1,"é":2}', "é"),
        ('{"a":1,"\\u0061":2}', "a"),
        ('{"a\\"b":1,"a\\"b":2}', 'a"b'),
        ('[{"a":1},{"b":{"c":1,"d":[],"c":2}}]', "c"),
        ('{"a":{"a":{"b":1}},"a":2}', "a"),
        ('{"a":"x","b":":","a":"y"}', "a"),
        (f'{{"a":1,{MANY},"a":2}}', "a"),
        (f'[{{{MANY}}},{{"b":1,"b":2}}]', "b"),
    ],
)
def test_a_name_that_stands_twice_is_found(body: str, name: str) -> None:
    assert repeated_name(body.encode()) == name


@pytest.mark.parametrize(
    "body",
    [
        "{}",
        "1",
        '{"a":1}',
        '{"a":1,"b":2}',
        '{"a":1,"A":2}',
        '{"a":{"a":1}}',
        '[{"a":1},{"a":1}]',
        '{"a":"a","b":"a"}',
        '{"a":"\\":","b":"\\":"}',
        '{"a:b":1,"a:c":2}',
        '{"a\\\\":1,"a":2}',
        f"[{{{MANY}}},{{{MANY}}}]",
        f'{{{MANY},"in":{{{MANY}}}}}',
    ],
)
def test_names_that_stand_once_in_each_object_are_no_fault(body: str) -> None:
    assert repeated_name(body.encode()) is None


names = st.text(alphabet='ab":\\\u0000é', max_size=2)
documents = st.recursive(
    st.one_of(st.none(), st.integers(), names),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.lists(st.tuples(names, inner), max_size=6).map(tuple)
    ),
)


def text_of(value: Any) -> str:
    """Write JSON in which a tuple of pairs is an object, with whatever names."""
    match value:
        case tuple():
            return "{" + ",".join(f"{json.dumps(k)}: {text_of(v)}" for k, v in value) + "}"
        case list():
            return "[" + ",".join(map(text_of, value)) + "]"
    return json.dumps(value)


def repeats(value: Any) -> bool:
    match value:
        case tuple():
            own = [name for name, _ in value]
            return len(set(own)) < len(own) or any(repeats(one) for _, one in value)
        case list():
            return any(map(repeats, value))
    return False


@given(documents)
def test_whatever_the_document_a_repeated_name_is_found_where_there_is_one(value: Any) -> None:
    assert (repeated_name(text_of(value).encode()) is not None) == repeats(value)
