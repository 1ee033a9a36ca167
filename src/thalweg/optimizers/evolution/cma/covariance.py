"""Shapes of the normal distribution of CMA-ES: a full covariance matrix, or variances only.

N. Hansen, "The CMA evolution strategy: a tutorial", arXiv:1604.00772v2, 2023. R. Ros, N. Hansen, "A simple modification in
CMA-ES achieving linear time and space complexity", PPSN 2008. Letters are theirs.
"""

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import final

import numpy as np

from thalweg.arrays import Floats
from thalweg.serial import frozen

__all__ = ["AxisParallel", "Covariance", "Ellipsoid", "FullCovariance", "SeparableCovariance", "Shape"]


class Shape(ABC):
    """A covariance matrix C = B D² Bᵀ of n columns, and what can be done with it; not changed by any of it."""

    @property
    @abstractmethod
    def deviations(self) -> Floats:
        """(n,) √C_jj, standard deviations along the columns."""

    @property
    @abstractmethod
    def axes(self) -> Floats:
        """(n,) D, standard deviations along the principal axes."""

    @abstractmethod
    def axis(self, i: int) -> Floats:
        """(n,) the i-th principal axis, of the length D_i."""

    @abstractmethod
    def colour(self, z: Floats) -> Floats:
        """Give B D z ~ N(0, C) for rows z ~ N(0, I), (k, n)."""

    @abstractmethod
    def whiten(self, y: Floats) -> Floats:
        """Give C^(−1/2) y of a vector (n,)."""

    @abstractmethod
    def squared_lengths(self, y: Floats) -> Floats:
        """(k,) ‖C^(−1/2) y‖² of rows y (k, n)."""

    @abstractmethod
    def adapted(self, keep: float, c_1: float, p_c: Floats, weights: Floats, y: Floats, interval: int) -> "Shape":
        """Give the shape of C ← keep · C + c_1 p_c p_cᵀ + Σ weights_i y_i y_iᵀ.

        Args:
            keep: Share of the old matrix.
            c_1: Weight of the path.
            p_c: (n,) path.
            weights: (k,) of the rows, some of them negative.
            y: (k, n) rows.
            interval: Updates from one decomposition to the next.
        """


class Covariance(ABC):
    """Which shapes the distribution may take."""

    @abstractmethod
    def begin(self, n: int) -> Shape:
        """Give the sphere of n columns."""

    @abstractmethod
    def speed(self, n: int) -> float:
        """Give the factor of the learning rates of C."""


@final
@frozen
class Ellipsoid(Shape):
    """Any covariance matrix; its decomposition may be a few updates old."""

    C: Floats  # (n, n)
    B: Floats  # (n, n) eigenvectors in columns
    D: Floats  # (n,) roots of the eigenvalues
    age: int = 0  # of B and D, in updates of C

    @property
    def deviations(self) -> Floats:
        """(n,) √C_jj."""
        return np.sqrt(np.diagonal(self.C))

    @property
    def axes(self) -> Floats:
        """(n,) D."""
        return self.D

    def axis(self, i: int) -> Floats:
        """(n,) D_i b_i."""
        row: Floats = self.D[i] * self.B[:, i]
        return row

    def colour(self, z: Floats) -> Floats:
        """Give B D z."""
        rows: Floats = (z * self.D) @ self.B.T
        return rows

    def whiten(self, y: Floats) -> Floats:
        """Give B D⁻¹ Bᵀ y."""
        whitened: Floats = self.B @ ((self.B.T @ y) / self.D)
        return whitened

    def squared_lengths(self, y: Floats) -> Floats:
        """(k,) ‖D⁻¹ Bᵀ y‖²."""
        z = y @ self.B
        z /= self.D
        lengths: Floats = np.einsum("ij,ij->i", z, z)
        return lengths

    def adapted(self, keep: float, c_1: float, p_c: Floats, weights: Floats, y: Floats, interval: int) -> "Ellipsoid":
        """Update C; decompose it now and then, which costs n³ (tutorial, B.2)."""
        C = (y.T * weights) @ y
        C += keep * self.C
        C += (c_1 * p_c)[:, None] * p_c
        if self.age + 1 < interval:
            return replace(self, C=C, age=self.age + 1)
        C = (C + C.T) / 2  # symmetric but for rounding
        values, vectors = np.linalg.eigh(C)
        # Rounding may make the least of very different eigenvalues negative; the run is about to end then.
        D = np.sqrt(np.maximum(values, 1e-16 * values[-1]))
        # In C order, as it comes back from a storage: a product in another order has other last bits.
        return Ellipsoid(C, np.ascontiguousarray(vectors), D)


@final
@frozen
class AxisParallel(Shape):
    """A diagonal covariance matrix."""

    C: Floats  # (n,) variances

    @property
    def deviations(self) -> Floats:
        """(n,) √C_jj."""
        return np.sqrt(self.C)

    @property
    def axes(self) -> Floats:
        """(n,) the same: the axes are the columns."""
        return np.sqrt(self.C)

    def axis(self, i: int) -> Floats:
        """(n,) zero but for column i."""
        row = np.zeros_like(self.C)
        row[i] = np.sqrt(self.C[i])
        return row

    def colour(self, z: Floats) -> Floats:
        """Give D z."""
        return z * np.sqrt(self.C)

    def whiten(self, y: Floats) -> Floats:
        """Give D⁻¹ y."""
        return y / np.sqrt(self.C)

    def squared_lengths(self, y: Floats) -> Floats:
        """(k,) ‖D⁻¹ y‖²."""
        lengths: Floats = (y * y) @ (1 / self.C)
        return lengths

    def adapted(
        self, keep: float, c_1: float, p_c: Floats, weights: Floats, y: Floats, interval: int
    ) -> "AxisParallel":
        """Update the variances; there is nothing to decompose."""
        return AxisParallel(keep * self.C + c_1 * p_c**2 + weights @ (y * y))


@final
@frozen
class FullCovariance(Covariance):
    """Learn how all columns depend on each other: n² numbers, for up to some hundred columns.

    Example:
        >>> FullCovariance().begin(2).deviations
        array([1., 1.])
    """

    def begin(self, n: int) -> Ellipsoid:
        """Give the identity."""
        return Ellipsoid(np.eye(n), np.eye(n), np.ones(n))

    def speed(self, n: int) -> float:
        """Give 1."""
        return 1.0


@final
@frozen
class SeparableCovariance(Covariance):
    """Learn the scales of the columns only (sep-CMA-ES): n numbers, learned (n + 2) / 3 times faster.

    Linear in time and memory. It is also the better one where columns hardly depend on each other, or where there are too
    few evaluations to learn how they do.

    Example:
        >>> SeparableCovariance().speed(10)
        4.0
    """

    def begin(self, n: int) -> AxisParallel:
        """Give ones."""
        return AxisParallel(np.ones(n))

    def speed(self, n: int) -> float:
        """Give (n + 2) / 3, Ros and Hansen's equation for c_cov."""
        return (n + 2) / 3
