import io

import pytest

from indexing.work.progress import Progress, duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.4, "59 s"), (80, "1 min 20 s"), (3600, "1 h 00 min"), (7500, "2 h 05 min")],
)
def test_durations_are_written_as_people_say_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_share_rate_and_time_left_are_told() -> None:
    progress = Progress("Rendering", 300, "clips", io.StringIO())
    progress.update(0)
    assert progress.sentence(102, 8.5) == "Rendering 34 % · 12.0 clips/s · 16 s left"
    assert progress.sentence(300, 25) == "Rendering 100 % · 12.0 clips/s · done in 25 s"


def test_what_was_done_before_does_not_count_as_speed() -> None:
    progress = Progress("Reading", 100, "clips", io.StringIO())
    progress.update(90)
    assert progress.sentence(95, 5) == "Reading 95 % · 1.0 clips/s · 5 s left"


def test_few_lines_are_written_where_there_is_no_terminal() -> None:
    stream = io.StringIO()
    progress = Progress("Reading", 1000, "clips", stream)
    for done in range(1001):
        progress.update(done)
    lines = stream.getvalue().splitlines()
    assert len(lines) < 20
    assert "100 %" in lines[-1]


def test_a_terminal_gets_a_bar() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    progress = Progress("Reading", 2, "clips", stream)
    progress.update(1)
    progress.update(2)
    assert "[############............] Reading 50 %" in stream.getvalue()
    assert stream.getvalue().endswith("\n")


def test_nothing_to_do_is_done() -> None:
    stream = io.StringIO()
    Progress("Reading", 0, "clips", stream).update(0)
    assert "100 %" in stream.getvalue()
