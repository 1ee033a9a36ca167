"""Descent along lines: all that Newton's method and its relatives share, which is all but their model of the curvature.

J. Nocedal, S. J. Wright, "Numerical Optimization", 2nd edition, 2006, chapters 3, 6 and 7.
"""

from abc import abstractmethod
from dataclasses import replace
from typing import Any, ClassVar, final

import numpy as np

from thalweg.arrays import Floats
from thalweg.errors import IncompatibleProblem, InvalidProblem
from thalweg.optimizers.base import Capabilities, Optimizer, require
from thalweg.optimizers.gradient.line_search import WolfeSearch, WolfeState
from thalweg.problem import Candidates, Evaluations, Need, Problem
from thalweg.serial import frozen
from thalweg.space import Columns

__all__ = ["LineDescent", "LineState"]


@final
@frozen
class LineState:
    """Where a descent stands: at x, searching along the line to ``target``."""

    columns: Columns
    x: Floats  # (d,) the last accepted point; the start before there is a value
    value: float  # the objective there, NaN before
    gradient: Floats  # (d,) there, NaN before
    model: Any  # what is known of the curvature
    target: Floats  # (d,) the point of step 1
    search: WolfeState | None = None  # None while the line is not yet chosen
    probe: Floats | None = None  # (d,) a point to evaluate before the line can be chosen
    evaluation: int = 0  # the slot that is waited for
    begun: bool = False  # whether a point of our own was evaluated
    ended: str = ""  # why the descent is over


class LineDescent(Optimizer[LineState]):
    """Aim at a minimizer of a model within the bounds, search along the line to it, learn, repeat.

    A failed evaluation is a step too long. Where the search fails the model is forgotten; where it fails without one, the
    descent is over.
    """

    tolerance: float
    search: WolfeSearch

    capabilities: ClassVar[Capabilities] = Capabilities(
        needs=Need.VALUE | Need.GRADIENT,
        integers=False,
        categories=False,
        conditions=False,
        unbounded=True,
        terminates=True,
    )

    @abstractmethod
    def _nothing(self, dim: int) -> Any:
        """Make the model before any curvature was seen."""

    @abstractmethod
    def _is_nothing(self, model: Any) -> bool:
        """Whether there is nothing to forget."""

    @abstractmethod
    def _learn(self, model: Any, s: Floats, y: Floats) -> Any:
        """Take in that the gradient changed by y (d,) along s (d,), where s·y > 0."""

    @abstractmethod
    def _holds_all(self, model: Any) -> bool:
        """Whether no curvature was forgotten: exact searches then end a quadratic function in d steps."""

    @abstractmethod
    def _aim(self, state: LineState, probed: Floats | None) -> LineState:
        """Set ``target``, within the bounds and downhill of x; or ``probe``, where a gradient is needed first.

        ``probed`` is the gradient at the last ``state.probe`` from this x, NaN where it failed; None before the first.
        """

    def init(self, problem: Problem, seed: int) -> LineState:
        """Stand in the middle of the bounds; there is nothing random."""
        require(self, problem)
        if problem.minibatches is not None:
            raise IncompatibleProblem(
                f"{type(self).__name__} needs values that can be compared, and minibatches give samples; change the "
                "problem, or choose another optimizer"
            )
        x = problem.columns.neutral
        unknown = np.full_like(x, np.nan)
        return LineState(problem.columns, x, float("nan"), unknown, self._nothing(len(x)), x)

    def ask(self, state: LineState, n: int, pending: Candidates) -> tuple[Candidates, LineState]:
        """Propose the next point on the line; nothing while it is pending, or at the end."""
        if state.ended or state.evaluation in pending.slot:
            return Candidates.none(state.columns), state
        x = state.x if state.probe is None else state.probe
        if state.search is not None:
            alpha = state.search.alpha
            x = state.target if alpha == 1 else x + alpha * (state.target - x)  # so that a bound is met exactly
            x = np.clip(x, state.columns.low, state.columns.high)
        return Candidates.at(state.columns, x[None], np.array([state.evaluation])), state

    def tell(self, state: LineState, evaluations: Evaluations) -> LineState:
        """Take in the point that was asked for, or a better start."""
        own = np.flatnonzero(evaluations.candidates.slot == state.evaluation)
        if len(own):
            state = replace(state, evaluation=state.evaluation + 1, begun=True)
            return self._told(state, evaluations.take(own[:1]))
        foreign = np.flatnonzero((evaluations.candidates.slot < 0) & evaluations.complete)
        if state.begun or not len(foreign):
            return state
        best = foreign[[np.argmin(evaluations.value[foreign, 0])]]
        if evaluations.value[best[0], 0] >= state.value:
            return state
        state = replace(state, evaluation=state.evaluation + 1, search=None, probe=None)
        return self._told(state, evaluations.take(best))

    def stop(self, state: LineState) -> str:
        """Stop where the gradient vanishes, or where no lower point is found."""
        return state.ended

    def _told(self, state: LineState, told: Evaluations) -> LineState:
        """Advance the search by one evaluation."""
        complete = bool(told.complete[0])
        if complete and told.gradient is None:
            raise InvalidProblem(
                f"{type(self).__name__} was told a value without its gradient; tell gradient= with every value"
            )
        x, value = told.candidates.x[0], float(told.value[0, 0])
        gradient = told.gradient[0, 0] if complete and told.gradient is not None else np.full_like(x, np.nan)
        if state.probe is not None:
            return self._begin_line(state, gradient)
        if state.search is None:
            if complete:
                return self._begin_line(replace(state, x=x, value=value, gradient=gradient))
            reason = "the objective failed at the starting point: see its error, or give another start with initial="
            return replace(state, ended=reason)
        with np.errstate(over="ignore", invalid="ignore"):
            slope = float(gradient @ (state.target - state.x))
        search = self.search.advance(state.search, value, slope, exact=self._holds_all(state.model))
        if search.accepted:
            return self._accept(state, x, value, gradient)
        if search.failed:
            return self._forget(state, search.failed)
        return replace(state, search=search)

    def _accept(self, state: LineState, x: Floats, value: float, gradient: Floats) -> LineState:
        """Move to x, and learn from the way there."""
        s, y, model = x - state.x, gradient - state.gradient, state.model
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            if s @ y > np.finfo(float).eps * abs(s @ state.gradient) and np.isfinite(y @ y):
                model = self._learn(model, s, y)
        lost = state.value - value <= np.finfo(float).eps * max(abs(state.value), abs(value))
        state = replace(state, x=x, value=value, gradient=gradient, model=model, search=None)
        if lost and _steepness(state) > self.tolerance:
            return self._end(state, "the decrease is lost in rounding")
        return self._begin_line(state)

    def _begin_line(self, state: LineState, probed: Floats | None = None) -> LineState:
        """Choose where to go from x, or see that this is the end."""
        if _steepness(state) <= self.tolerance:
            return replace(state, ended=f"the projected gradient is within the tolerance {self.tolerance:g}")
        with np.errstate(all="ignore"):  # of a model that overflows the target is of no use, which the search finds
            try:
                state = self._aim(state, probed)
            except np.linalg.LinAlgError:
                return self._forget(state, "the model of the curvature is singular")
            if state.probe is not None:
                return state
            d = state.target - state.x
            guess = state.columns.bounded and self._is_nothing(state.model)  # to learn is better than to go on
            most = 1.0 if guess else _room(state, d)
            search = self.search.begin(state.value, float(state.gradient @ d), 1.0, most)
        state = replace(state, search=search)
        return self._forget(state, search.failed) if search.failed else state

    def _forget(self, state: LineState, reason: str) -> LineState:
        """Begin again from x without a model, unless that was just tried."""
        if not self._is_nothing(state.model):
            return self._begin_line(replace(state, model=self._nothing(len(state.x)), search=None))
        return self._end(state, reason)

    def _end(self, state: LineState, reason: str) -> LineState:
        return replace(state, ended=f"{reason}; the projected gradient is {_steepness(state):.2g}")


def _steepness(state: LineState) -> float:
    """Largest component of the projected gradient P(x − g) − x."""
    with np.errstate(over="ignore"):
        step = np.clip(state.x - state.gradient, state.columns.low, state.columns.high) - state.x
    return float(np.abs(step).max())


def _room(state: LineState, d: Floats) -> float:
    """Largest step along d within the bounds."""
    bound = np.where(d > 0, state.columns.high, state.columns.low)
    with np.errstate(divide="ignore", invalid="ignore"):
        room = np.where(d == 0, np.inf, (bound - state.x) / d)
    return max(1.0, float(room.min()))
