"""The steps of Barzilai and Borwein, kept from going astray by a nonmonotone line search.

J. Barzilai, J. M. Borwein, "Two-point step size gradient methods", IMA Journal of Numerical Analysis 8(1), 1988. L.
Grippo, F. Lampariello, S. Lucidi, "A nonmonotone line search technique for Newton's method", SIAM Journal on Numerical
Analysis 23(4), 1986. M. Raydan, "The Barzilai and Borwein gradient method for the large scale unconstrained minimization
problem", SIAM Journal on Optimization 7(1), 1997. With bounds: E. G. Birgin, J. M. Martínez, M. Raydan, "Nonmonotone
spectral projected gradient methods on convex sets", SIAM Journal on Optimization 10(4), 2000 (SPG1).
"""

from typing import ClassVar, final

from thalweg.arrays import Floats
from thalweg.optimizers.gradient.learning_rates.base import Attempt, LearningRate, Point, norm, sufficient
from thalweg.optimizers.rules import SGD, AnyRule
from thalweg.optimizers.rules.checks import check_count, check_fraction, check_positive
from thalweg.serial import frozen

__all__ = ["BarzilaiBorwein", "BarzilaiBorweinState"]

SHORTER = 0.5  # σ
LONGER = 10.0  # a step where the curvature along the last one was negative


@final
@frozen
class BarzilaiBorweinState:
    """The point that the present step leaves, and the last values."""

    x: Floats | None = None  # (d,) None before the first
    gradient: Floats | None = None
    values: tuple[float, ...] = ()  # of the last ``memory`` points, this one among them
    alpha: float = 0.0


@final
@frozen
class BarzilaiBorwein(LearningRate[BarzilaiBorweinState]):
    """Take α = sᵀs / sᵀy, the inverse of the curvature along the last step, with s = x − x₋₁ and y = ∇f(x) − ∇f(x₋₁).

    The objective rises now and then on its way down. So a step is only shortened where it ends above the highest of the
    last M values:

    f(x') ≤ max f(x_{k−j}) + γ ∇f(x)ᵀ(x' − x),  0 ≤ j < M.

    The very first step has length 1. Where sᵀy ≤ 0 the paper takes a step of constant length; here it is ten times the
    last, which does not depend on the units.

    Args:
        memory: M, at least 1.
        gamma: γ, in (0, 1).

    Raises:
        InvalidSettings: A setting is out of its range.

    Example:
        >>> import thalweg as tw
        >>> from thalweg.problem.functions import ellipsoid
        >>> f = ellipsoid(dim=3)  # condition number 10⁶
        >>> optimizer = tw.GradientDescent(learning_rate=BarzilaiBorwein())
        >>> result = tw.minimize(f, f.space, gradient=f.gradient, optimizer=optimizer, initial=[[3, 2, 1]], trials=100)
        >>> result.best.value < 1e-12
        True
    """

    memory: int = 10
    gamma: float = 1e-4

    rules: ClassVar[tuple[type[AnyRule], ...]] = (SGD,)

    def __post_init__(self) -> None:
        """Check the settings."""
        check_count(self, "memory")
        check_fraction(self, "gamma")
        check_positive(self, "gamma")

    def init(self, batches: int) -> BarzilaiBorweinState:
        """Know nothing."""
        return BarzilaiBorweinState()

    def begin(self, state: BarzilaiBorweinState, at: Point) -> tuple[float, BarzilaiBorweinState]:
        """Compute α from the last two points."""
        if state.x is None or state.gradient is None:
            alpha = 1 / (norm(at.gradient) or 1.0)
        else:
            s, y = at.x - state.x, at.gradient - state.gradient
            curvature = float(s @ y)
            alpha = float(s @ s) / curvature if curvature > 0 else LONGER * state.alpha
        values = (*state.values, at.value)[-self.memory :]
        return alpha, BarzilaiBorweinState(at.x, at.gradient, values, alpha)

    def judge(self, state: BarzilaiBorweinState, attempt: Attempt) -> tuple[float | None, BarzilaiBorweinState]:
        """Compare with the highest of the last values."""
        if sufficient(attempt, self.gamma, reference=max(state.values)):
            return None, state
        alpha = SHORTER * attempt.alpha
        return alpha, BarzilaiBorweinState(state.x, state.gradient, state.values, alpha)
