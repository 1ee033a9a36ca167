"""Functions of two objectives with known Pareto fronts: ZDT1 to 4 and ZDT6.

All are f₂ = g(x) h(f₁, g), where f₁ is a function of x₁ and g of the other components: f₁ = x₁ and
g(x) = 1 + 9/(d-1) Σᵢ₌₂ᵈ xᵢ on the unit cube, but for ZDT4 (another g) and ZDT6 (both). Their Pareto-optimal points have
x₂ = … = x_d = 0, so g = 1 and the front lies on the curve f₂ = h(f₁, 1).
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from thalweg.arrays import Floats
from thalweg.errors import InvalidSettings
from thalweg.problem.functions.benchmark import Benchmark, row_sums
from thalweg.space import Box, Space

__all__ = ["zdt1", "zdt2", "zdt3", "zdt4", "zdt6"]

Part = Callable[[Floats], Floats]
Shape = Callable[[Floats, Floats], Floats]


def zdt1(dim: int = 30) -> Benchmark:
    r"""Make ZDT1, whose front is convex.

    .. math:: h(f_1, g) = 1 - \sqrt{f_1 / g}, \qquad 0 \le x_i \le 1

    Args:
        dim: Number of components d ≥ 2.

    Raises:
        InvalidSettings: There are fewer than two components.

    Example:
        >>> zdt1(dim=3)([0.25, 0.0, 0.0])
        array([0.25, 0.5 ])
        >>> zdt1().front(3)[:, 0]
        array([0. , 0.5, 1. ])

    Reference:
        E. Zitzler, K. Deb, L. Thiele, Comparison of Multiobjective Evolutionary Algorithms: Empirical
        Results, Evolutionary Computation 8(2):173-195, 2000.
    """
    return _zdt("zdt1", dim, _convex, _WHOLE)


def zdt2(dim: int = 30) -> Benchmark:
    r"""Make ZDT2, whose front is concave: no weighted sum of the objectives finds its interior.

    .. math:: h(f_1, g) = 1 - (f_1 / g)^2, \qquad 0 \le x_i \le 1

    Args:
        dim: Number of components d ≥ 2.

    Raises:
        InvalidSettings: There are fewer than two components.

    Example:
        >>> zdt2(dim=3)([0.5, 0.0, 0.0])
        array([0.5 , 0.75])

    Reference:
        As for :func:`zdt1`.
    """
    return _zdt("zdt2", dim, _concave, _WHOLE)


def zdt3(dim: int = 30) -> Benchmark:
    r"""Make ZDT3, whose front is in five separate pieces.

    .. math:: h(f_1, g) = 1 - \sqrt{f_1 / g} - (f_1 / g) \sin(10 \pi f_1), \qquad 0 \le x_i \le 1

    Args:
        dim: Number of components d ≥ 2.

    Raises:
        InvalidSettings: There are fewer than two components.

    Example:
        >>> zdt3().front(4).round(4)
        array([[ 0.    ,  1.    ],
               [ 0.1878,  0.6369],
               [ 0.4279,  0.0168],
               [ 0.8518, -0.7734]])

    Reference:
        As for :func:`zdt1`.
    """
    return _zdt("zdt3", dim, _disconnected, _FIVE_PIECES)


def zdt4(dim: int = 10) -> Benchmark:
    r"""Make ZDT4, which has the front of ZDT1 and, with ten components, 21⁹ local ones.

    .. math:: g(x) = 1 + 10 (d - 1) + \sum_{i=2}^d \left[x_i^2 - 10 \cos 4 \pi x_i\right], \qquad
              h(f_1, g) = 1 - \sqrt{f_1 / g}, \qquad 0 \le x_1 \le 1, \; -5 \le x_i \le 5

    Args:
        dim: Number of components d ≥ 2.

    Raises:
        InvalidSettings: There are fewer than two components.

    Example:
        >>> zdt4(dim=3)([0.25, 0.0, 0.5]).round(3)
        array([0.25 , 0.691])

    Reference:
        As for :func:`zdt1`.
    """
    low, high = np.full(dim, -5.0), np.full(dim, 5.0)
    low[:1], high[:1] = 0.0, 1.0
    return _zdt("zdt4", dim, _convex, _WHOLE, g=_many_valleys, low=low, high=high)


def zdt6(dim: int = 10) -> Benchmark:
    r"""Make ZDT6, whose concave front is hard to reach and covered unevenly: most x₁ map to f₁ near 1.

    .. math:: f_1 = 1 - e^{-4 x_1} \sin^6 6 \pi x_1, \qquad
              g(x) = 1 + 9 \left[\frac{1}{d-1} \sum_{i=2}^d x_i\right]^{1/4}, \qquad
              h(f_1, g) = 1 - (f_1 / g)^2, \qquad 0 \le x_i \le 1

    Args:
        dim: Number of components d ≥ 2.

    Raises:
        InvalidSettings: There are fewer than two components.

    Example:
        >>> zdt6(dim=3)([0.0, 0.0, 0.0])
        array([1., 0.])
        >>> zdt6().front(2).round(4)
        array([[0.2808, 0.9212],
               [1.    , 0.    ]])

    Reference:
        As for :func:`zdt1`.
    """
    return _zdt("zdt6", dim, _concave, _FROM_THE_FIRST_PEAK, first=_wave, g=_steep)


_WHOLE = np.array([[0.0, 1.0]])
# Each piece ends where h(f₁, 1) has a local minimum, and the next begins where h falls below that again.
# The beginnings themselves, but for the first, equal the end before them in f₂ and so are dominated by it.
_FIVE_PIECES = np.array(
    [
        [0.0, 0.08300153492691163],
        [0.1822287280293998, 0.2577623633878302],
        [0.4093136748086568, 0.4538821040888302],
        [0.6183967944392658, 0.6525117038046625],
        [0.8233317983266328, 0.8518328654364139],
    ]
)


def _wave(x: Floats) -> Floats:
    sixth = np.sin(6 * np.pi * x) ** 6
    f1: Floats = 1 - np.exp(-4 * x) * sixth
    return f1


# f₁ of ZDT6 is least where its derivative vanishes first: tan 6πx₁ = 9π.
_FROM_THE_FIRST_PEAK = np.array([[float(_wave(np.arctan(9 * np.pi) / (6 * np.pi))), 1.0]])


def _itself(x: Floats) -> Floats:
    return x


def _slope(rest: Floats) -> Floats:
    g: Floats = 1 + 9 * row_sums(rest) / rest.shape[-1]
    return g


def _many_valleys(rest: Floats) -> Floats:
    # 10 − 10 cos 4πx = 20 sin² 2πx has no rounding of its own at 0, where the front is.
    valleys: Floats = rest**2 + 20 * np.sin(2 * np.pi * rest) ** 2
    return 1 + row_sums(valleys)


def _steep(rest: Floats) -> Floats:
    g: Floats = 1 + 9 * np.sqrt(np.sqrt(row_sums(rest) / rest.shape[-1]))
    return g


def _zdt(
    name: str,
    dim: int,
    shape: Shape,
    pieces: Floats,
    *,
    first: Part = _itself,
    g: Part = _slope,
    low: float | Floats = 0.0,
    high: float | Floats = 1.0,
) -> Benchmark:
    if dim < 2:
        raise InvalidSettings(f"{name} needs dim ≥ 2, one component for each of f₁ and g; got dim={dim}")
    return Benchmark(
        name=f"{name}-{dim}",
        space=Space(Box(low, high, dim)),
        function=partial(_objectives, first, g, shape),
        optimum=None,
        minimizers=np.empty((0, dim)),
        front=partial(_front, shape, pieces),
    )


def _objectives(first: Part, g: Part, shape: Shape, x: Floats) -> Floats:
    f1, rest = first(x[:, 0]), g(x[:, 1:])
    return np.stack([f1, rest * shape(f1, rest)], axis=-1)


def _front(shape: Shape, pieces: Floats, n: int) -> Floats:
    """Spread n points evenly in f₁ over half-open pieces (begin, end], the first of them closed."""
    end = np.cumsum(pieces[:, 1] - pieces[:, 0])
    along = np.linspace(0, end[-1], n)
    piece = np.searchsorted(end, along, side="left")
    first = pieces[piece, 1] - (end[piece] - along)
    return np.stack([first, shape(first, np.ones(n))], axis=-1)


def _convex(first: Floats, g: Floats) -> Floats:
    return 1 - np.sqrt(first / g)


def _concave(first: Floats, g: Floats) -> Floats:
    return 1 - (first / g) ** 2


def _disconnected(first: Floats, g: Floats) -> Floats:
    return 1 - np.sqrt(first / g) - first / g * np.sin(10 * np.pi * first)
