"""The simplex method of Nelder and Mead.

J. A. Nelder, R. Mead, "A simplex method for function minimization", The Computer Journal 7(4), 1965, with the parameters of
F. Gao, L. Han, "Implementing the Nelder-Mead simplex algorithm with adaptive parameters", Computational Optimization and
Applications 51, 2012.
"""

from dataclasses import replace
from typing import ClassVar, final

import numpy as np

from thalweg.arrays import Floats
from thalweg.errors import InvalidSettings
from thalweg.optimizers.base import Capabilities, Optimizer, require
from thalweg.problem import Candidates, Evaluations, Problem
from thalweg.serial import frozen
from thalweg.space import Columns

__all__ = ["NelderMead", "SimplexState"]


@final
@frozen
class SimplexState:
    """A simplex of d + 1 corners, best first, and what is waited for: values of corners, or of one trial point."""

    columns: Columns
    corners: Floats  # (d + 1, d) in the unit cube where every column has bounds, else in natural units
    value: Floats  # (d + 1,) NaN where it is waited for, inf where it failed
    step: str = "corners"  # or "reflection", "expansion", "outside contraction", "inside contraction"
    slot: int = 0  # of the trial; of the first corner
    begun: bool = False  # whether a point of our own was evaluated
    trial: Floats | None = None  # (d,)
    reflected: Floats | None = None  # (d,) x_r
    reflected_value: float = float("nan")  # f_r
    ended: str = ""


@final
@frozen
class NelderMead(Optimizer[SimplexState]):
    """Reflect the worst corner of a simplex, expand or contract it, or shrink all towards the best one.

    The simplex adapts to the landscape without gradients: for a few columns, and functions whose values can be
    compared. The corners of the first simplex, and of one that shrinks, may be evaluated in parallel. It begins in the
    middle of the bounds, at 0 where there are none, or at the best of the points that it is told before its own first
    one. Points that leave the bounds are put back onto them.

    Args:
        size: Length of the first edges as a share of each range; of max(1, |x|) where a column has no bounds.
        tolerance: Length of the edges, in the same units, at which it is done.

    Raises:
        InvalidSettings: A setting is out of its range.

    Example:
        >>> import thalweg as tw
        >>> from thalweg.problem.functions import rosenbrock
        >>> f = rosenbrock(dim=2)
        >>> result = tw.minimize(f, f.space, optimizer=NelderMead(), initial=[[-1.2, 1.0]])
        >>> result.best.params.round(6)
        array([1., 1.])
    """

    size: float = 0.1
    tolerance: float = 1e-8

    capabilities: ClassVar[Capabilities] = Capabilities(
        integers=False, categories=False, conditions=False, unbounded=True, terminates=True
    )

    def __post_init__(self) -> None:
        """Check the settings."""
        if not 0 < self.size <= 0.5:
            raise InvalidSettings(f"NelderMead: size={self.size}, expected a number in (0, 0.5]")
        if not 0 < self.tolerance < self.size:
            raise InvalidSettings(f"NelderMead: tolerance={self.tolerance}, expected a number in (0, size={self.size})")

    def init(self, problem: Problem, seed: int) -> SimplexState:
        """Span the first simplex; there is nothing random."""
        require(self, problem)
        columns = problem.columns
        corners = self._span(columns, columns.neutral)
        return SimplexState(columns, corners, np.full(len(corners), np.nan))

    def ask(self, state: SimplexState, n: int, pending: Candidates) -> tuple[Candidates, SimplexState]:
        """Propose corners without a value, or the one trial; what is pending is not proposed again."""
        if state.ended:
            return Candidates.none(state.columns), state
        missing = np.flatnonzero(np.isnan(state.value)) if state.trial is None else np.zeros(1, dtype=np.int64)
        slots = state.slot + missing
        chosen = np.flatnonzero(~np.isin(slots, pending.slot))[:n]
        points = state.corners[missing] if state.trial is None else state.trial[None]
        return Candidates.at(state.columns, _rows(state.columns, points[chosen]), slots[chosen]), state

    def tell(self, state: SimplexState, evaluations: Evaluations) -> SimplexState:
        """Take in what was asked for, or a better start."""
        value = np.where(evaluations.complete, evaluations.value[:, 0], np.inf)
        foreign = np.flatnonzero((evaluations.candidates.slot < 0) & evaluations.complete)
        if len(foreign) and not state.begun:
            best = foreign[np.argmin(value[foreign])]
            if not value[best] >= state.value[0]:
                state = self._restart(state, evaluations.candidates.x[best], float(value[best]))
        if state.trial is not None:
            own = np.flatnonzero(evaluations.candidates.slot == state.slot)
            return self._judge(state, float(value[own[0]])) if len(own) else state
        corner = evaluations.candidates.slot - state.slot
        own = np.flatnonzero((corner >= 0) & (corner < len(state.corners)) & (evaluations.candidates.slot >= 0))
        own = own[np.isnan(state.value[corner[own]])]
        if not len(own):
            return state
        told = state.value.copy()
        told[corner[own]] = value[own]
        state = replace(state, value=told, begun=True)
        if np.isnan(told).any():
            return state
        if np.isinf(told).all():
            return replace(state, ended="the objective failed at every corner: see the error of one of them")
        return self._reflect(replace(state, slot=state.slot + len(told)))

    def stop(self, state: SimplexState) -> str:
        """Stop where the simplex is small."""
        return state.ended

    def _restart(self, state: SimplexState, row: Floats, value: float) -> SimplexState:
        """Span another first simplex at a row with a value, under slots that were not used."""
        corners = self._span(state.columns, row)
        known = np.concatenate([[value], np.full(len(row), np.nan)])
        return replace(state, corners=corners, value=known, slot=state.slot + len(corners))

    def _span(self, columns: Columns, row: Floats) -> Floats:
        """Make a start and one corner along each column from there, inwards where the bound is near."""
        start = columns.to_unit(row[None])[0] if columns.bounded else row
        edge = self.size * _unit(columns, start)
        high = np.ones_like(start) if columns.bounded else columns.high
        return np.concatenate([start[None], start + np.diag(np.where(start + edge > high, -edge, edge))])

    def _reflect(self, state: SimplexState) -> SimplexState:
        """Sort the corners, and begin with the worst one; or see that this is the end."""
        best_first = np.argsort(state.value, kind="stable")
        corners, value = state.corners[best_first], state.value[best_first]
        state = replace(state, corners=corners, value=value, step="corners", trial=None)
        edges = np.abs(corners[1:] - corners[0]) / _unit(state.columns, corners[0])
        if edges.max() <= self.tolerance:
            return replace(state, ended=f"the simplex has shrunk to the tolerance {self.tolerance:g}")
        return _try(state, "reflection", 1.0)

    def _judge(self, state: SimplexState, value: float) -> SimplexState:
        """Take in the trial's value, and go on as in the paper."""
        n = max(2, len(state.corners) - 1)  # in one dimension the paper's δ is 0: a simplex without extent
        beta, gamma, delta = 1 + 2 / n, 0.75 - 1 / (2 * n), 1 - 1 / n
        f, trial = state.value, state.trial
        state = replace(state, slot=state.slot + 1)
        if state.step == "reflection":
            state = replace(state, reflected=trial, reflected_value=value)
            if value < f[0]:
                return _try(state, "expansion", beta)
            if value < f[-2]:
                return self._replace_worst(state, trial, value)
            return (
                _try(state, "outside contraction", gamma)
                if value < f[-1]
                else _try(state, "inside contraction", -gamma)
            )
        if state.step == "expansion":
            better = value < state.reflected_value
            return self._replace_worst(state, *((trial, value) if better else (state.reflected, state.reflected_value)))
        if value < f[-1] if state.step == "inside contraction" else value <= state.reflected_value:
            return self._replace_worst(state, trial, value)
        corners = state.corners[0] + delta * (state.corners - state.corners[0])
        waiting = np.concatenate([f[:1], np.full(len(f) - 1, np.nan)])
        return replace(state, corners=corners, value=waiting, step="corners", trial=None)

    def _replace_worst(self, state: SimplexState, corner: Floats | None, value: float) -> SimplexState:
        corners, values = state.corners.copy(), state.value.copy()
        corners[-1], values[-1] = corner, value
        return self._reflect(replace(state, corners=corners, value=values))


def _try(state: SimplexState, step: str, factor: float) -> SimplexState:
    """Propose x̄ + factor (x̄ − x_worst), where x̄ is the centre of the other corners."""
    centre = state.corners[:-1].mean(axis=0)
    low, high = (0.0, 1.0) if state.columns.bounded else (state.columns.low, state.columns.high)
    return replace(state, step=step, trial=np.clip(centre + factor * (centre - state.corners[-1]), low, high))


def _unit(columns: Columns, point: Floats) -> Floats:
    """(d,) lengths in which edges are measured."""
    return np.ones_like(point) if columns.bounded else np.maximum(1.0, np.abs(point))


def _rows(columns: Columns, points: Floats) -> Floats:
    return columns.from_unit(points) if columns.bounded else points
