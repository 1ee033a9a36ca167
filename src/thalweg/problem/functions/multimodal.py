"""Functions with many local minima: Rastrigin, Ackley, Griewank, Levy, Styblinski-Tang, Schwefel.

The published formulas of Rastrigin and Ackley subtract nearly equal numbers at the optimum; here an equal
form without the cancellation is computed, so that the optimum is exactly 0 and small distances are not lost.
"""

import numpy as np

from thalweg.arrays import Floats
from thalweg.problem.functions.benchmark import Benchmark, row_sums
from thalweg.space import Box, Space

__all__ = ["ackley", "griewank", "levy", "rastrigin", "schwefel", "styblinski_tang"]


def rastrigin(dim: int = 10) -> Benchmark:
    r"""Make Rastrigin's function: a parabola under a regular lattice of about 11ᵈ local minima; separable.

    .. math:: f(x) = 10 d + \sum_{i=1}^d \left[x_i^2 - 10 \cos(2 \pi x_i)\right],
              \qquad -5.12 \le x_i \le 5.12, \qquad f(0) = 0

    Args:
        dim: Number of components d ≥ 1.

    Example:
        >>> float(rastrigin(2)([0.0, 0.0]))
        0.0

    Reference:
        H. Mühlenbein, M. Schomisch, J. Born, The Parallel Genetic Algorithm as Function Optimizer, Parallel
        Computing 17:619-632, 1991, after L. A. Rastrigin, Systems of Extremal Control, 1974.
    """
    return Benchmark(
        name=f"rastrigin-{dim}",
        space=Space(Box(-5.12, 5.12, dim)),
        function=_rastrigin,
        derivative=_rastrigin_gradient,
        optimum=0.0,
        minimizers=np.zeros((1, dim)),
    )


def _rastrigin(x: Floats) -> Floats:
    # 10 - 10 cos 2πx = 20 sin² πx.
    return row_sums(x**2 + 20 * np.sin(np.pi * x) ** 2)


def _rastrigin_gradient(x: Floats) -> Floats:
    return 2 * x + 20 * np.pi * np.sin(2 * np.pi * x)


def ackley(dim: int = 10) -> Benchmark:
    r"""Make Ackley's function: a nearly flat, rippled plain with a narrow funnel and a cusp at its bottom.

    .. math:: f(x) = -20 \exp\Big(-0.2 \sqrt{\tfrac1d \textstyle\sum x_i^2}\Big)
              - \exp\Big(\tfrac1d \textstyle\sum \cos 2 \pi x_i\Big) + 20 + e,
              \qquad -32.768 \le x_i \le 32.768, \qquad f(0) = 0

    At the cusp, where no gradient exists, the gradient is given as 0.

    Args:
        dim: Number of components d ≥ 1.

    Example:
        >>> float(ackley(2)([0.0, 0.0]))
        0.0

    Reference:
        D. H. Ackley, A Connectionist Machine for Genetic Hillclimbing, Kluwer, 1987; T. Bäck, Evolutionary
        Algorithms in Theory and Practice, Oxford University Press, 1996.
    """
    return Benchmark(
        name=f"ackley-{dim}",
        space=Space(Box(-32.768, 32.768, dim)),
        function=_ackley,
        derivative=_ackley_gradient,
        optimum=0.0,
        minimizers=np.zeros((1, dim)),
    )


def _ackley(x: Floats) -> Floats:
    # cos 2πx - 1 = -2 sin² πx turns both exponentials into exp(·) - 1.
    dim = x.shape[-1]
    radius = np.sqrt(row_sums(x**2) / dim)
    ripple = -2 * row_sums(np.sin(np.pi * x) ** 2) / dim
    value: Floats = -20 * np.expm1(-0.2 * radius) - np.e * np.expm1(ripple)
    return value


def _ackley_gradient(x: Floats) -> Floats:
    dim = x.shape[-1]
    radius = np.sqrt(row_sums(x**2) / dim)[:, None]
    ripple = row_sums(np.cos(2 * np.pi * x))[:, None] / dim
    direction = np.divide(x, radius, out=np.zeros_like(x), where=radius > 0)
    funnel = 4 * np.exp(-0.2 * radius) * direction
    gradient: Floats = (funnel + 2 * np.pi * np.exp(ripple) * np.sin(2 * np.pi * x)) / dim
    return gradient


def griewank(dim: int = 10) -> Benchmark:
    r"""Make Griewank's function: a wide bowl with a ripple that couples all components.

    .. math:: f(x) = 1 + \sum_{i=1}^d \frac{x_i^2}{4000} - \prod_{i=1}^d \cos\frac{x_i}{\sqrt i},
              \qquad -600 \le x_i \le 600, \qquad f(0) = 0

    The ripple fades as d grows, so high dimensions are easier than low ones.

    Args:
        dim: Number of components d ≥ 1.

    Example:
        >>> float(griewank(2)([0.0, 0.0]))
        0.0

    Reference:
        A. O. Griewank, Generalized Descent for Global Optimization, Journal of Optimization Theory and
        Applications 34(1):11-39, 1981. On its ripple: M. Locatelli, A Note on the Griewank Test Function,
        Journal of Global Optimization 25:169-174, 2003.
    """
    return Benchmark(
        name=f"griewank-{dim}",
        space=Space(Box(-600.0, 600.0, dim)),
        function=_griewank,
        derivative=_griewank_gradient,
        optimum=0.0,
        minimizers=np.zeros((1, dim)),
    )


def _griewank(x: Floats) -> Floats:
    product: Floats = np.prod(np.cos(x / _roots(x)), axis=-1)
    return row_sums(x**2) / 4000 + (1 - product)


def _griewank_gradient(x: Floats) -> Floats:
    root = _roots(x)
    cosine = np.cos(x / root)
    # The product of the other cosines from both sides: dividing the whole product by one fails where it is 0.
    others = np.ones_like(x)
    others[:, 1:] = np.cumprod(cosine[:, :-1], axis=-1)
    others[:, :-1] *= np.cumprod(cosine[:, :0:-1], axis=-1)[:, ::-1]
    return x / 2000 + np.sin(x / root) / root * others


def _roots(x: Floats) -> Floats:
    return np.sqrt(np.arange(1.0, x.shape[-1] + 1))


def levy(dim: int = 10) -> Benchmark:
    r"""Make Levy's function: parallel valleys of different depth, crossed by a ripple.

    .. math:: f(x) = \sin^2 \pi w_1 + \sum_{i=1}^{d-1} (w_i - 1)^2 \left[1 + 10 \sin^2(\pi w_i + 1)\right]
              + (w_d - 1)^2 \left[1 + \sin^2 2 \pi w_d\right], \qquad w_i = 1 + \frac{x_i - 1}{4}

    with -10 ≤ xᵢ ≤ 10 and f(1, …, 1) = 0.

    Args:
        dim: Number of components d ≥ 1.

    Example:
        >>> float(levy(2)([1.0, 1.0]))
        0.0

    Reference:
        A. V. Levy, A. Montalvo, The Tunneling Algorithm for the Global Minimization of Functions, SIAM
        Journal on Scientific and Statistical Computing 6(1):15-29, 1985, in the form of S. Surjanovic, D.
        Bingham, Virtual Library of Simulation Experiments, https://www.sfu.ca/~ssurjano/levy.html.
    """
    return Benchmark(
        name=f"levy-{dim}",
        space=Space(Box(-10.0, 10.0, dim)),
        function=_levy,
        derivative=_levy_gradient,
        optimum=0.0,
        minimizers=np.ones((1, dim)),
    )


def _levy(x: Floats) -> Floats:
    z = (x - 1) / 4  # w - 1: sin² πw = sin² πz and sin² 2πw = sin² 2πz, which are exactly 0 at the optimum
    first, body, last = z[:, 0], z[:, :-1], z[:, -1]
    inner = row_sums(body**2 * (1 + 10 * np.sin(np.pi * (body + 1) + 1) ** 2))
    value: Floats = np.sin(np.pi * first) ** 2 + inner + last**2 * (1 + np.sin(2 * np.pi * last) ** 2)
    return value


def _levy_gradient(x: Floats) -> Floats:
    z = (x - 1) / 4
    first, body, last = z[:, 0], z[:, :-1], z[:, -1]
    phase, ripple = np.pi * (body + 1) + 1, 2 * np.pi * last
    gradient = np.empty_like(x)
    gradient[:, :-1] = 2 * body * (1 + 10 * np.sin(phase) ** 2) + 10 * np.pi * body**2 * np.sin(2 * phase)
    gradient[:, -1] = 2 * last * (1 + np.sin(ripple) ** 2) + 2 * np.pi * last**2 * np.sin(2 * ripple)
    gradient[:, 0] += np.pi * np.sin(2 * np.pi * first)
    return gradient / 4


def styblinski_tang(dim: int = 10) -> Benchmark:
    r"""Make the Styblinski-Tang function: separable, two minima along each axis.

    .. math:: f(x) = \tfrac12 \sum_{i=1}^d (x_i^4 - 16 x_i^2 + 5 x_i), \qquad -5 \le x_i \le 5

    The minimizer is the least root t of 4 t³ - 32 t + 5 in every component, t = -2.903534…, with the value
    -39.16616… d. The widely copied -39.16599 d is wrong from the fourth decimal on.

    Args:
        dim: Number of components d ≥ 1.

    Example:
        >>> round(styblinski_tang(2).optimum, 4)
        -78.3323

    Reference:
        M. A. Styblinski, T.-S. Tang, Experiments in Nonconvex Optimization: Stochastic Approximation with
        Function Smoothing and Simulated Annealing, Neural Networks 3(4):467-483, 1990.
    """
    return Benchmark(
        name=f"styblinski-tang-{dim}",
        space=Space(Box(-5.0, 5.0, dim)),
        function=_styblinski_tang,
        derivative=_styblinski_tang_gradient,
        optimum=-39.166165703771415 * dim,
        minimizers=np.full((1, dim), -2.903534027771177),
    )


def _styblinski_tang(x: Floats) -> Floats:
    square = x**2
    return row_sums((square - 16) * square + 5 * x) / 2


def _styblinski_tang_gradient(x: Floats) -> Floats:
    return (2 * x**2 - 16) * x + 2.5


def schwefel(dim: int = 10) -> Benchmark:
    r"""Make Schwefel's function: separable, its best minimum in a corner, far from the next.

    .. math:: f(x) = \sum_{i=1}^d \left[c - x_i \sin\sqrt{|x_i|}\right], \qquad -500 \le x_i \le 500

    The constant c = 418.98288727… makes the optimum 0, at xᵢ = 420.96874636…; the common 418.9829 leaves
    1.3·10⁻⁵ d. Outside the box there are lower values without end.

    Args:
        dim: Number of components d ≥ 1.

    Example:
        >>> abs(round(float(schwefel(2)([420.9687, 420.9687])), 6))
        0.0

    Reference:
        H.-P. Schwefel, Numerical Optimization of Computer Models, Wiley, 1981. M. Molga, C. Smutnicki, Test
        Functions for Optimization Needs, 2005.
    """
    return Benchmark(
        name=f"schwefel-{dim}",
        space=Space(Box(-500.0, 500.0, dim)),
        function=_schwefel,
        derivative=_schwefel_gradient,
        optimum=0.0,
        minimizers=np.full((1, dim), 420.96874635998205),
    )


def _schwefel(x: Floats) -> Floats:
    return row_sums(418.9828872724337 - x * np.sin(np.sqrt(np.abs(x))))


def _schwefel_gradient(x: Floats) -> Floats:
    root = np.sqrt(np.abs(x))
    return -np.sin(root) - root * np.cos(root) / 2
