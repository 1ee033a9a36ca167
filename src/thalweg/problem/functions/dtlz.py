"""Functions of any number of objectives with known Pareto fronts: DTLZ1 (a plane) and DTLZ2 (a sphere).

The first m - 1 components say where on the front a point lies, the other k = d - m + 1 how far from it: Pareto-optimal
points have 0.5 in all of those, where g = 0.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from thalweg.arrays import Floats
from thalweg.errors import InvalidSettings
from thalweg.problem.functions.benchmark import Benchmark, row_sums
from thalweg.space import Box, Space

__all__ = ["dtlz1", "dtlz2"]


def dtlz1(dim: int = 7, objectives: int = 3) -> Benchmark:
    r"""Make DTLZ1, whose front is the plane Σ fᵢ = ½, and which has 11ᵏ - 1 local fronts parallel to it.

    .. math:: f_i = \tfrac12 (1 + g) \left[\prod_{j=1}^{m-i} x_j\right] (1 - x_{m-i+1}), \qquad
              g = 100 \left[k + \sum_{i=m}^d (x_i - \tfrac12)^2 - \cos 20 \pi (x_i - \tfrac12)\right]

    without the last factor for i = 1, and 0 ≤ xᵢ ≤ 1.

    Args:
        dim: Number of components d ≥ m; the paper takes m + 4.
        objectives: Number of objectives m ≥ 2.

    Raises:
        InvalidSettings: There are fewer than two objectives, or fewer components than objectives.

    Example:
        >>> dtlz1()([0.5, 0.2, 0.5, 0.5, 0.5, 0.5, 0.5])
        array([0.05, 0.2 , 0.25])

    Reference:
        K. Deb, L. Thiele, M. Laumanns, E. Zitzler, Scalable Multi-Objective Optimization Test Problems, CEC 2002.
    """
    return _dtlz("dtlz1", dim, objectives, _plane, _front_of_plane)


def dtlz2(dim: int = 12, objectives: int = 3) -> Benchmark:
    r"""Make DTLZ2, whose front is the part of the unit sphere where all objectives are positive.

    .. math:: f_i = (1 + g) \left[\prod_{j=1}^{m-i} \cos \tfrac{\pi}{2} x_j\right] \sin \tfrac{\pi}{2} x_{m-i+1}, \qquad
              g = \sum_{i=m}^d (x_i - \tfrac12)^2

    without the last factor for i = 1, and 0 ≤ xᵢ ≤ 1.

    Args:
        dim: Number of components d ≥ m; the paper takes m + 9.
        objectives: Number of objectives m ≥ 2.

    Raises:
        InvalidSettings: There are fewer than two objectives, or fewer components than objectives.

    Example:
        >>> dtlz2(dim=3, objectives=2)([0.5, 0.5, 0.5]).round(4)
        array([0.7071, 0.7071])

    Reference:
        As for :func:`dtlz1`.
    """
    return _dtlz("dtlz2", dim, objectives, _sphere, _front_of_sphere)


def _dtlz(
    name: str,
    dim: int,
    objectives: int,
    function: Callable[[int, Floats], Floats],
    front: Callable[[int, int], Floats],
) -> Benchmark:
    if objectives < 2 or dim < objectives:
        raise InvalidSettings(
            f"{name} needs objectives ≥ 2, and dim ≥ objectives; got objectives={objectives} and dim={dim}"
        )
    return Benchmark(
        name=f"{name}-{dim}" if objectives == 3 else f"{name}-{dim}-{objectives}",
        space=Space(Box(0.0, 1.0, dim)),
        function=partial(function, objectives),
        optimum=None,
        minimizers=np.empty((0, dim)),
        front=partial(front, objectives),
    )


def _plane(m: int, x: Floats) -> Floats:
    place, rest = x[:, : m - 1], x[:, m - 1 :] - 0.5
    # 1 − cos 20πz = 2 sin² 10πz has no rounding of its own at 0, where the front is.
    g = 100 * row_sums(rest**2 + 2 * np.sin(10 * np.pi * rest) ** 2)
    return 0.5 * (1 + g[:, None]) * _products(place, 1 - place)


def _sphere(m: int, x: Floats) -> Floats:
    angle, rest = np.pi / 2 * x[:, : m - 1], x[:, m - 1 :] - 0.5
    return (1 + row_sums(rest**2)[:, None]) * _products(np.cos(angle), np.sin(angle))


def _products(factor: Floats, last: Floats) -> Floats:
    """(n, m) the products of the first m − 1, m − 2 … 0 factors, each but the first times the last of the next."""
    one = np.ones((len(factor), 1))
    until = np.concatenate([one, np.cumprod(factor, axis=1)], axis=1)
    products: Floats = until[:, ::-1] * np.concatenate([one, last[:, ::-1]], axis=1)
    return products


def _front_of_plane(m: int, n: int) -> Floats:
    return 0.5 * _simplex(m, n)


def _front_of_sphere(m: int, n: int) -> Floats:
    direction = _simplex(m, n)
    return direction / np.sqrt(row_sums(direction**2))[:, None]


def _simplex(m: int, n: int) -> Floats:
    """Spread n points (n, m) evenly over Σ = 1: the gaps between sorted numbers in [0, 1] are uniform there.

    For two objectives they are equidistant, for more they follow the R sequence of M. Roberts, "The unreasonable
    effectiveness of quasirandom sequences", 2018: multiples of the powers of 1 / φ, where φᵐ = φ + 1.
    """
    if m == 2:
        cuts = np.linspace(0.0, 1.0, n)[:, None]
    else:
        phi = 2.0
        for _ in range(60):  # a contraction: 60 steps are exact
            phi = (1 + phi) ** (1 / m)
        cuts = np.sort((0.5 + np.arange(1, n + 1)[:, None] / phi ** np.arange(1, m)) % 1, axis=1)
    edges = np.concatenate([np.zeros((n, 1)), cuts, np.ones((n, 1))], axis=1)
    return np.diff(edges, axis=1)
