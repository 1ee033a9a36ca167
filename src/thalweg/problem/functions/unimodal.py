"""Functions with one valley: sphere, ellipsoid, Rosenbrock."""

import numpy as np

from thalweg.arrays import Floats
from thalweg.errors import InvalidSettings
from thalweg.problem.functions.benchmark import Benchmark, row_sums
from thalweg.space import Box, Space

__all__ = ["ellipsoid", "rosenbrock", "sphere"]


def sphere(dim: int = 10) -> Benchmark:
    r"""Make the sphere, the easiest of all: separable, and equally curved in every direction.

    .. math:: f(x) = \sum_{i=1}^d x_i^2, \qquad -5.12 \le x_i \le 5.12, \qquad f(0) = 0

    Args:
        dim: Number of components d ≥ 1.

    Example:
        >>> float(sphere(2)([3.0, 4.0]))
        25.0

    Reference:
        K. A. De Jong, An Analysis of the Behavior of a Class of Genetic Adaptive Systems, University of
        Michigan, 1975 (function F1).
    """
    return Benchmark(
        name=f"sphere-{dim}",
        space=Space(Box(-5.12, 5.12, dim)),
        function=_sphere,
        derivative=_sphere_gradient,
        optimum=0.0,
        minimizers=np.zeros((1, dim)),
    )


def _sphere(x: Floats) -> Floats:
    return row_sums(x**2)


def _sphere_gradient(x: Floats) -> Floats:
    return 2 * x


def ellipsoid(dim: int = 10) -> Benchmark:
    r"""Make the ellipsoid: a convex quadratic with the condition number 10⁶; separable.

    .. math:: f(x) = \sum_{i=1}^d 10^{6 (i-1)/(d-1)} x_i^2, \qquad -5 \le x_i \le 5, \qquad f(0) = 0

    Args:
        dim: Number of components d ≥ 1; with one it is the parabola x².

    Example:
        >>> float(ellipsoid(2)([1.0, 1.0]))
        1000001.0

    Reference:
        N. Hansen, S. Finck, R. Ros, A. Auger, Real-Parameter Black-Box Optimization Benchmarking 2009:
        Noiseless Functions Definitions, INRIA RR-6829, 2009 (f2, here without its oscillation).
    """
    return Benchmark(
        name=f"ellipsoid-{dim}",
        space=Space(Box(-5.0, 5.0, dim)),
        function=_ellipsoid,
        derivative=_ellipsoid_gradient,
        optimum=0.0,
        minimizers=np.zeros((1, dim)),
    )


def _ellipsoid(x: Floats) -> Floats:
    return row_sums(np.logspace(0, 6, x.shape[-1]) * x**2)


def _ellipsoid_gradient(x: Floats) -> Floats:
    return 2 * np.logspace(0, 6, x.shape[-1]) * x


def rosenbrock(dim: int = 10) -> Benchmark:
    r"""Make Rosenbrock's function: a curved, flat-bottomed valley that is easy to find and hard to follow.

    .. math:: f(x) = \sum_{i=1}^{d-1} \left[100 (x_{i+1} - x_i^2)^2 + (1 - x_i)^2\right],
              \qquad -5 \le x_i \le 10, \qquad f(1, \dots, 1) = 0

    From d = 4 on it also has a local minimum near (-1, 1, …, 1) (Shang and Qiu).

    Args:
        dim: Number of components d ≥ 2.

    Raises:
        InvalidSettings: There are fewer than two components.

    Example:
        >>> float(rosenbrock(2)([-1.2, 1.0]))
        24.199999999999996

    Reference:
        H. H. Rosenbrock, An Automatic Method for Finding the Greatest or Least Value of a Function, The
        Computer Journal 3(3):175-184, 1960. Y.-W. Shang, Y.-H. Qiu, A Note on the Extended Rosenbrock
        Function, Evolutionary Computation 14(1):119-126, 2006.
    """
    if dim < 2:
        raise InvalidSettings(f"Rosenbrock's function couples neighbours and needs dim ≥ 2; got dim={dim}")
    return Benchmark(
        name=f"rosenbrock-{dim}",
        space=Space(Box(-5.0, 10.0, dim)),
        function=_rosenbrock,
        derivative=_rosenbrock_gradient,
        optimum=0.0,
        minimizers=np.ones((1, dim)),
    )


def _rosenbrock(x: Floats) -> Floats:
    left, right = x[:, :-1], x[:, 1:]
    return row_sums(100 * (right - left**2) ** 2 + (1 - left) ** 2)


def _rosenbrock_gradient(x: Floats) -> Floats:
    left, right = x[:, :-1], x[:, 1:]
    slope = 200 * (right - left**2)
    gradient = np.zeros_like(x)
    gradient[:, :-1] = -2 * left * slope - 2 * (1 - left)
    gradient[:, 1:] += slope
    return gradient
