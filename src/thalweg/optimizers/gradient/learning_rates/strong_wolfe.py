"""A step that is low enough and flat enough: the strong Wolfe conditions.

P. Wolfe, "Convergence conditions for ascent methods", SIAM Review 11(2), 1969. The search is Moré and Thuente's, see
:mod:`thalweg.optimizers.gradient.line_search`.
"""

from dataclasses import replace
from typing import ClassVar, final

from thalweg.optimizers.gradient.learning_rates.base import Attempt, LearningRate, Point, norm
from thalweg.optimizers.gradient.line_search import WolfeSearch, WolfeState
from thalweg.optimizers.rules import SGD, AnyRule
from thalweg.serial import frozen

__all__ = ["StrongWolfe", "StrongWolfeState"]


@final
@frozen
class StrongWolfeState:
    """The search at the present point, and what the next one begins with."""

    promise: float = 0.0  # α ‖g‖² of the last step; 0 before the first
    search: WolfeState | None = None  # None before the first α of a point was evaluated


@final
@frozen
class StrongWolfe(LearningRate[StrongWolfeState]):
    """Search along the path x(α) = P(x − α g) for a step at which φ(α) = f(x(α)) is low and flat.

    φ(α) ≤ φ(0) + c₁ α φ'(0)  and  |φ'(α)| ≤ c₂ |φ'(0)|.

    The first α promises the same decrease as the last step, α ‖g‖² (J. Nocedal, S. J. Wright, "Numerical
    optimization", 2006, section 3.5). Where the path bends at a bound φ has a kink, at which the search may end with the
    first condition only.

    Args:
        search: The search, with its constants c₁ and c₂.

    Example:
        >>> import thalweg as tw
        >>> from thalweg.problem.functions import sphere
        >>> f = sphere(dim=3)
        >>> optimizer = tw.GradientDescent(learning_rate=StrongWolfe())
        >>> result = tw.minimize(f, f.space, gradient=f.gradient, optimizer=optimizer, initial=[[3, 2, 1]], trials=50)
        >>> result.best.value < 1e-12
        True
    """

    search: WolfeSearch = WolfeSearch(decrease=1e-4, curvature=0.1)

    rules: ClassVar[tuple[type[AnyRule], ...]] = (SGD,)

    def init(self, batches: int) -> StrongWolfeState:
        """Know nothing."""
        return StrongWolfeState()

    def begin(self, state: StrongWolfeState, at: Point) -> tuple[float, StrongWolfeState]:
        """Promise what the last step has promised; a step of length 1 at first."""
        length = norm(at.gradient) or 1.0
        return (state.promise / length**2 if state.promise else 1 / length), replace(state, search=None)

    def judge(self, state: StrongWolfeState, attempt: Attempt) -> tuple[float | None, StrongWolfeState]:
        """Tell the search the value and the slope at the step's end."""
        moved = attempt.end.x - attempt.start.x
        search = state.search
        if search is None:
            slope = -attempt.start.gradient[moved != 0] @ attempt.direction[moved != 0]
            search = self.search.begin(attempt.start.value, slope, attempt.alpha)
        free = attempt.end.x == attempt.start.x - attempt.alpha * attempt.direction  # a bound holds the others
        slope = -attempt.end.gradient[free] @ attempt.direction[free]
        search = self.search.advance(search, attempt.end.value, slope)
        state = replace(state, search=search)
        if search.accepted:
            return None, replace(state, promise=attempt.alpha * norm(attempt.start.gradient) ** 2)
        return (0.0 if search.failed else search.alpha), state
