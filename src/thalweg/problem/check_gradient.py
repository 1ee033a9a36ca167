"""Is a gradient right? Compare it with differences of the objective.

L. F. Richardson, "The deferred approach to the limit", 1927. Choosing among many steps by an error estimate: C. J. F.
Ridders, "Accurate computation of F'(x) and F'(x)F''(x)", Advances in Engineering Software 4(2), 1982.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np

from thalweg.arrays import Bools, Floats, Ints
from thalweg.errors import InvalidProblem
from thalweg.problem.candidates import Candidates
from thalweg.problem.evaluate import evaluate
from thalweg.problem.problem import Need, Problem
from thalweg.space import Box, Configuration, Float, Space

__all__ = ["GradientCheck", "check_gradient"]

STEPS = 10.0 ** -np.arange(1, 8)  # h in units of max(1, |x|) and of |x|
DOUBT = 10.0  # a difference may be wrong by so many times its estimated error


@final
@dataclass(frozen=True)
class GradientCheck:
    """Partial derivatives (d,) as the gradient gives them, and as the objective's differences say.

    Attributes:
        names: What each coordinate is called.
        given: By the gradient.
        measured: By differences; NaN where the objective has no values around the point.
        uncertainty: Estimated error of ``measured``; inf where that is NaN.
        wrong: Where the two contradict each other.
    """

    names: tuple[str, ...]
    given: Floats
    measured: Floats
    uncertainty: Floats
    wrong: Bools

    @property
    def unsure(self) -> tuple[str, ...]:
        """The coordinates whose differences are too uncertain to have noticed an error of the size of the derivative."""
        return tuple(self.names[i] for i in np.flatnonzero(~(DOUBT * self.uncertainty < np.abs(self.measured))))


def check_gradient(
    objective: Callable[..., Any] | Problem,
    gradient: Callable[..., Any] | Literal["torch"] | None = None,
    x: Configuration | None = None,
    *,
    tolerance: float = 1e-4,
) -> GradientCheck:
    """Compare a gradient with central differences of its objective at one point, coordinate by coordinate.

    D(h) = (f(x + h eᵢ) − f(x − h eᵢ)) / 2h is computed for steps h over many magnitudes, and extrapolated from each step to
    the next. How far the extrapolation moves, and the rounding of f, are its error; the two most certain steps count. A
    coordinate that drowns in the rounding of the others raises no alarm: it is ``unsure``.

    Args:
        objective: A function, or a :class:`Problem` with a gradient.
        gradient: The function's gradient, or ``"torch"``; left out for a Problem.
        x: The point, an array (d,) or a dict, away from bounds and kinks; the middle of a Problem's bounds where it is None.
        tolerance: Relative error of a derivative that is allowed.

    Returns:
        Both gradients, when they agree.

    Raises:
        InvalidProblem: The gradient is wrong; the text names the coordinate and both numbers. Or it cannot be computed.

    Example:
        >>> f = lambda x: x[0] ** 2 + np.sin(x[1])
        >>> check_gradient(f, lambda x: [2 * x[0], np.cos(x[1])], [1.0, 0.0]).measured.round(6)
        array([2., 1.])
        >>> check_gradient(f, lambda x: [2 * x[0], np.sin(x[1])], [1.0, 0.0])
        Traceback (most recent call last):
        ...
        thalweg.errors.InvalidProblem: the gradient is wrong in x[1]: it says 0, and differences of the objective say 1
    """
    problem = objective if isinstance(objective, Problem) else _problem(objective, gradient, x)
    if problem.gradient is None or (problem is objective and gradient is not None):
        raise InvalidProblem("check_gradient takes a function and its gradient, or a Problem that has one")
    columns = problem.columns
    row = columns.neutral if x is None else problem.space.encode([x])[0][0]
    told = evaluate(problem, _at(problem, row[None]), Need.VALUE | Need.GRADIENT)
    if not told.complete[0] or told.gradient is None:
        raise InvalidProblem(f"the gradient cannot be checked at {row}: {told.errors.get(0, 'there is none')}")
    sign = problem.signs[0]
    given: Floats = sign * told.gradient[0, 0]
    measured, error = np.full(len(row), np.nan), np.full(len(row), np.inf)
    wrong = np.zeros(len(row), dtype=np.bool_)
    for i in range(len(row)):
        derivatives, errors = _differences(problem, row, i)
        derivatives, off = sign * derivatives, np.abs(sign * derivatives - given[i])
        allowed = tolerance * np.maximum(abs(given[i]), np.abs(derivatives)) + DOUBT * errors
        if len(errors):
            measured[i], error[i], wrong[i] = derivatives[0], errors[0], (off > allowed).all()
    result = GradientCheck(tuple(problem.space.column_names), given, measured, error, wrong)
    if wrong.any():
        raise InvalidProblem(_complaint(result))
    return result


def _problem(objective: Callable[..., Any], gradient: Any, x: Configuration | None) -> Problem:
    """Make a problem of a function, with the space that its argument spans."""
    if x is None:
        raise InvalidProblem("check_gradient needs the point x at which a function and its gradient are compared")
    if not isinstance(x, Mapping):
        return Problem(objective, Box(dim=np.size(x)), gradient=gradient)
    largest = 1e300  # a Float needs bounds
    space = {name: Box(dim=np.size(v)) if np.ndim(v) else Float(-largest, largest) for name, v in x.items()}
    return Problem(objective, Space(space), gradient=gradient)


def _at(problem: Problem, rows: Floats) -> Candidates:
    slot: Ints = np.zeros(len(rows), dtype=np.int64)  # the same for all: the same minibatch
    return Candidates.at(problem.columns, rows, slot)


def _differences(problem: Problem, row: Floats, i: int) -> tuple[Floats, Floats]:
    """Give up to two derivatives (2,) by column i, the more certain first, and their errors (2,)."""
    scales = np.unique([max(1.0, abs(row[i])), abs(row[i]) or 1.0])
    derivatives, errors = [], []
    for scale in scales:
        h = scale * STEPS
        rows = np.tile(row, (2 * len(h), 1))
        rows[:, i] += np.concatenate([h, -h])
        told = evaluate(problem, _at(problem, rows))
        value = told.value[:, 0]
        ahead, behind = value[: len(h)], value[len(h) :]
        width = rows[: len(h), i] - rows[len(h) :, i]  # as it was rounded
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            D = (ahead - behind) / width
            rounding = np.finfo(float).eps * (np.abs(ahead) + np.abs(behind)) / width
            extrapolated = D[1:] + (D[1:] - D[:-1]) / 99  # h² falls to a hundredth from each step to the next
            derivatives.append(extrapolated)
            errors.append(np.abs(extrapolated - D[1:]) + np.abs(D[1:] - D[:-1]) / 99 + rounding[1:])
    derivative, error = np.concatenate(derivatives), np.concatenate(errors)
    usable = np.flatnonzero(np.isfinite(error))
    best = usable[np.argsort(error[usable], kind="stable")][:2]
    return derivative[best], error[best]


def _complaint(result: GradientCheck) -> str:
    off = np.abs(result.given - result.measured) / np.maximum(np.abs(result.given), np.abs(result.measured))
    at = np.flatnonzero(result.wrong)
    worst = at[np.argmax(off[at])]
    also = "" if len(at) == 1 else f", and in {len(at) - 1} more of {len(result.names)} coordinates"
    return (
        f"the gradient is wrong in {result.names[worst]}: it says {result.given[worst]:.6g}, "
        f"and differences of the objective say {result.measured[worst]:.6g}{also}"
    )
