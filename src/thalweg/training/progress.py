"""A bar that shows passes over rows in a terminal."""

import time
from types import TracebackType
from typing import Self, final

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

__all__ = ["ProgressBar"]

REDRAWN_PER_SECOND = 10


@final
class ProgressBar:
    """Show the pass, the rows read in it, and when it will be over; nothing where nobody looks at it.

    A context around a fit, and the observer of the rows that it reads. The bar vanishes when the fit is over.

    Args:
        console: Where to draw; standard error by default. Nothing is drawn on what is no terminal.

    Example:
        >>> with ProgressBar() as bar:
        ...     bar(200_000, 5_000_000)
    """

    def __init__(self, console: Console | None = None) -> None:
        """Draw nothing yet."""
        console = console or Console(stderr=True)
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[rows]}"),
            TimeRemainingColumn(),
        )
        self._progress = Progress(
            *columns, console=console, transient=True, auto_refresh=False, disable=not console.is_terminal
        )
        self._task = self._progress.add_task("pass 1", rows="")
        self._pass, self._drawn = 1, 0.0

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Wipe the bar away."""
        self._progress.stop()

    def __call__(self, done: int, total: int) -> None:
        """Show that so many rows of all are read; fewer than before begin another look at them."""
        task = self._progress.tasks[0]
        if done < task.completed:
            self._progress.reset(self._task)
        text = f"{done:,} of {total:,} rows"
        self._progress.update(self._task, description=f"pass {self._pass}", completed=done, total=total, rows=text)
        self._pass += done == total
        now = time.monotonic()
        if done == total or now - self._drawn > 1 / REDRAWN_PER_SECOND:
            self._drawn = now
            self._progress.refresh()
