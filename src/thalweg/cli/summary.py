"""What tune says of the table before the search, and of the best model after it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from rich.console import Console
from rich.text import Text

from thalweg.cli.tables import label_grid, scores_table
from thalweg.cli.wording import Metric, short_params
from thalweg.data import Column, LabelledData
from thalweg.problem import Status
from thalweg.tuning import TuningResult

__all__ = ["Saved", "print_data", "print_summary", "scores_of", "summary"]

_LEFT_OUT = ("identifier", "constant", "empty")
MOST_NAMES = 6


@final
@dataclass(frozen=True)
class Saved:
    """Where a run is kept.

    Attributes:
        run: Its name.
        storage: The database.
        model: The best model's file.
        trials: The table of trials.
    """

    run: str
    storage: str
    model: Path
    trials: Path

    @property
    def resume(self) -> str:
        """The command that continues the run."""
        return f"thalweg resume {self.run}{self.option}"

    @property
    def option(self) -> str:
        """What further commands on the run must be given to find it."""
        return "" if self.storage == "thalweg.db" else f" --storage {self.storage}"


def print_data(console: Console, table: str, data: LabelledData, columns: Sequence[Column]) -> None:
    """Say what was read: rows, columns by kind, the task and why it is this one."""
    grid = label_grid()
    grid.add_row("table", f"{Path(table).name}: {len(data.y):,} rows, {len(columns)} columns beside the target")
    kinds = Counter(column.kind for column in columns if column.is_feature)
    missing = sum(column.missing > 0 for column in columns)
    parts = [f"{count} {kind}" for kind, count in kinds.most_common()]
    grid.add_row("columns", ", ".join(parts) + (f"; {missing} with missing cells" if missing else ""))
    left_out = [f"{column.name} ({column.kind})" for column in columns if not column.is_feature]
    if left_out:
        more = f" and {len(left_out) - MOST_NAMES} more" if len(left_out) > MOST_NAMES else ""
        grid.add_row("left out", ", ".join(left_out[:MOST_NAMES]) + more)
    grid.add_row("target", data.target)
    grid.add_row("task", data.reason)
    for note in (*data.notes, *(f"{column.name}: {column.note}" for column in columns if _telling(column))):
        grid.add_row("note", note)
    console.print(grid)


def print_summary(console: Console, result: TuningResult, saved: Saved) -> None:
    """Say what was found, how good it is, why the search stopped, and where everything is."""
    trials = result.search.trials
    failed = len(trials) - trials.count(Status.COMPLETE) - trials.count(Status.RUNNING)
    console.print(
        f"Stopped after {len(trials) - trials.count(Status.RUNNING):,} trials"
        + (f" ({failed:,} failed: thalweg show {saved.run})" if failed else "")
        + f": {result.stop_reason}.\n"
    )
    score = Metric(result.scoring).text(result.cross_validation_score)
    console.print(
        Text(f"Best model: {result.best_params.get('model', '')}", style="bold"),
        f"({score} in cross-validation)",
    )
    grid = label_grid()
    for name, value in short_params(result.best_params).items():
        grid.add_row(f"  {name}", value)
    console.print(grid)
    held_out = scores_of(result)
    if held_out is not None:
        rows = f"{held_out['holdout_rows']:,} held-out rows, which the search has not seen"
        console.print(f"\nScores on {rows}", style="bold")
        console.print(scores_table(held_out["scores"]))
    console.print("\nSaved", style="bold")
    grid = label_grid()
    grid.add_row("  run", f"{saved.run} in {saved.storage}")
    grid.add_row("  model", _near(saved.model))
    grid.add_row("  trials", _near(saved.trials))
    console.print(grid)


def summary(result: TuningResult, saved: Saved, interrupted: bool) -> dict[str, Any]:
    """Give the same as one JSON object."""
    trials = result.search.trials
    return {
        "run": saved.run,
        "task": result.task,
        "scoring": result.scoring,
        "cross_validation_score": result.cross_validation_score,
        "best_params": _plain(result.best_params),
        "holdout": scores_of(result),
        "trials": len(trials),
        "complete": trials.count(Status.COMPLETE),
        "seed": result.search.seed,
        "stop_reason": result.stop_reason,
        "interrupted": interrupted,
        "storage": saved.storage,
        "model": str(saved.model),
        "trials_table": str(saved.trials),
    }


def scores_of(result: TuningResult) -> dict[str, Any] | None:
    """Give the held-out scores as a JSON object: sizes, and metrics by model."""
    if result.holdout is None:
        return None
    table = result.holdout.table
    scores = {
        str(model): {name: None if np.isnan(value) else float(value) for name, value in row.items()}
        for model, row in table.to_dict("index").items()
    }
    return {
        "search_rows": result.holdout.search_rows,
        "holdout_rows": result.holdout.holdout_rows,
        "scores": scores,
    }


def _telling(column: Column) -> bool:
    return bool(column.note) and column.is_feature and column.kind != "date"


def _plain(params: Any) -> dict[str, Any]:
    return {name: value.item() if isinstance(value, np.generic) else value for name, value in params.items()}


def _near(path: Path) -> str:
    """Write a path as it is seen from here, where that is shorter."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
