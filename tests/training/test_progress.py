"""The bar is drawn on a terminal, and nowhere else."""

import io

import pytest
from rich.console import Console

from thalweg.training.progress import ProgressBar


def shown(terminal, *told):
    console = Console(file=io.StringIO(), force_terminal=terminal, width=100)
    with ProgressBar(console) as bar:
        for done, total in told:
            bar(done, total)
    return console.file.getvalue()


def test_passes_and_rows_are_shown_and_wiped_away():
    text = shown(True, (100, 5000), (5000, 5000), (5000, 5000))
    assert "pass 1" in text and "pass 2" in text and "pass 3" not in text
    assert "100 of 5,000 rows" in text and "5,000 of 5,000 rows" in text
    assert "\x1b[?25h" in text  # the cursor is shown again
    assert text.endswith("\x1b[2K")  # and the line is empty


def test_a_look_at_the_first_rows_is_no_pass():
    assert "pass 2" not in shown(True, (100, 5000), (100, 5000), (5000, 5000))


def test_it_is_drawn_a_few_times_only():
    few, many = (shown(True, *((i, n) for i in range(1, n + 1))).count("rows") for n in (2, 2000))
    assert few == 3  # the empty bar, the first rows, the end
    assert many < 200


def test_nothing_is_written_elsewhere():
    assert shown(False, (100, 5000), (5000, 5000)) == ""


def test_the_terminal_is_given_back_where_the_fit_fails():
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    with pytest.raises(ZeroDivisionError), ProgressBar(console) as bar:
        bar(1, 2)
        1 / 0  # noqa: B018
    assert console.file.getvalue().endswith("\x1b[2K")
