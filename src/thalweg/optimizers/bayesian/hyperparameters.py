"""How long, high and noisy a Gaussian process is: its hyperparameters, at the maximum of their posterior density.

They are one array θ (d + 2,) = (log ℓ_1 … log ℓ_d, log a, log b): length scales ℓ_j, signal variance a, noise variance
b. With K = a k(X, X) + m 11ᵀ + b I for n standardized outputs y (m: variance of the unknown constant mean),

log p(θ | y) = −½ yᵀ K⁻¹ y − ½ log det K − (n / 2) log 2π + log p(θ) + const,
∂/∂θ_i of its first terms = ½ tr((α αᵀ − K⁻¹) ∂K/∂θ_i),  α = K⁻¹ y.

The prior of the length scales grows with the dimension, log ℓ_j ~ N(log 0.3 + ½ log d, 1), which keeps the process
simple where there are few points in many dimensions. That growth is from Hvarfner et al., who write √2 and √3 for log 0.3
and 1: with theirs, and this kernel, Hartmann's function of 6 columns stayed unsolved at 50 points. log a ~ N(0, 1), as
outputs are standardized; log b ~ N(log 10⁻³, 1.5²), as experiments are mostly repeatable, and some are not at all.

Rasmussen and Williams, "Gaussian Processes for Machine Learning", 2006, section 5.4.1. C. Hvarfner, E. O. Hellsten,
L. Nardi, "Vanilla Bayesian optimization performs great in high dimensions", ICML 2024.
"""

import math

import numpy as np
from scipy.linalg import lapack
from scipy.optimize import Bounds, minimize

from thalweg.arrays import Floats
from thalweg.optimizers.bayesian.kernel import matern52

__all__ = ["MEAN_VARIANCE", "cholesky", "fit", "log_posterior", "typical"]

MEAN_VARIANCE = 1.0  # m
LENGTH_PRIOR = (math.log(0.3), 1.0)  # mean of log ℓ_j − ½ log d, and standard deviation
SIGNAL_PRIOR = (0.0, 1.0)  # of log a
NOISE_PRIOR = (math.log(1e-3), 1.5)  # of log b
BOUNDS = {"length": (1e-2, 1e3), "signal": (1e-2, 1e2), "noise": (1e-7, 1e1)}


def typical(d: int) -> Floats:
    """Give the mode (d + 2,) of the prior for d columns: θ before anything is known."""
    length = LENGTH_PRIOR[0] + 0.5 * math.log(d)
    return np.array([length] * d + [SIGNAL_PRIOR[0], NOISE_PRIOR[0]])


def fit(squared: Floats, y: Floats, start: Floats) -> Floats:
    """Find the hyperparameters of highest posterior density by L-BFGS-B.

    The search begins twice, at ``start`` and at :func:`typical`: the density may have several maxima, and following an
    old one would hold the process in an explanation that later observations have refuted.

    Args:
        squared: (d, n(n − 1)/2) unscaled squared distances of :func:`~thalweg.optimizers.bayesian.kernel.pairwise`.
        y: (n,) standardized outputs.
        start: (d + 2,) hyperparameters found before.

    Returns:
        (d + 2,) hyperparameters θ.
    """
    d = len(squared)
    low, high = np.log([BOUNDS["length"]] * d + [BOUNDS["signal"], BOUNDS["noise"]]).T

    def loss(theta: Floats) -> tuple[float, Floats]:
        value, gradient = log_posterior(theta, squared, y)
        return -value, -gradient

    starts = [typical(d)] if np.array_equal(start, typical(d)) else [start, typical(d)]
    ends = [
        minimize(
            loss, np.clip(theta, low, high), jac=True, method="L-BFGS-B", bounds=Bounds(low, high),
            options={"maxiter": 100, "ftol": 1e-7, "gtol": 1e-3},
        )
        for theta in starts
    ]  # fmt: skip
    return np.asarray(min(ends, key=lambda end: float(end.fun)).x)


def log_posterior(theta: Floats, squared: Floats, y: Floats) -> tuple[float, Floats]:
    """Compute log p(θ | y), up to a constant that does not depend on θ, and its gradient.

    Args:
        theta: (d + 2,) hyperparameters.
        squared: (d, n(n − 1)/2) unscaled squared distances of all pairs, by column.
        y: (n,) standardized outputs.

    Returns:
        The density's logarithm, and its gradient (d + 2,).

    Example:
        >>> value, gradient = log_posterior(typical(1), np.array([[0.25]]), np.array([-1.0, 1.0]))
        >>> round(value, 3), gradient.round(3)
        (-3.586, array([-0.617,  0.598,  0.001]))
    """
    d, n = len(squared), len(y)
    weight = np.exp(-2.0 * theta[:d])  # 1 / ℓ²
    signal, noise = np.exp(theta[d:])
    k, slope = matern52(weight @ squared)
    above = np.triu_indices(n, 1)
    covariance = np.empty((n, n), order="F")
    covariance[above] = signal * k + MEAN_VARIANCE
    covariance.T[above] = covariance[above]
    np.fill_diagonal(covariance, signal + MEAN_VARIANCE + noise)
    factor = cholesky(covariance)
    alpha = lapack.dpotrs(factor, y, lower=1)[0]
    value = -0.5 * float(y @ alpha) - float(np.log(np.diag(factor)).sum()) - 0.5 * n * math.log(2 * math.pi)
    inverse = lapack.dpotri(factor, lower=1)[0].T  # its upper triangle
    q = np.outer(alpha, alpha) - inverse
    pairs, trace = q[above], float(np.trace(q))
    gradient = np.empty(d + 2)
    gradient[:d] = (squared @ (pairs * slope)) * (-2.0 * signal * weight)
    gradient[d] = signal * (float(pairs @ k) + 0.5 * trace)
    gradient[d + 1] = 0.5 * noise * trace
    prior, prior_gradient = _log_prior(theta)
    return value + prior, gradient + prior_gradient


def cholesky(covariance: Floats) -> Floats:
    """Factor a covariance matrix, adding to its diagonal as little as makes that possible.

    Args:
        covariance: (n, n) symmetric, finite, with a positive diagonal.

    Returns:
        (n, n) lower triangular L with L Lᵀ = covariance + jitter I, Fortran order.
    """
    scale, jitter = float(np.mean(np.diag(covariance))), 0.0
    while True:
        shifted = covariance.copy(order="F")
        shifted[np.diag_indices_from(shifted)] += jitter * scale
        factor, failed = lapack.dpotrf(shifted, lower=1, clean=1, overwrite_a=1)
        if not failed:
            return np.asarray(factor)
        jitter = max(1e-14, 10.0 * jitter)  # it must succeed at last, when the diagonal outweighs its rows


def _log_prior(theta: Floats) -> tuple[float, Floats]:
    d = len(theta) - 2
    mode = typical(d)
    deviation = np.array([LENGTH_PRIOR[1]] * d + [SIGNAL_PRIOR[1], NOISE_PRIOR[1]])
    z = (theta - mode) / deviation
    return -0.5 * float(z @ z), -z / deviation
