"""What observations say about points not yet seen: a Gaussian process, conditioned on data.

C. E. Rasmussen, C. K. I. Williams, "Gaussian Processes for Machine Learning", 2006, algorithm 2.1.
"""

from dataclasses import dataclass
from typing import final

import numpy as np
from scipy.linalg import lapack
from scipy.spatial.distance import cdist

from thalweg.arrays import Floats, Ints
from thalweg.optimizers.bayesian.hyperparameters import MEAN_VARIANCE, cholesky
from thalweg.optimizers.bayesian.kernel import matern52

__all__ = ["GaussianProcess"]


@final
@dataclass(frozen=True)
class GaussianProcess:
    """A process with a Matérn 5/2 kernel and an unknown constant mean, given n noisy observations.

    With k̃(x, x') = a k(x, x') + m and K = k̃(X, X) + b I = L Lᵀ,

    μ(x) = k̃(x, X) K⁻¹ y,  σ²(x) = a + m − k̃(x, X) K⁻¹ k̃(X, x).

    Attributes:
        column: (D,) the column of each feature.
        theta: (d + 2,) hyperparameters, logarithms of ℓ_1 … ℓ_d, a and b.
        points: (n, D) features of the observed points, each divided by its column's length scale.
        y: (n,) observed standardized values.
        factor: (n, n) the Cholesky factor L.
        alpha: (n,) K⁻¹ y.

    Example:
        >>> features, column = np.array([[0.0], [1.0]]), np.array([0])
        >>> process = GaussianProcess.condition(features, column, np.array([-1.0, 1.0]), np.log([0.5, 1.0, 1e-6]))
        >>> mean, variance = process.predict(np.array([[0.0], [0.5]]))
        >>> mean.round(3), variance.round(3)
        (array([-1.,  0.]), array([0.  , 0.52]))
    """

    column: Ints
    theta: Floats
    points: Floats
    y: Floats
    factor: Floats
    alpha: Floats

    @classmethod
    def condition(cls, features: Floats, column: Ints, y: Floats, theta: Floats) -> "GaussianProcess":
        """Condition the process on observations.

        Args:
            features: (n, D) where, n ≥ 1; points may coincide.
            column: (D,) the column of each feature.
            y: (n,) standardized values.
            theta: (d + 2,) hyperparameters.
        """
        points = features * np.exp(-theta[column])
        signal, noise = np.exp(theta[-2:])
        covariance = signal * matern52(cdist(points, points, "sqeuclidean"))[0] + MEAN_VARIANCE
        covariance[np.diag_indices_from(covariance)] += noise
        factor = cholesky(covariance)
        return cls(column, theta, points, y, factor, lapack.dpotrs(factor, y, lower=1)[0])

    @property
    def fitted(self) -> Floats:
        """(n,) the mean at the observed points, (K − b I) K⁻¹ y = y − b α."""
        return np.asarray(self.y - np.exp(self.theta[-1]) * self.alpha)

    def extend(self, features: Floats, y: Floats) -> "GaussianProcess":
        """Add observations, with the same hyperparameters, in O(n²) each.

        Args:
            features: (q, D) where.
            y: (q,) standardized values.
        """
        n, q = len(self.y), len(y)
        points = features * np.exp(-self.theta[self.column])
        signal, noise = np.exp(self.theta[-2:])
        cross, _ = self._covariance(points)
        side = lapack.dtrtrs(self.factor, cross, lower=1)[0]
        corner = signal * matern52(cdist(points, points, "sqeuclidean"))[0] + MEAN_VARIANCE - side.T @ side
        corner[np.diag_indices(q)] += noise
        factor = np.zeros((n + q, n + q), order="F")
        factor[:n, :n], factor[n:, :n], factor[n:, n:] = self.factor, side.T, cholesky(corner)
        values = np.concatenate([self.y, y])
        alpha = lapack.dpotrs(factor, values, lower=1)[0]
        return GaussianProcess(self.column, self.theta, np.concatenate([self.points, points]), values, factor, alpha)

    def predict(self, features: Floats) -> tuple[Floats, Floats]:
        """Compute mean and variance of the function, without the noise of an observation.

        Args:
            features: (q, D) where.

        Returns:
            μ (q,) and σ² (q,), the latter at least 10⁻¹⁶ of the prior variance: rounding could else make it negative.
        """
        cross, _ = self._covariance(features * np.exp(-self.theta[self.column]))
        half = lapack.dtrtrs(self.factor, cross, lower=1)[0]
        return cross.T @ self.alpha, self._variance(half)

    def predict_with_gradient(self, features: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Compute mean and variance, and their derivatives by the features.

        Args:
            features: (q, D) where.

        Returns:
            μ (q,), σ² (q,), ∂μ/∂φ (q, D) and ∂σ²/∂φ (q, D).
        """
        scale = np.exp(-self.theta[self.column])
        points = features * scale
        cross, slope = self._covariance(points)
        half = lapack.dtrtrs(self.factor, cross, lower=1)[0]
        solved = lapack.dtrtrs(self.factor, half, lower=1, trans=1)[0]  # K⁻¹ k̃(X, x)

        def gradient(weight: Floats) -> Floats:
            """Σ_i weight_i ∂k̃(x, X_i)/∂φ, with ∂s/∂φ = 2 (φ − φ_i) / ℓ²."""
            pull = slope * weight
            return np.asarray(2.0 * (points * pull.sum(axis=0)[:, None] - pull.T @ self.points) * scale)

        mean = cross.T @ self.alpha
        return mean, self._variance(half), gradient(self.alpha[:, None]), -2.0 * gradient(solved)

    def _covariance(self, points: Floats) -> tuple[Floats, Floats]:
        """Covariances (n, q) of the observed and of scaled points, and their derivatives by s."""
        signal = float(np.exp(self.theta[-2]))
        k, slope = matern52(cdist(self.points, points, "sqeuclidean"))
        return signal * k + MEAN_VARIANCE, signal * slope

    def _variance(self, half: Floats) -> Floats:
        prior = float(np.exp(self.theta[-2])) + MEAN_VARIANCE
        return np.asarray(np.maximum(prior - np.einsum("iq,iq->q", half, half), 1e-16 * prior))
