"""The wire protocol: any reply, cut anywhere, is read right or awaited; anything else is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.errors import CommandRefused
from features.resp import DEEPEST_REPLY, LONGEST_LINE, Replies, bulk, command, parse
from tests.features.replies import bulk_reply, plain

lines = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF), max_size=30)


def nested(
    parts: st.SearchStrategy[tuple[bytes, object]],
) -> st.SearchStrategy[tuple[bytes, object]]:
    return st.lists(parts, max_size=5).map(
        lambda pairs: (
            b"*%d\r\n" % len(pairs) + b"".join(wire for wire, _ in pairs),
            [value for _, value in pairs],
        )
    )


# Pairs of a reply on the wire and the value it stands for.
leaves: st.SearchStrategy[tuple[bytes, object]] = st.one_of(
    st.integers(-(2**63), 2**63 - 1).map(lambda number: (b":%d\r\n" % number, number)),
    st.binary(max_size=40).map(lambda value: (bulk_reply(value), value)),
    st.binary(max_size=40).map(lambda text: (b"=%d\r\ntxt:%b\r\n" % (len(text) + 4, text), text)),
    st.sampled_from([(b"$-1\r\n", None), (b"*-1\r\n", None)]),
    lines.map(lambda line: (b"+%b\r\n" % line.encode(), line.encode())),
    lines.map(lambda line: (b"-%b\r\n" % line.encode(), ("refused", str(CommandRefused(line))))),
)
replies = st.recursive(leaves, nested, max_leaves=12)


@given(replies, st.binary(max_size=5), st.binary(max_size=5))
def test_a_reply_cut_anywhere_is_awaited_and_a_whole_one_is_read_right(
    reply: tuple[bytes, object], ahead: bytes, behind: bytes
) -> None:
    wire, value = reply
    start = len(ahead)
    stop = start + len(wire)
    for cut in range(start, stop):
        assert parse(bytearray(ahead + wire[: cut - start]), start, cut) is None
        # The same with stale bytes behind: a buffer is used again.
        assert parse(bytearray(ahead + wire + behind), start, cut) is None
    parsed = parse(bytearray(ahead + wire + behind), start, stop + len(behind))
    assert parsed is not None
    assert (plain(parsed[0]), parsed[1]) == (value, stop)


@given(st.lists(replies, max_size=4), st.binary(max_size=3))
def test_replies_to_a_pipeline_come_together_when_the_last_is_whole(
    pairs: list[tuple[bytes, object]], behind: bytes
) -> None:
    wire = b"".join(part for part, _ in pairs)
    read = Replies(len(pairs))
    for cut in range(len(wire)):
        assert read(bytearray(wire), 0, cut) is None
    parsed = read(bytearray(wire + behind), 0, len(wire))
    assert parsed is not None
    values = [value for _, value in pairs]
    refusals = [value for value in values if isinstance(value, tuple)]
    assert (plain(parsed[0]), parsed[1]) == (refusals[0] if refusals else values, len(wire))


@given(st.one_of(st.binary(), st.text("*$:+-0123456789\r\n").map(str.encode)))
def test_garbage_is_awaited_read_or_refused_and_nothing_else(garbage: bytes) -> None:
    try:
        parsed = parse(bytearray(garbage), 0, len(garbage))
    except ValueError:
        return
    assert parsed is None or 0 < parsed[1] <= len(garbage)


@pytest.mark.parametrize(
    "garbage",
    [
        b"HTTP/1.1 400 Bad Request\r\n",
        b"\r\n",
        b"$x\r\n",
        b"$\r\n\r\n",
        b":\r\n",
        b":one\r\n",
        b"*many\r\n",
        b":" + b"9" * 5000 + b"\r\n",
        b"$3\r\nabcdef\r\n",
        b"$3\r\nab\r\n\r\n",
        b"*2\r\n:1\r\n?\r\n",
        b"+" + b"a" * LONGEST_LINE + b"a",
    ],
)
def test_what_is_not_resp_is_told_as_soon_as_it_can_be(garbage: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(bytearray(garbage), 0, len(garbage))


def test_a_line_is_awaited_only_so_long() -> None:
    line = b"+" + b"a" * (LONGEST_LINE - 1)
    assert parse(bytearray(line), 0, len(line)) is None


def test_a_reply_may_nest_as_deep_as_any_of_ours_and_no_deeper() -> None:
    deep = b"*1\r\n" * DEEPEST_REPLY + b":7\r\n"
    parsed = parse(bytearray(deep), 0, len(deep))
    assert parsed is not None
    assert parsed[1] == len(deep)
    with pytest.raises(ValueError, match="deeper"):
        parse(bytearray(b"*1\r\n" * 100_000), 0, 400_000)


def test_a_refusal_is_a_value_so_that_its_neighbours_keep_theirs() -> None:
    wire = b"*3\r\n:1\r\n-READONLY no writes here\r\n:3\r\n"
    parsed = parse(bytearray(wire), 0, len(wire))
    assert parsed is not None
    assert plain(parsed[0]) == [1, ("refused", "store_refused: READONLY no writes here"), 3]


def test_the_first_refusal_stands_for_all_commands_that_were_written_together() -> None:
    wire = b":1\r\n-READONLY no writes here\r\n-ERR neither\r\n:3\r\n"
    for cut in range(len(wire)):
        assert Replies(4)(bytearray(wire), 0, cut) is None
    parsed = Replies(4)(bytearray(wire + b":4\r\n"), 0, len(wire) + 4)
    assert parsed is not None
    refused, end = parsed
    assert isinstance(refused, CommandRefused)
    assert "READONLY no writes here" in str(refused)
    assert end == len(wire)


@pytest.mark.parametrize(
    ("detail", "reason"),
    [
        ("MOVED 3999 10.0.0.7:6381", "store_moved"),
        ("ASK 3999 10.0.0.7:6381", "store_moved"),
        ("TRYAGAIN Multiple keys request during rehashing of slot", "store_migrating"),
        ("CLUSTERDOWN Hash slot not served", "store_cluster_down"),
        ("OOM command not allowed", "store_refused"),
    ],
)
def test_a_refusal_gives_metrics_and_clients_one_word_and_no_host(detail: str, reason: str) -> None:
    assert CommandRefused(detail).reason == reason


def test_a_command_counts_bytes_and_not_characters() -> None:
    assert command("GET", "né", 7, b"\r\n") == (
        b"*4\r\n$3\r\nGET\r\n$3\r\nn\xc3\xa9\r\n$1\r\n7\r\n$2\r\n\r\n\r\n"
    )
    assert bulk("") == b"$0\r\n\r\n"
