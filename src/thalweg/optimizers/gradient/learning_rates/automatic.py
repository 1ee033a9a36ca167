"""The learning rate of ``learning_rate="auto"``: the one place where it is chosen."""

import numpy as np

from thalweg.optimizers.gradient.learning_rates.armijo import Armijo
from thalweg.optimizers.gradient.learning_rates.barzilai_borwein import BarzilaiBorwein
from thalweg.optimizers.gradient.learning_rates.base import AnyLearningRate
from thalweg.optimizers.gradient.learning_rates.fixed import Fixed
from thalweg.optimizers.rules import SGD, AnyRule, HeavyBall, Nesterov, ScheduleFreeSGD
from thalweg.problem import Problem
from thalweg.space import Columns

__all__ = ["automatic"]

SHARE = 0.01  # of the narrowest bounds, for rules whose steps have the length of the learning rate
SCALED = (SGD, HeavyBall, Nesterov, ScheduleFreeSGD)  # rules whose steps grow with the gradient
MORE = 10  # times that for them: the inverse of a curvature is seldom below


def automatic(problem: Problem, rule: AnyRule) -> AnyLearningRate:
    """Choose how far to go, from the problem and the rule that chooses the direction.

    On minibatches, where single values say little, it is the middle of the rates that race: rates that search on the batch
    itself were found to stall where no point suits every batch (``benchmarks/learning_rate.py``).
    """
    if problem.minibatches is None:
        for rate in (BarzilaiBorwein(), Armijo()):
            if isinstance(rule, rate.rules):
                return rate
    share = SHARE * MORE if isinstance(rule, SCALED) and problem.minibatches is not None else SHARE
    return Fixed(share * _width(problem.columns))


def _width(columns: Columns) -> float:
    """Give the narrowest finite bounds, 1 where there are none."""
    width = columns.high - columns.low
    return float(min(width[np.isfinite(width) & (width > 0)], default=1.0))
