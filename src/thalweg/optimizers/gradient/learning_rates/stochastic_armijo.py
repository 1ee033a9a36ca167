"""Backtracking on the minibatch itself.

S. Vaswani, A. Mishkin, I. Laradji, M. Schmidt, G. Gidel, S. Lacoste-Julien, "Painless stochastic gradient: interpolation,
line-search, and convergence rates", NeurIPS 2019 (algorithms 1 and 2).
"""

from dataclasses import replace
from typing import ClassVar, final

from thalweg.errors import InvalidSettings
from thalweg.optimizers.gradient.learning_rates.base import Attempt, LearningRate, Point, norm, sufficient
from thalweg.optimizers.rules import SGD, AnyRule, HeavyBall, Nesterov
from thalweg.optimizers.rules.checks import check_fraction, check_positive
from thalweg.serial import frozen

__all__ = ["StochasticArmijo", "StochasticArmijoState"]


@final
@frozen
class StochasticArmijoState:
    """The latest α, and by how much it may grow from one batch to the next."""

    growth: float  # γ^(b/n)
    alpha: float = 0.0  # 0 before the first


@final
@frozen
class StochasticArmijo(LearningRate[StochasticArmijoState]):
    """Shorten a step until it lowers the loss of its own minibatch i by enough.

    f_i(x') ≤ f_i(x) + c ∇f_i(x)ᵀ(x' − x),  α ← β α,

    with both values on the same batch: two evaluations a step at least. α may grow by the factor γ in every epoch. It
    converges fast where one x fits all batches, and to a neighbourhood of the solution elsewhere. The first step has
    length 1, or α = 1 where that is longer.

    Args:
        c: Share of the promised decrease, in (0, 1).
        beta: β, in (0, 1).
        gamma: γ, at least 1.

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
        ...     optimizer=tw.GradientDescent(learning_rate=StochasticArmijo()),
        ...     evaluations=200,
        ... )
        >>> result.recommended.round(6)
        array([ 1. , -2. ,  0.5])
    """

    c: float = 0.1
    beta: float = 0.9
    gamma: float = 2.0

    rules: ClassVar[tuple[type[AnyRule], ...]] = (SGD, HeavyBall, Nesterov)
    sampled: ClassVar[bool] = True
    same_batch: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Check the settings."""
        check_fraction(self, "c", "beta")
        check_positive(self, "c", "beta")
        if not self.gamma >= 1:
            raise InvalidSettings(f"StochasticArmijo: gamma={self.gamma}, expected at least 1")

    def init(self, batches: int) -> StochasticArmijoState:
        """Spread the growth of an epoch over its batches."""
        return StochasticArmijoState(self.gamma ** (1 / batches))

    def begin(self, state: StochasticArmijoState, at: Point) -> tuple[float, StochasticArmijoState]:
        """Begin a little above the last α."""
        alpha = state.growth * state.alpha or max(1.0, 1 / (norm(at.gradient) or 1.0))
        return alpha, replace(state, alpha=alpha)

    def judge(self, state: StochasticArmijoState, attempt: Attempt) -> tuple[float | None, StochasticArmijoState]:
        """Test the decrease."""
        if sufficient(attempt, self.c):
            return None, replace(state, alpha=attempt.alpha)
        return (min(self.beta, 0.5) if attempt.failed else self.beta) * attempt.alpha, state
