"""A test function: a value to compute, a space to search, and the known answer."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike

from thalweg.arrays import AnyArray, Floats
from thalweg.errors import InvalidProblem, InvalidSettings
from thalweg.space import Box, Configuration, Space

__all__ = ["Benchmark", "row_sums", "shifted"]


@final
@dataclass(frozen=True, eq=False)
class Benchmark:
    """Hold a test function with its space and its known optimum; call it like any function.

    On a :class:`~thalweg.space.Box` it takes one point (d,) and returns a number, or a batch (n, d) and
    returns (n,), each row to the last bit what it gives alone; with m > 1 objectives the last axis of the
    result is m. On any other space it takes one dict of parameters. An instance can be pickled, so it can be
    sent to other processes.

    Attributes:
        name: What a table calls it; the dimension is part of it where it may vary.
        space: Where it is searched.
        function: The formula, from rows (n, d) to (n,) or (n, m), or from a dict to a number.
        derivative: The exact gradient, from rows (n, d) to (n, d), or None.
        optimum: The least value over the space, or None where there are several objectives.
        minimizers: (k, d) the points where it is attained; (k,) dicts where the space is no Box; k = 0 for
            several objectives, whose answer is ``front``.
        front: Gives n points (n, m) of the true Pareto front, or None for a single objective.

    Example:
        >>> from thalweg.problem.functions import sphere
        >>> f = sphere(dim=3)
        >>> float(f([1.0, 2.0, 3.0])), f(np.ones((2, 3)))
        (14.0, array([3., 3.]))
    """

    name: str
    space: Space = field(repr=False)
    function: Callable[[Any], Any] = field(repr=False)
    optimum: float | None
    minimizers: AnyArray = field(repr=False)
    derivative: Callable[[Floats], Floats] | None = field(default=None, repr=False)
    front: Callable[[int], Floats] | None = field(default=None, repr=False)

    def __call__(self, x: Configuration) -> Any:
        """Compute the value of one configuration, or of a batch (n, d) of points of a Box.

        Raises:
            InvalidProblem: The points do not have the dimension of the space.
        """
        return self._by_rows(self.function, x) if self.space.bare else self.function(x)

    @property
    def gradient(self) -> Callable[[ArrayLike], Floats] | None:
        """The exact gradient, a function of one point (d,) or a batch (n, d); None where there is none.

        Example:
            >>> from thalweg.problem.functions import sphere
            >>> sphere(dim=3).gradient([1.0, 2.0, 3.0])
            array([2., 4., 6.])
        """
        return None if self.derivative is None else partial(self._by_rows, self.derivative)

    def _by_rows(self, function: Callable[[Floats], Floats], x: ArrayLike) -> Any:
        # A power of a NumPy scalar, or a sum in Fortran order, can differ in the last bit from the same in a
        # batch in C order: one point is therefore computed as a batch of one, and every batch in C order.
        points = np.asarray(x, dtype=np.float64, order="C")
        dim = self.space.columns.dim
        if points.ndim == 0 or points.shape[-1] != dim:
            raise InvalidProblem(
                f"{self.name} takes a point of shape ({dim},) or a batch (n, {dim}); got shape {points.shape}"
            )
        values = function(points.reshape(-1, dim))
        return values.reshape(points.shape[:-1] + values.shape[1:])[()]


def shifted(benchmark: Benchmark, offset: ArrayLike) -> Benchmark:
    """Move the optimum of a test function away from the centre of its box.

    The new function is g(x) = f(x - offset). Its box holds those x for which both x and x - offset lie in the
    old one: f is never asked outside its domain, where some functions (Schwefel's) have lower values, so the
    optimum stays known. A method that favours the centre or the origin of a box loses that advantage.

    Args:
        benchmark: A function of a Box with one objective.
        offset: One number, or one a component (d,); each minimizer z moves to z + offset.

    Raises:
        InvalidSettings: The function has no Box or several objectives, the offset has another length, or it
            would move every minimizer out of the box.

    Example:
        >>> from thalweg.problem.functions import rastrigin
        >>> f = shifted(rastrigin(dim=2), [1.5, -2.0])
        >>> f.minimizers, float(f([1.5, -2.0]))
        (array([[ 1.5, -2. ]]), 0.0)
    """
    if not benchmark.space.bare or benchmark.optimum is None:
        raise InvalidSettings(f"shifted needs a function of a Box with one objective; got {benchmark.name}")
    columns = benchmark.space.columns
    move = np.array(offset, dtype=np.float64)
    if move.shape not in ((), (columns.dim,)):
        raise InvalidSettings(
            f"the offset for {benchmark.name} must be one number or {columns.dim}; got shape {move.shape}"
        )
    low, high = np.maximum(columns.low, columns.low + move), np.minimum(columns.high, columns.high + move)
    minimizers = benchmark.minimizers + move
    inside = np.all((minimizers >= low) & (minimizers <= high), axis=1)
    if not inside.any():
        raise InvalidSettings(
            f"the offset {offset!r} moves every minimizer of {benchmark.name} out of its box; make it smaller"
        )
    return replace(
        benchmark,
        name=f"shifted-{benchmark.name}",
        space=Space(Box(low, high)),
        function=partial(_displaced, benchmark.function, move),
        derivative=None if benchmark.derivative is None else partial(_displaced, benchmark.derivative, move),
        minimizers=minimizers[inside],
    )


def row_sums(terms: Floats) -> Floats:
    """Add along the last axis."""
    sums: Floats = np.sum(terms, axis=-1)
    return sums


def _displaced(function: Callable[[Floats], Floats], offset: Floats, x: Floats) -> Floats:
    return function(x - offset)
