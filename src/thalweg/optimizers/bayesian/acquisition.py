"""Log expected improvement: how much a further evaluation is expected to gain, on a scale that never underflows.

With z = (best − μ) / σ and h(z) = φ(z) + z Φ(z), the expected improvement is σ h(z). Its logarithm keeps its gradient
where the improvement itself is 0 in floating point, which is nearly everywhere once the search has come far.

S. Ament, S. Daulton, D. Eriksson, M. Balandat, E. Bakshy, "Unexpected improvements to expected improvement for Bayesian
optimization", NeurIPS 2023.
"""

import math
from dataclasses import dataclass
from typing import final

import numpy as np
from scipy.special import erfcx, ndtr

from thalweg.arrays import Bools, Floats
from thalweg.optimizers.bayesian.embedding import Embedding
from thalweg.optimizers.bayesian.gaussian_process import GaussianProcess

__all__ = ["LogExpectedImprovement", "log_expected_improvement", "log_h"]

FAR = -100.0  # below it the series of h, above it erfcx: at −100 both are exact to 1e-12


@final
@dataclass(frozen=True)
class LogExpectedImprovement:
    """The acquisition function of a search space: log expected improvement over ``best`` under a process.

    Attributes:
        process: What is known.
        embedding: Where rows lie in the space of the process.
        best: The standardized value to be improved on.
    """

    process: GaussianProcess
    embedding: Embedding
    best: float

    def __call__(self, x: Floats) -> Floats:
        """Compute it (q,) at rows x (q, d) in natural units."""
        return log_expected_improvement(*self.process.predict(self.embedding(x)), self.best)[0]

    def with_gradient(self, u: Floats, active: Bools) -> tuple[Floats, Floats]:
        """Compute it at points u (q, d) of the unit cube, and its derivatives (q, d) by u."""
        mean, variance, mean_slope, variance_slope = self.process.predict_with_gradient(self.embedding.place(u, active))
        value, by_mean, by_variance = log_expected_improvement(mean, variance, self.best)
        gradient = by_mean[:, None] * mean_slope + by_variance[:, None] * variance_slope
        return value, self.embedding.pull_back(u, active, gradient)


def log_expected_improvement(mean: Floats, variance: Floats, best: float) -> tuple[Floats, Floats, Floats]:
    """Compute log E[max(best − f, 0)] for f ~ N(μ, σ²), and its partial derivatives.

    Args:
        mean: (q,) μ.
        variance: (q,) σ² > 0.
        best: The value to be improved on.

    Returns:
        (q,) the logarithm, (q,) its derivative by μ, (q,) its derivative by σ².

    Example:
        >>> log_expected_improvement(np.array([0.0]), np.array([1.0]), 0.0)[0].round(6)  # log 1/√(2π)
        array([-0.918939])
    """
    deviation = np.sqrt(variance)
    z = (best - mean) / deviation
    value, slope = log_h(z)
    by_deviation = (1.0 - z * slope) / deviation
    return value + np.log(deviation), -slope / deviation, by_deviation / (2.0 * deviation)


def log_h(z: Floats) -> tuple[Floats, Floats]:
    """Compute log h(z) and its derivative Φ(z) / h(z), to nearly full precision for z from −10¹⁵⁰ to 10¹⁵⁰.

    With the Mills ratio M(t) = Φ(−t) / φ(t) = √(π/2) erfcx(t/√2), h(−t) = φ(t) (1 − t M(t)); for large t the series
    1 − t M(t) = t⁻² (1 − 3 t⁻² + 15 t⁻⁴ − 105 t⁻⁶ + …) is used, because the difference cancels.

    Args:
        z: (q,) standardized improvements.

    Returns:
        (q,) log h, (q,) its derivative.
    """
    z = np.asarray(z, dtype=np.float64)
    value, slope = np.empty_like(z), np.empty_like(z)
    near, far = z > -1.0, z < FAR

    t = z[near]
    h = np.exp(-0.5 * t * t) / math.sqrt(2 * math.pi) + t * ndtr(t)
    value[near], slope[near] = np.log(h), ndtr(t) / h

    t = -z[~near & ~far]
    mills = math.sqrt(math.pi / 2) * erfcx(t / math.sqrt(2))
    rest = 1.0 - t * mills
    value[~near & ~far] = np.log(rest) - 0.5 * t * t - 0.5 * math.log(2 * math.pi)
    slope[~near & ~far] = mills / rest

    t = -z[far]
    v = 1.0 / t**2
    tail = 1.0 + v * (-3.0 + v * (15.0 - 105.0 * v))
    value[far] = np.log(tail) - 2.0 * np.log(t) - 0.5 * t * t - 0.5 * math.log(2 * math.pi)
    slope[far] = t * (1.0 + v * (-1.0 + v * (3.0 - 15.0 * v))) / tail
    return value, slope
