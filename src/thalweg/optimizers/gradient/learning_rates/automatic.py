"""The learning rate of ``learning_rate="auto"``: the one place where it is chosen."""

import numpy as np

from thalweg.optimizers.gradient.learning_rates.armijo import Armijo
from thalweg.optimizers.gradient.learning_rates.barzilai_borwein import BarzilaiBorwein
from thalweg.optimizers.gradient.learning_rates.base import AnyLearningRate
from thalweg.optimizers.gradient.learning_rates.fixed import Fixed
from thalweg.optimizers.gradient.learning_rates.stochastic_armijo import StochasticArmijo
from thalweg.optimizers.rules import AnyRule
from thalweg.problem import Problem
from thalweg.space import Columns

__all__ = ["automatic"]

SHARE = 0.01  # of the narrowest bounds, for rules whose steps have the length of the learning rate


def automatic(problem: Problem, rule: AnyRule) -> AnyLearningRate:
    """Choose how far to go, from the problem and the rule that chooses the direction."""
    adaptive: tuple[AnyLearningRate, ...] = (StochasticArmijo(),)
    if problem.minibatches is None:
        adaptive = BarzilaiBorwein(), Armijo()
    fitting = (rate for rate in adaptive if isinstance(rule, rate.rules))
    return next(fitting, Fixed(SHARE * _width(problem.columns)))


def _width(columns: Columns) -> float:
    """Give the narrowest finite bounds, 1 where there are none."""
    width = columns.high - columns.low
    return float(min(width[np.isfinite(width) & (width > 0)], default=1.0))
