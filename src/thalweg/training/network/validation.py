"""Rows that are not learned from: which ones, and what they say of a network."""

import math
from collections.abc import Callable

import numpy as np
from sklearn.model_selection import train_test_split

from thalweg.arrays import AnyArray
from thalweg.rng import generator
from thalweg.training.losses import Loss
from thalweg.training.network.backpropagation import Batch
from thalweg.training.network.fit import validation_loss
from thalweg.training.network.network import Network
from thalweg.training.targets import strata

__all__ = ["held_out", "score_of", "some_of"]

FEWEST = 100  # rows of which some can be spared for validation


def held_out(rows: Batch, share: float, classes: bool, seed: int) -> tuple[Batch, Batch | None]:
    """Give the rows to learn from, and those held out, of every class its share where that is possible.

    Args:
        rows: n of them.
        share: That is held out, in [0, 1); None are of fewer than 100 rows.
        classes: Whether targets are codes of classes.
        seed: Of the choice.

    Example:
        >>> rows = Batch(np.zeros((200, 1)), np.arange(200) % 2)
        >>> learned, held = held_out(rows, 0.1, classes=True, seed=0)
        >>> len(learned.X), np.bincount(held.y)
        (180, array([10, 10]))
    """
    n = len(rows.X)
    if not share or n < FEWEST:
        return rows, None
    held = min(max(1, round(share * n)), n - 1)
    stratify = strata(rows.y, held) if classes else None
    kept, out = train_test_split(np.arange(n), test_size=held, random_state=seed % 2**32, stratify=stratify)
    return _taken(rows, kept), _taken(rows, out)


def score_of(loss: Loss, rows: Batch | None, classes: bool) -> Callable[[Network], float] | None:
    """Make what is to be least on rows held out: the share of wrong classes, else the mean loss; None without rows.

    The loss of classes rises where a network is too sure of itself, long before it is wrong more often.
    """
    if rows is None:
        return None
    return _error(rows) if classes else validation_loss(loss, rows)


def some_of(rows: Batch, most: int, seed: int) -> Batch:
    """Give all rows, or as many as that, drawn at random."""
    if len(rows.X) <= most:
        return rows
    return _taken(rows, np.sort(generator(seed).choice(len(rows.X), most, replace=False)))


def _error(rows: Batch) -> Callable[[Network], float]:
    def score(network: Network) -> float:
        eta = network.predict(rows.X)
        if not np.isfinite(eta).all():
            return math.inf
        chosen = eta[:, 0] > 0 if eta.shape[1] == 1 else eta.argmax(axis=1)
        return float(np.average(chosen != rows.y, weights=rows.v))

    return score


def _taken(rows: Batch, some: AnyArray) -> Batch:
    return Batch(rows.X[some], rows.y[some], None if rows.v is None else rows.v[some])
