"""What is seen of a search: a panel in a terminal, lines elsewhere."""

import io
import re

import numpy as np
import pytest
from rich.console import Console

from thalweg.cli.display import Display
from thalweg.cli.wording import Metric
from thalweg.problem import Candidates, Evaluations, Problem
from thalweg.space import Categorical, Float
from thalweg.study import Budget, RunStarted, RunStopped, TrialsFinished, TrialsStarted

SPACE = {
    "model": Categorical(["linear", "boosting"]),
    "linear.alpha": Float(0.1, 10, when={"model": ["linear"]}),
    "boosting.learning_rate": Float(0.01, 1, when={"model": ["boosting"]}),
}
PROBLEM = Problem(lambda params: 0.0, SPACE, goal="maximize")


def started(trial, **params):
    rows, _ = PROBLEM.space.encode([params])
    return TrialsStarted([trial], Candidates.at(PROBLEM.columns, rows))


def finished(event, score):
    n = len(event.numbers)
    if score is None:
        evaluations = Evaluations.failed(event.candidates, 1, 0, "ValueError: no\n  convergence", seconds=2.0)
    else:
        value, none = np.full((n, 1), -score), np.empty((n, 0))
        evaluations = Evaluations(event.candidates, value, None, none, np.full(n, 2.0), np.ones(n, np.int64))
    return TrialsFinished(event.numbers, evaluations, score, False)


FIRST = started(0, **{"model": "linear", "linear.alpha": 1.0})
SECOND = started(1, **{"model": "boosting", "boosting.learning_rate": 0.25})
EVENTS = [
    RunStarted("houses-1", PROBLEM, Budget(trials=4, seconds=60), 0, 0.0, None),
    FIRST,
    finished(FIRST, -48_000.4),
    SECOND,
]


@pytest.mark.parametrize("width", [60, 80, 160])
def test_the_panel_of_a_terminal(width):
    console = Console(file=io.StringIO(), force_terminal=True, width=width, height=24, color_system=None)
    with Display(console, Metric("neg_root_mean_squared_error")) as display:
        for event in EVENTS:
            display(event)
    console.file = io.StringIO()
    console.print(display.panel())
    panel = console.file.getvalue()
    lines = [" ".join(line.split()) for line in panel.splitlines()]
    assert "trials 1 of 4" in lines
    assert "best RMSE 48,000" in lines
    assert "trial 0, linear: alpha=1" in lines
    assert any(re.fullmatch(r"time \d:\d\d of 1:00, \d:\d\d left", line) for line in lines)
    assert any(re.fullmatch(r"running trial 1, boosting: learning_rate=0.25 \d:\d\d", line) for line in lines)
    assert max(map(len, panel.splitlines())) <= width


def test_lines_where_there_is_no_terminal():
    seen = io.StringIO()
    with Display(Console(file=seen, width=40), Metric("neg_root_mean_squared_error")) as display:
        for event in [*EVENTS, finished(SECOND, None), RunStopped("the budget is spent")]:
            display(event)
    assert seen.getvalue().splitlines() == [
        "searching: 4 trials or 60 seconds",
        "trial 0 started: linear: alpha=1",
        "trial 0 finished in 2.0 s: RMSE 48,000, best RMSE 48,000",
        "trial 1 started: boosting: learning_rate=0.25",
        "trial 1 failed in 2.0 s: ValueError: no convergence",
        "stopped: the budget is spent",
    ]
    assert display.stopped == "the budget is spent"
