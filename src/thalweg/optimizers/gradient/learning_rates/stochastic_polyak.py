"""Polyak's step on a minibatch.

N. Loizou, S. Vaswani, I. Laradji, S. Lacoste-Julien, "Stochastic Polyak step-size for SGD: an adaptive learning rate for
fast convergence", AISTATS 2021 (SPS_max, with the smoothing of its section 5). B. T. Polyak, "Introduction to
optimization", 1987.
"""

import math
from dataclasses import replace
from typing import ClassVar, final

from thalweg.errors import InvalidProblem, InvalidSettings
from thalweg.optimizers.gradient.learning_rates.base import Attempt, LearningRate, Point
from thalweg.optimizers.rules import SGD, AnyRule
from thalweg.optimizers.rules.checks import check_positive
from thalweg.serial import frozen

__all__ = ["StochasticPolyak", "StochasticPolyakState"]


@final
@frozen
class StochasticPolyakState:
    """The latest α, and by how much it may grow from one batch to the next."""

    growth: float  # τ^(b/n)
    alpha: float = math.inf  # inf before the first


@final
@frozen
class StochasticPolyak(LearningRate[StochasticPolyakState]):
    """Step to where the tangent of the batch's loss f_i reaches the least value that the loss can have.

    α = min{ (f_i(x) − f_i*) / (c ‖∇f_i(x)‖²),  τ^(b/n) α₋₁ }  for n rows in batches of b.

    One evaluation a step. It converges fast where one x attains f_i* on all batches, and to a neighbourhood of the
    solution elsewhere.

    Args:
        c: At least 1/2, which is best for convex losses.
        tau: τ, at least 1: growth of α in an epoch.
        least: f_i*, a number that no batch's loss is below: 0 for the losses in use without penalties.

    Raises:
        InvalidSettings: A setting is out of its range.

    Example:
        >>> import numpy as np, thalweg as tw
        >>> X = np.random.default_rng(0).normal(size=(500, 3))
        >>> result = tw.minimize(
        ...     lambda w, X, y: np.mean((X @ w - y) ** 2),
        ...     tw.Box(dim=3),
        ...     gradient=lambda w, X, y: 2 * X.T @ (X @ w - y) / len(y),
        ...     minibatches=tw.Minibatches(X, X @ [1.0, -2.0, 0.5], size=20),
        ...     optimizer=tw.GradientDescent(learning_rate=StochasticPolyak()),
        ...     evaluations=200,
        ... )
        >>> result.recommended.round(6)
        array([ 1. , -2. ,  0.5])
    """

    c: float = 0.5
    tau: float = 2.0
    least: float = 0.0

    rules: ClassVar[tuple[type[AnyRule], ...]] = (SGD,)
    sampled: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Check the settings."""
        check_positive(self, "c")
        if not math.isfinite(self.least):
            raise InvalidSettings(f"StochasticPolyak: least={self.least}, expected a number")
        if not self.tau >= 1:
            raise InvalidSettings(f"StochasticPolyak: tau={self.tau}, expected at least 1")

    def init(self, batches: int) -> StochasticPolyakState:
        """Spread the growth of an epoch over its batches."""
        return StochasticPolyakState(self.tau ** (1 / batches))

    def begin(self, state: StochasticPolyakState, at: Point) -> tuple[float, StochasticPolyakState]:
        """Compute α from value and gradient of the batch.

        Raises:
            InvalidProblem: The value is below the least.
        """
        if at.value < self.least:
            raise InvalidProblem(
                f"StochasticPolyak was told the value {at.value:.6g} and takes {self.least:g} for the least there is; "
                "give least= a number that no batch's loss is below"
            )
        squared = float(at.gradient @ at.gradient)
        most = state.growth * state.alpha
        if at.value == self.least or not squared:  # the least of this batch is reached: stay, and remember no α of 0
            return 0.0, state
        alpha = min((at.value - self.least) / (self.c * squared), most)
        return alpha, replace(state, alpha=alpha)

    def judge(self, state: StochasticPolyakState, attempt: Attempt) -> tuple[float | None, StochasticPolyakState]:
        """Take every step that has a value; only a failed one is too long."""
        if not attempt.failed:
            return None, state
        return attempt.alpha / 2, replace(state, alpha=attempt.alpha / 2)
