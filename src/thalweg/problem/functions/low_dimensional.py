"""Smooth functions of a few variables, for methods of few evaluations: Branin, Hartmann-3, Hartmann-6."""

from functools import partial

import numpy as np

from thalweg.arrays import Floats
from thalweg.problem.functions.benchmark import Benchmark, row_sums
from thalweg.space import Box, Space

__all__ = ["branin", "hartmann3", "hartmann6"]


def branin() -> Benchmark:
    r"""Make Branin's function: two variables, three global minima.

    .. math:: f(x) = (x_2 - b x_1^2 + c x_1 - 6)^2 + 10 (1 - t) \cos x_1 + 10,
              \qquad b = \frac{5.1}{4 \pi^2}, \quad c = \frac5\pi, \quad t = \frac1{8 \pi}

    with -5 ≤ x₁ ≤ 10 and 0 ≤ x₂ ≤ 15. The square and the cosine are least together where cos x₁ = -1, so the
    optimum is 10 t = 0.397887… at (-π, 12.275), (π, 2.275) and (3π, 2.475).

    Example:
        >>> f = branin()
        >>> round(f.optimum, 6), f(f.minimizers).round(6)
        (0.397887, array([0.397887, 0.397887, 0.397887]))

    Reference:
        F. H. Branin, Widely Convergent Method for Finding Multiple Solutions of Simultaneous Nonlinear
        Equations, IBM Journal of Research and Development 16(5):504-522, 1972. L. C. W. Dixon, G. P. Szegő
        (eds.), Towards Global Optimisation 2, North-Holland, 1978.
    """
    return Benchmark(
        name="branin",
        space=Space(Box((-5.0, 0.0), (10.0, 15.0))),
        function=_branin,
        derivative=_branin_gradient,
        optimum=10 * _T,
        minimizers=np.array([[-np.pi, 12.275], [np.pi, 2.275], [3 * np.pi, 2.475]]),
    )


_B, _C, _T = 5.1 / (4 * np.pi**2), 5 / np.pi, 1 / (8 * np.pi)


def _branin(x: Floats) -> Floats:
    first, second = x[:, 0], x[:, 1]
    return (second - _B * first**2 + _C * first - 6) ** 2 + 10 * (1 - _T) * np.cos(first) + 10


def _branin_gradient(x: Floats) -> Floats:
    first, second = x[:, 0], x[:, 1]
    residual = second - _B * first**2 + _C * first - 6
    slope = 2 * residual * (_C - 2 * _B * first) - 10 * (1 - _T) * np.sin(first)
    return np.stack([slope, 2 * residual], axis=-1)


def hartmann3() -> Benchmark:
    r"""Make the Hartmann function of three variables: four Gaussian wells in the unit cube.

    .. math:: f(x) = -\sum_{i=1}^4 \alpha_i \exp\Big(-\sum_{j=1}^3 A_{ij} (x_j - P_{ij})^2\Big),
              \qquad 0 \le x_j \le 1, \qquad f^* = -3.86278\ldots

    The entry P₄₁ is 0.03815 as in Dixon and Szegő; the 0.0381 found elsewhere moves the published minimizer
    (0.114614, 0.555649, 0.852547) in its fifth decimal.

    Example:
        >>> round(float(hartmann3()([0.114614, 0.555649, 0.852547])), 5)
        -3.86278

    Reference:
        J. K. Hartman, Some Experiments in Global Optimization, Naval Research Logistics Quarterly
        20(3):569-576, 1973. L. C. W. Dixon, G. P. Szegő (eds.), Towards Global Optimisation 2, North-Holland,
        1978.
    """
    return Benchmark(
        name="hartmann3",
        space=Space(Box(0.0, 1.0, 3)),
        function=partial(_hartmann, _A3, _P3),
        derivative=partial(_hartmann_gradient, _A3, _P3),
        optimum=-3.8627821478207553,
        minimizers=np.array([[0.11461433858967198, 0.5556488499718569, 0.8525469535208658]]),
    )


def hartmann6() -> Benchmark:
    r"""Make the Hartmann function of six variables: six local minima in the unit cube, one of them global.

    .. math:: f(x) = -\sum_{i=1}^4 \alpha_i \exp\Big(-\sum_{j=1}^6 A_{ij} (x_j - P_{ij})^2\Big),
              \qquad 0 \le x_j \le 1, \qquad f^* = -3.32237\ldots

    Example:
        >>> round(float(hartmann6()([0.20169, 0.150011, 0.476874, 0.275332, 0.311652, 0.6573])), 5)
        -3.32237

    Reference:
        As for :func:`hartmann3`.
    """
    return Benchmark(
        name="hartmann6",
        space=Space(Box(0.0, 1.0, 6)),
        function=partial(_hartmann, _A6, _P6),
        derivative=partial(_hartmann_gradient, _A6, _P6),
        optimum=-3.322368011415515,
        minimizers=np.array(
            [
                [
                    0.20168951100670542,
                    0.15001069182345797,
                    0.476873974221897,
                    0.2753324304940561,
                    0.31165161660011324,
                    0.6573005340656203,
                ]
            ]
        ),
    )


_ALPHA = np.array([1.0, 1.2, 3.0, 3.2])
_A3 = np.array([[3.0, 10.0, 30.0], [0.1, 10.0, 35.0], [3.0, 10.0, 30.0], [0.1, 10.0, 35.0]])
_P3 = 1e-4 * np.array([[3689, 1170, 2673], [4699, 4387, 7470], [1091, 8732, 5547], [381.5, 5743, 8828]])
_A6 = np.array(
    [
        [10.0, 3.0, 17.0, 3.5, 1.7, 8.0],
        [0.05, 10.0, 17.0, 0.1, 8.0, 14.0],
        [3.0, 3.5, 1.7, 10.0, 17.0, 8.0],
        [17.0, 8.0, 0.05, 10.0, 0.1, 14.0],
    ]
)
_P6 = 1e-4 * np.array(
    [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ]
)


def _hartmann(A: Floats, P: Floats, x: Floats) -> Floats:
    return -row_sums(_ALPHA * np.exp(-row_sums(A * (x[:, None, :] - P) ** 2)))


def _hartmann_gradient(A: Floats, P: Floats, x: Floats) -> Floats:
    difference = x[:, None, :] - P
    wells = _ALPHA * np.exp(-row_sums(A * difference**2))
    gradient: Floats = 2 * np.sum(wells[:, :, None] * A * difference, axis=1)
    return gradient
