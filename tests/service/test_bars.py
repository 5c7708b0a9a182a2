"""Progress as somebody at a terminal sees it."""

import io

from rich.console import Console

from service.terminal.bars import Bars


def terminal() -> tuple[Console, io.StringIO]:
    file = io.StringIO()
    return Console(file=file, width=100, force_terminal=True, color_system=None), file


def test_a_step_shows_how_far_it_is_what_it_took_and_what_is_left() -> None:
    console, file = terminal()
    with Bars(console) as bars:
        bars("learn", 1, 4)
        bars("learn", 4, 4)
    last = [line for line in file.getvalue().splitlines() if "4/4" in line][-1]
    for words in ("learn", "0:00:00 left 0:00:00"):
        assert words in last


def test_work_that_fails_before_its_first_step_shows_no_bars() -> None:
    console, file = terminal()
    with Bars(console):
        pass
    assert file.getvalue() == ""


def test_records_pass_a_bar_unchanged_and_their_count_is_the_total_at_the_end() -> None:
    console, file = terminal()
    with Bars(console) as bars:
        assert list(bars.along("read", range(2500), 9999)) == list(range(2500))
        assert list(bars.along("nothing", iter(()))) == []
    assert "2500/2500" in file.getvalue()
    assert "0/0" in file.getvalue()
