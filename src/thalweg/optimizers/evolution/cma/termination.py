"""When CMA-ES is done.

N. Hansen, "The CMA evolution strategy: a tutorial", arXiv:1604.00772v2, 2023, section B.3, with its names of the criteria.
"""

import math
from typing import final

import numpy as np

from thalweg.arrays import Floats
from thalweg.optimizers.evolution.cma.distribution import Distribution
from thalweg.serial import frozen

__all__ = ["History", "why_ended"]

LARGEST_CONDITION = 1e14
LARGEST_GROWTH = 1e4
SMALLEST_SHARE = 1e-12  # TolX, of the first σ
LONGEST = 20_000
EVERY = 10  # updates from one look for stagnation, which sorts the history, to the next


@final
@frozen
class History:
    """The best and the median value of past generations, as many as the criteria look at; inf where there was none."""

    best: Floats  # (k,)
    median: Floats  # (k,)

    @classmethod
    def begin(cls) -> "History":
        """Make an empty one."""
        return cls(np.empty(0), np.empty(0))

    def extended(self, values: Floats, g: int, n: int) -> "History":
        """Add the values (λ,) of generation g, inf where there is none, and forget the oldest."""
        keep = max(_patience(n, len(values)), min(g // 5, LONGEST)) - 1
        ordered = np.sort(values)
        best, median = ordered[:1], ordered[len(values) // 2, None]
        return History(np.concatenate([self.best[-keep:], best]), np.concatenate([self.median[-keep:], median]))


def why_ended(
    d: Distribution, first_sigma: float, values: Floats, history: History, tolerance: float, fine: bool
) -> str:
    """Say which criterion is met, in words; an empty string where none is.

    Args:
        d: The distribution after its update.
        first_sigma: σ at the beginning.
        values: (λ,) of the last generation, inf where there is none.
        history: With these values.
        tolerance: TolFun.
        fine: Whether no column is discrete. Of those, equal values for some time are no sign of the end.
    """
    return _lost_in_rounding(d) or _extreme(d, first_sigma) or _flat(d, values, history, tolerance, fine)


def _lost_in_rounding(d: Distribution) -> str:
    i = d.g % len(d.m)
    if (d.m == d.m + 0.1 * d.sigma * d.A * d.shape.axis(i)).all():  # NoEffectAxis
        return f"a step of 0.1 standard deviations along principal axis {i} is lost in rounding"
    unmoved = d.m == d.m + 0.2 * d.deviations  # NoEffectCoord
    if unmoved.any():
        return f"a step of 0.2 standard deviations in column {int(np.argmax(unmoved))} is lost in rounding"
    return ""


def _extreme(d: Distribution, first_sigma: float) -> str:
    least, largest = d.shape.axes.min(), d.shape.axes.max()
    if largest > math.sqrt(LARGEST_CONDITION) * least:  # ConditionCov
        return f"the covariance matrix has a condition number above {LARGEST_CONDITION:g}"
    if d.sigma * largest > LARGEST_GROWTH * first_sigma:  # TolXUp
        return f"the steps have grown {LARGEST_GROWTH:g} times: sigma was far too small, or the function has no minimum"
    smallest = SMALLEST_SHARE * first_sigma  # TolX
    if (d.deviations < smallest).all() and (d.sigma * np.abs(d.p_c) < smallest).all():
        return f"the steps have fallen below {SMALLEST_SHARE:g} of the first"
    return ""


def _flat(d: Distribution, values: Floats, history: History, tolerance: float, fine: bool) -> str:
    size, n = len(values), len(d.m)
    few = 10 + math.ceil(30 * n / size)
    recent = history.best[-few:]
    if len(recent) == few and np.isfinite(recent[-1]) and np.isfinite(values).all():
        low, high = min(recent.min(), values.min()), max(recent.max(), values.max())
        if high - low < tolerance:  # TolFun
            return (
                f"all values of the last generation, and the best of the last {few}, differ by less than {tolerance:g}"
            )
    if fine and len(recent) == few and np.isfinite(recent[0]) and recent.min() == recent.max():  # EqualFunValues
        return f"the best values of the last {few} generations are equal"
    if d.g % EVERY == 0 and len(history.best) >= _patience(n, size) and _stagnates(history.best, history.median):
        return f"neither the best nor the median value has improved in the last {len(history.best)} generations"
    return ""


def _stagnates(*histories: Floats) -> bool:
    """Tell whether the medians of the last 30% are no better than those of the first."""
    for values in histories:
        part = max(1, 3 * len(values) // 10)
        first, last = (np.sort(piece)[part // 2] for piece in (values[:part], values[-part:]))
        if not (np.isfinite(last) and last >= first):
            return False
    return True


def _patience(n: int, size: int) -> int:
    return 120 + math.ceil(30 * n / size)
