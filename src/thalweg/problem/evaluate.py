"""Computing what candidates are worth: the one place where user code is called, and its answers are checked."""

import time
import traceback
from collections.abc import Sequence
from typing import Any

import numpy as np

from thalweg.arrays import Floats
from thalweg.errors import InvalidProblem, ThalwegError
from thalweg.problem.candidates import Candidates, Evaluations, Status
from thalweg.problem.differentiate import value_and_gradient
from thalweg.problem.problem import Need, Problem

__all__ = ["evaluate", "failure", "judge"]


def evaluate(problem: Problem, candidates: Candidates, need: Need = Need.VALUE) -> Evaluations:
    """Compute values, violations and, where needed, gradients of candidates.

    A maximized objective is negated here, and only here. A row fails, with its reason in words, when the user's function
    raises, or returns something that is not the right number of finite numbers; the other rows are not touched by that.

    Args:
        problem: What to compute.
        candidates: n points.
        need: Whether gradients are wanted.

    Returns:
        The evaluations of all n candidates.
    """
    if problem.vectorized and problem.minibatches is None:
        return _evaluate(problem, candidates, need)
    parts = [_evaluate(problem, candidates.take(slice(i, i + 1)), need) for i in range(len(candidates))]
    return _stack(problem, candidates, parts, need)


def judge(
    problem: Problem,
    candidates: Candidates,
    value: Any,
    violation: Sequence[Any] = (),
    gradient: Any = None,
    seconds: float = 0.0,
) -> Evaluations:
    """Turn what a user's functions answered for n candidates into evaluations.

    Args:
        problem: What was computed.
        candidates: The n points.
        value: The objective's answer, in the user's sign.
        violation: The answer of each constraint.
        gradient: The partial derivatives in the form of a configuration, or None.
        seconds: Time spent on all of them.

    Raises:
        InvalidProblem: An answer is not the right number of numbers. Numbers that are not finite are failed rows instead.
    """
    n = len(candidates)
    values = _as_numbers(value, n, problem.objectives, "the objective") * problem.signs
    if len(violation) != len(problem.constraints):
        raise InvalidProblem(f"got {len(violation)} constraint values, expected {len(problem.constraints)}")
    violations = np.empty((n, len(problem.constraints)))
    for j, answer in enumerate(violation):
        if np.asarray(answer).dtype == np.bool_:
            raise InvalidProblem(f"constraint {j} returned a truth value, expected a number: ≤ 0 where it holds")
        violations[:, j] = _as_numbers(answer, n, 1, f"constraint {j}")[:, 0]
    partials = None if gradient is None else _as_gradient(problem, gradient, n) * problem.signs[0]
    good = np.isfinite(values).all(axis=1) & ~np.isnan(violations).any(axis=1)
    if partials is not None:
        good &= np.isfinite(partials).all(axis=(1, 2))
    errors = {}
    if not good.all():
        errors = {i: _not_finite(values[i], violations[i]) for i in np.flatnonzero(~good).tolist()}
        values[~good], violations[~good] = np.nan, np.nan
    status = np.where(good, int(Status.COMPLETE), int(Status.FAILED))
    return Evaluations(candidates, values, partials, violations, np.full(n, seconds / max(n, 1)), status, errors)


def failure(
    problem: Problem, candidates: Candidates, error: str, status: Status = Status.FAILED, seconds: float = 0.0
) -> Evaluations:
    """Make the evaluations of n candidates that all failed for one reason, in words."""
    return Evaluations.failed(candidates, problem.objectives, len(problem.constraints), error, status, seconds)


def _evaluate(problem: Problem, candidates: Candidates, need: Need) -> Evaluations:
    """Call the user's functions once: with one configuration, or with all of them where they are vectorized."""
    started, gradient = time.perf_counter(), None
    try:
        batch = () if problem.minibatches is None else problem.minibatches.at(int(candidates.minibatch[0]))
        if need & Need.GRADIENT and problem.gradient is not None:
            arguments = (_point(problem, candidates), *batch)
            value, gradient = value_and_gradient(problem.objective, problem.gradient, arguments)
        else:
            value = problem.objective(_point(problem, candidates), *batch)
        violation = [constraint(_point(problem, candidates)) for constraint in problem.constraints]
        return judge(problem, candidates, value, violation, gradient, time.perf_counter() - started)
    except Exception as error:  # whatever the user's function raises is a failed trial
        return _raised(problem, candidates, error, time.perf_counter() - started)


def _point(problem: Problem, candidates: Candidates) -> Any:
    """Decode what one user's function is given: each has its own, which it may change."""
    if not problem.vectorized:
        return problem.space.decode(candidates.x, candidates.active)[0]
    if problem.space.bare:
        return candidates.x.copy()
    return problem.space.decode_columns(candidates.x, candidates.active)


def _as_numbers(answer: Any, n: int, m: int, who: str) -> Floats:
    expected = ("one number" if m == 1 else f"{m} numbers") + ("" if n == 1 else f" for each of {n} points")
    try:
        numbers = np.array(answer, dtype=np.float64)
    except (TypeError, ValueError):
        numbers = None
    if numbers is None or answer is None or isinstance(answer, str | bytes):  # "0.5" is a mistake, not a number
        raise InvalidProblem(f"{who} returned {_short(answer)}, expected {expected}")
    if numbers.size != n * m or (n > 1 and numbers.shape[0] != n):
        raise InvalidProblem(f"{who} returned an array of shape {numbers.shape}, expected {expected}")
    return numbers.reshape(n, m)


def _as_gradient(problem: Problem, partials: Any, n: int) -> Floats:
    if isinstance(partials, dict):
        missing = problem.space.dimensions.keys() - partials.keys()
        if missing:
            raise InvalidProblem(f"the gradient lacks the partial derivative of {', '.join(sorted(missing))}")
        blocks = [np.asarray(partials[name], float).reshape(n, -1) for name in problem.space.dimensions]
        partials = np.concatenate(blocks, axis=1)
    numbers = np.array(partials, dtype=np.float64)
    if numbers.size != n * problem.columns.dim:
        raise InvalidProblem(
            f"the gradient has shape {numbers.shape}, expected ({problem.columns.dim},)" + (f" × {n}" if n > 1 else "")
        )
    return numbers.reshape(n, 1, problem.columns.dim)


def _not_finite(value: Floats, violation: Floats) -> str:
    if not np.isfinite(value).all():
        return f"the objective is not finite: {value.tolist()}"
    return (
        f"a constraint is not a number: {violation.tolist()}"
        if np.isnan(violation).any()
        else "the gradient is not finite"
    )


def _raised(problem: Problem, candidates: Candidates, error: Exception, seconds: float) -> Evaluations:
    place = traceback.extract_tb(error.__traceback__)[-1]
    where = "" if isinstance(error, ThalwegError) else f" (line {place.lineno} of {place.filename})"
    reason = f"{type(error).__name__}: {error}{where}"
    return failure(problem, candidates, reason, seconds=seconds)


def _stack(problem: Problem, candidates: Candidates, parts: list[Evaluations], need: Need) -> Evaluations:
    if len(parts) == 1:
        return parts[0]
    n, m, c = len(parts), problem.objectives, len(problem.constraints)
    gradient = None
    if need & Need.GRADIENT and problem.gradient is not None:
        missing = np.full((1, m, problem.columns.dim), np.nan)
        rows = [missing if part.gradient is None else part.gradient for part in parts]
        gradient = np.concatenate([missing[:0], *rows])
    return Evaluations(
        candidates,
        np.array([part.value[0] for part in parts]).reshape(n, m),
        gradient,
        np.array([part.violation[0] for part in parts]).reshape(n, c),
        np.array([part.cost[0] for part in parts], float),
        np.array([part.status[0] for part in parts], np.int64),
        {i: part.errors[0] for i, part in enumerate(parts) if part.errors},
    )


def _short(answer: object) -> str:
    text = repr(answer)
    return (
        f"{text[:60]}… of type {type(answer).__name__}" if len(text) > 60 else f"{text} of type {type(answer).__name__}"
    )
