"""What a search is doing, while it does it: a panel in a terminal, or a line for each event."""

import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, final

from rich.console import Console, Group
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from thalweg.cli.wording import Metric, describe_params, duration
from thalweg.problem import Status
from thalweg.study import Event, RunStarted, RunStopped, TrialsFinished, TrialsStarted

__all__ = ["Display", "make_console"]

REDRAWN_PER_SECOND = 4
MOST_RUNNING = 8  # lines of running trials; of more, the number
WIDE = 200  # columns where nobody sees an edge: a table that is cut is of no use to grep


def make_console(to_stderr: bool = False) -> Console:
    """Make the console of a command, wide where it is no terminal."""
    console = Console(stderr=to_stderr, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = WIDE
    return console


@final
@dataclass
class _Progress:
    """What the events have told so far."""

    metric: Metric
    started: RunStarted
    since: float  # on the monotonic clock
    finished: int
    failed: int = 0
    best: float | None = None
    best_trial: str = ""
    running: dict[int, tuple[str, float]] = field(default_factory=dict)
    stopped: str = ""

    @property
    def seconds(self) -> float:
        return self.started.seconds + time.monotonic() - self.since

    @property
    def share(self) -> float:
        """The part of the budget that is spent."""
        budget = self.started.budget
        spent = [self.finished / budget.most] if budget.most else []
        spent += [self.seconds / budget.seconds] if budget.seconds else []
        return 1.0 if self.stopped else min(1.0, max(spent, default=0.0))


@final
class Display:
    """Show a run's events; an observer of the run, and a context around it.

    Args:
        console: Where to.
        metric: What the scores are.
        finished: Trials that earlier runs of the study finished.
        failed: Those of them that failed.
    """

    def __init__(self, console: Console, metric: Metric, finished: int = 0, failed: int = 0) -> None:
        """Draw nothing yet."""
        self.console = console
        self._metric, self._finished, self._failed = metric, finished, failed
        self._progress: _Progress | None = None
        self._live: AbstractContextManager[Any] = nullcontext()
        if console.is_terminal:
            self._live = Live(
                console=console,
                get_renderable=self.panel,
                refresh_per_second=REDRAWN_PER_SECOND,
                transient=True,
            )

    def __enter__(self) -> "Display":
        """Begin to draw."""
        self._live.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        """Take the panel away, for what follows to stand in its place."""
        self._live.__exit__(*error)

    @property
    def started(self) -> bool:
        """Whether the search has begun."""
        return self._progress is not None

    @property
    def stopped(self) -> str:
        """Why the search is over; an empty string while it is not."""
        return self._progress.stopped if self._progress else ""

    def __call__(self, event: Event) -> None:
        """Take in an event."""
        if isinstance(event, RunStarted):
            sign = -event.problem.signs[0]
            best = None if event.best is None else sign * event.best
            self._progress = _Progress(self._metric, event, time.monotonic(), self._finished, self._failed, best)
            self._say(
                f"searching: {_limits(event)}" + (f", {self._finished} trials done before" if self._finished else "")
            )
        progress = self._progress
        if progress is None:
            return
        if isinstance(event, TrialsStarted):
            self._begin(progress, event)
        elif isinstance(event, TrialsFinished):
            self._finish(progress, event)
        elif isinstance(event, RunStopped):
            progress.stopped = event.reason
            progress.running.clear()
            self._say(f"stopped: {event.reason}")

    def _begin(self, progress: _Progress, event: TrialsStarted) -> None:
        points = event.candidates
        decoded = progress.started.problem.space.decode(points.x, points.active)
        for trial, params in zip(event.numbers, decoded, strict=True):
            progress.running[trial] = (describe_params(params), time.monotonic())
            self._say(f"trial {trial} started: {progress.running[trial][0]}")

    def _finish(self, progress: _Progress, event: TrialsFinished) -> None:
        for row, trial in enumerate(event.numbers):
            what, _ = progress.running.pop(trial, ("", 0.0))
            progress.finished += 1
            seconds = f" in {event.evaluations.cost[row]:.1f} s"
            if event.evaluations.status[row] != Status.COMPLETE:
                progress.failed += 1
                error = " ".join(event.evaluations.errors.get(row, "").split())
                self._say(f"trial {trial} failed{seconds}: {error}")
                continue
            score = -float(event.evaluations.value[row, 0])
            if progress.best is None or score > progress.best:
                progress.best, progress.best_trial = score, f"trial {trial}, {what}"
            best = progress.metric.text(progress.best)
            self._say(f"trial {trial} finished{seconds}: {progress.metric.text(score)}, best {best}")

    def _say(self, line: str) -> None:
        if not self.console.is_terminal:
            self.console.print(Text(line), soft_wrap=True)

    def panel(self) -> Group | Text:
        """Draw what is known now."""
        progress = self._progress
        if progress is None:
            return Text("preparing the search …", style="dim")
        rows = Table.grid(padding=(0, 2), expand=True)
        rows.add_column(style="dim", no_wrap=True)
        rows.add_column(ratio=1)
        most = progress.started.budget.most
        done = f"{progress.finished:,}" + (f" of {most:,}" if most else "")
        rows.add_row("trials", done + (f", {progress.failed:,} failed" if progress.failed else ""))
        rows.add_row("best", Text(progress.metric.text(progress.best), style="bold"))
        if progress.best_trial:
            rows.add_row("", progress.best_trial)
        rows.add_row("time", _clock(progress))
        if progress.stopped:
            rows.add_row("now", f"{progress.stopped}; fitting the best model")
        for label, what in _running(progress):
            rows.add_row(label, what)
        rows.add_row("", Text("Ctrl-C stops, and keeps everything", style="dim"))
        bar = ProgressBar(total=1.0, completed=progress.share)
        return Group(Padding(bar, (1, 0)), rows)


def _running(progress: _Progress) -> list[tuple[str, Table | str]]:
    lines: list[tuple[str, Table | str]] = []
    running = list(progress.running.items())  # a copy, for it is drawn in a thread of its own
    for trial, (what, since) in running[:MOST_RUNNING]:
        line = Table.grid(padding=(0, 1), expand=True)
        line.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        line.add_column(justify="right", no_wrap=True)
        line.add_row(f"trial {trial}, {what}", duration(time.monotonic() - since))
        lines.append(("" if lines else "running", line))
    more = len(running) - MOST_RUNNING
    return [*lines, ("", f"and {more} more")] if more > 0 else lines


def _clock(progress: _Progress) -> str:
    limit = progress.started.budget.seconds
    if limit is None:
        return duration(progress.seconds)
    left = max(0.0, limit - progress.seconds)
    return f"{duration(progress.seconds)} of {duration(limit)}, {duration(left)} left"


def _limits(event: RunStarted) -> str:
    budget = event.budget
    limits = [f"{budget.most:,} trials"] if budget.most else []
    limits += [f"{budget.seconds:g} seconds"] if budget.seconds else []
    return " or ".join(limits) or "no limit"
