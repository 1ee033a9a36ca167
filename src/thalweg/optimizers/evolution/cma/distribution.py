"""The normal distribution that CMA-ES samples, and how a ranked generation moves it.

N. Hansen, "The CMA evolution strategy: a tutorial", arXiv:1604.00772v2, 2023: equations (38) to (47), in its letters.
"""

import math
from dataclasses import replace
from typing import final

import numpy as np

from thalweg.arrays import Floats, Ints
from thalweg.optimizers.evolution.cma.covariance import Covariance, Shape
from thalweg.optimizers.evolution.cma.parameters import Parameters
from thalweg.serial import frozen

__all__ = ["Distribution"]


@final
@frozen
class Distribution:
    """Points m + σ A y with y ~ N(0, C), after g updates."""

    m: Floats  # (n,)
    sigma: float  # σ
    A: Floats  # (n,) scales of columns that the margin of integers has stretched, else 1
    shape: Shape  # C
    p_sigma: Floats  # (n,) p_σ
    p_c: Floats  # (n,)
    g: int = 0

    @classmethod
    def begin(cls, m: Floats, sigma: float, covariance: Covariance) -> "Distribution":
        """Make a sphere about m."""
        n = len(m)
        return cls(m, sigma, np.ones(n), covariance.begin(n), np.zeros(n), np.zeros(n))

    @property
    def deviations(self) -> Floats:
        """(n,) standard deviations of the columns, σ A √C_jj."""
        return self.sigma * self.A * self.shape.deviations

    def directions(self, random: np.random.Generator, size: int) -> Floats:
        """Draw y (size, n), equations (38) and (39)."""
        return self.shape.colour(random.standard_normal((size, len(self.m))))

    def points(self, y: Floats) -> Floats:
        """Give m + σ A y (k, n), equation (40)."""
        points = y * (self.sigma * self.A)
        points += self.m
        return points

    def towards(self, points: Floats) -> Floats:
        """Give the y (k, n) of points, no longer than a sample can be expected to be.

        N. Hansen, "Injecting external solutions into CMA-ES", arXiv:1110.4181, 2011: at most √n + 2n / (n + 2).
        """
        n = len(self.m)
        y = (points - self.m) / (self.sigma * self.A)
        length = np.sqrt(self.shape.squared_lengths(y))
        most = math.sqrt(n) + 2 * n / (n + 2)
        shortened: Floats = y * np.minimum(1.0, most / np.maximum(length, 1e-300))[:, None]
        return shortened

    def updated(self, y: Floats, ranked: Ints, p: Parameters) -> "Distribution":
        """Learn from a generation.

        Args:
            y: (λ, n) what was sampled.
            ranked: (λ,) its indices, best first.
            p: Parameters for n and λ.
        """
        n, selected = len(self.m), ranked[: p.mu]
        y_w = p.weights[: p.mu] @ y[selected]  # (41)
        m = self.m + self.sigma * self.A * y_w  # (42)

        pull = math.sqrt(p.c_sigma * (2 - p.c_sigma) * p.mu_eff)
        p_sigma = (1 - p.c_sigma) * self.p_sigma + pull * self.shape.whiten(y_w)  # (43)
        norm = math.sqrt(p_sigma @ p_sigma)
        sigma = self.sigma * math.exp(p.c_sigma / p.d_sigma * (norm / p.expected_norm - 1))  # (44)

        stationary = math.sqrt(1 - (1 - p.c_sigma) ** (2 * (self.g + 1)))
        h_sigma = float(norm / stationary < (1.4 + 2 / (n + 1)) * p.expected_norm)
        p_c = (1 - p.c_c) * self.p_c + h_sigma * math.sqrt(p.c_c * (2 - p.c_c) * p.mu_eff) * y_w  # (45)

        weights = np.empty(len(ranked))
        weights[selected] = p.weights[: p.mu]
        others = ranked[p.mu :]
        lengths = np.maximum(self.shape.squared_lengths(y[others]), 1e-300)
        weights[others] = p.weights[p.mu :] * n / lengths  # (46)
        delta = (1 - h_sigma) * p.c_c * (2 - p.c_c)
        keep = 1 + p.c_1 * delta - p.c_1 - p.c_mu * float(p.weights.sum())
        interval = max(1, math.floor(1 / (10 * n * (p.c_1 + p.c_mu))))
        shape = self.shape.adapted(keep, p.c_1, p_c, p.c_mu * weights, y, interval)  # (47)
        return replace(self, m=m, sigma=sigma, shape=shape, p_sigma=p_sigma, p_c=p_c, g=self.g + 1)
