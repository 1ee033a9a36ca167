"""The forms of what is printed: labels beside values, and scores by model."""

import math
from collections.abc import Mapping, Sequence

from rich.table import Table

__all__ = ["label_grid", "scores_table"]


def label_grid() -> Table:
    """Make a table of two columns: labels, and what they stand for."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    return grid


def scores_table(scores: Mapping[str, Mapping[str, float | None]]) -> Table:
    """Lay out scores, a row per model and a column per metric; the last model, the tuned one, stands out."""
    table = Table(box=None, padding=(0, 0, 0, 2))
    table.add_column("")
    metrics = list(next(iter(scores.values())))
    columns = [_aligned([row[metric] for row in scores.values()]) for metric in metrics]
    for metric in metrics:
        table.add_column(metric, justify="right")
    for model, *cells in zip(scores, *columns, strict=True):
        table.add_row(model, *cells, style="bold" if model == list(scores)[-1] else "")
    return table


def _aligned(values: Sequence[float | None]) -> list[str]:
    """Write numbers with as many decimals as give the largest four significant digits."""
    largest = max((abs(value) for value in values if value), default=1.0)
    decimals = max(0, 3 - math.floor(math.log10(largest)))
    return ["–" if value is None else f"{round(value, decimals) + 0.0:,.{decimals}f}" for value in values]
