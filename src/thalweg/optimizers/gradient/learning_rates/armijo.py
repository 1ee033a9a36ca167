"""Backtracking until the objective has decreased by enough.

L. Armijo, "Minimization of functions having Lipschitz continuous first partial derivatives", Pacific Journal of
Mathematics 16(1), 1966. With bounds: D. P. Bertsekas, "On the Goldstein–Levitin–Polyak gradient projection method",
IEEE Transactions on Automatic Control 21(2), 1976.
"""

from dataclasses import replace
from typing import ClassVar, final

from thalweg.optimizers.gradient.learning_rates.base import Attempt, LearningRate, Point, norm, sufficient
from thalweg.optimizers.rules import SGD, AnyRule, HeavyBall, Nesterov
from thalweg.optimizers.rules.checks import check_fraction, check_positive
from thalweg.serial import frozen

__all__ = ["Armijo", "ArmijoState"]


@final
@frozen
class ArmijoState:
    """The latest α, and whether the first α of the latest point was good enough."""

    alpha: float = 0.0  # 0 before the first
    at_once: bool = False


@final
@frozen
class Armijo(LearningRate[ArmijoState]):
    """Shorten a step until it keeps a share of what it promised: f(x') ≤ f(x) + c ∇f(x)ᵀ(x' − x), α ← β α.

    The first α at a point is the last one, or the last one divided by β after a search that ended at once: so α finds
    its own scale. The very first step has length 1.

    Args:
        c: Share of the promised decrease, in (0, 1).
        beta: β, in (0, 1).

    Raises:
        InvalidSettings: A setting is out of its range.

    Example:
        >>> import thalweg as tw
        >>> from thalweg.problem.functions import sphere
        >>> f = sphere(dim=3)
        >>> optimizer = tw.GradientDescent(learning_rate=Armijo())
        >>> result = tw.minimize(f, f.space, gradient=f.gradient, optimizer=optimizer, initial=[[3, 2, 1]], trials=50)
        >>> result.best.value < 1e-12
        True
    """

    c: float = 0.1
    beta: float = 0.5

    rules: ClassVar[tuple[type[AnyRule], ...]] = (SGD, HeavyBall, Nesterov)

    def __post_init__(self) -> None:
        """Check the settings."""
        check_fraction(self, "c", "beta")
        check_positive(self, "c", "beta")

    def init(self, batches: int) -> ArmijoState:
        """Know nothing."""
        return ArmijoState()

    def begin(self, state: ArmijoState, at: Point) -> tuple[float, ArmijoState]:
        """Begin with the last α, or with a longer one."""
        if not state.alpha:
            alpha = 1 / (norm(at.gradient) or 1.0)
        else:
            alpha = state.alpha / self.beta if state.at_once else state.alpha
        return alpha, ArmijoState(alpha, at_once=True)

    def judge(self, state: ArmijoState, attempt: Attempt) -> tuple[float | None, ArmijoState]:
        """Test the decrease."""
        if sufficient(attempt, self.c):
            return None, replace(state, alpha=attempt.alpha)
        shrink = min(self.beta, 0.5) if attempt.failed else self.beta
        return shrink * attempt.alpha, replace(state, at_once=False)
