"""Gradient descent that follows the local curvature, with no line search and no constant to choose.

Y. Malitsky, K. Mishchenko, "Adaptive gradient descent without descent", ICML 2020; the larger steps, and bounds, of
Y. Malitsky, K. Mishchenko, "Adaptive proximal gradient method for convex optimization", NeurIPS 2024 (algorithms 2 and
3). Letters are theirs.
"""

import math
from typing import ClassVar, final

from thalweg.arrays import Floats
from thalweg.optimizers.gradient.learning_rates.base import Attempt, LearningRate, Point, norm
from thalweg.optimizers.rules import SGD, AnyRule
from thalweg.serial import frozen

__all__ = ["MalitskyMishchenko", "MalitskyMishchenkoState"]

PROBE = 1e-4  # length of the first step, as a share of max(1, ‖x‖): it only measures the curvature
THETA = 1 / 3  # θ₀


@final
@frozen
class MalitskyMishchenkoState:
    """The point that the present step leaves, and how long the steps are."""

    x: Floats | None = None  # (d,) None before the first
    gradient: Floats | None = None
    alpha: float = 0.0
    theta: float = 0.0  # θ = α / the α before; 0 while only the probe was made


@final
@frozen
class MalitskyMishchenko(LearningRate[MalitskyMishchenkoState]):
    """Let α grow slowly, and be bounded by the curvature L along the last step.

    α = min{ √(2/3 + θ₋₁) α₋₁,  α₋₁ / √[2 α₋₁² L² − 1]₊ },  L = ‖∇f(x) − ∇f(x₋₁)‖ / ‖x − x₋₁‖,  θ = α / α₋₁.

    It converges for convex objectives whose curvature is locally bounded; one evaluation a step. The first α is 1 / L
    from a small probing step, within the range that the paper asks for.

    Example:
        >>> import thalweg as tw
        >>> from thalweg.problem.functions import sphere
        >>> f = sphere(dim=3)
        >>> optimizer = tw.GradientDescent(learning_rate=MalitskyMishchenko())
        >>> result = tw.minimize(f, f.space, gradient=f.gradient, optimizer=optimizer, initial=[[3, 2, 1]], trials=50)
        >>> result.best.value < 1e-12
        True
    """

    rules: ClassVar[tuple[type[AnyRule], ...]] = (SGD,)

    def init(self, batches: int) -> MalitskyMishchenkoState:
        """Know nothing."""
        return MalitskyMishchenkoState()

    def begin(self, state: MalitskyMishchenkoState, at: Point) -> tuple[float, MalitskyMishchenkoState]:
        """Compute α from the last two points."""
        size = max(1.0, norm(at.x)) / (norm(at.gradient) or 1.0)
        if state.x is None or state.gradient is None:
            return PROBE * size, MalitskyMishchenkoState(at.x, at.gradient, PROBE * size)
        moved = norm(at.x - state.x)
        curvature = norm(at.gradient - state.gradient) / moved if moved else 0.0  # L
        last = state.alpha
        if not state.theta:
            alpha = 1 / curvature if curvature else size
            return alpha, MalitskyMishchenkoState(at.x, at.gradient, alpha, THETA)
        excess = 2 * (last * curvature) ** 2 - 1
        alpha = math.sqrt(2 / 3 + state.theta) * last
        if excess > 0:
            alpha = min(alpha, last / math.sqrt(excess))
        return alpha, MalitskyMishchenkoState(at.x, at.gradient, alpha, alpha / last)

    def judge(self, state: MalitskyMishchenkoState, attempt: Attempt) -> tuple[float | None, MalitskyMishchenkoState]:
        """Take every step that has a value; only a failed one is too long."""
        if not attempt.failed:
            return None, state
        theta = state.theta / 2
        return attempt.alpha / 2, MalitskyMishchenkoState(state.x, state.gradient, attempt.alpha / 2, theta)
