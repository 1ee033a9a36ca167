"""The default strategy parameters of CMA-ES.

N. Hansen, "The CMA evolution strategy: a tutorial", arXiv:1604.00772v2, 2023, Table 1 and equations (48) to (58), in its
letters.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import final

import numpy as np

from thalweg.arrays import Floats

__all__ = ["Parameters", "default_size", "parameters"]

ALPHA_COV = 2.0


@final
@dataclass(frozen=True, eq=False)
class Parameters:
    """What n columns and λ points make of the strategy.

    Attributes:
        weights: (λ,) w, decreasing; those of the better half add up to 1, those of the others are negative.
        mu: μ, number of positive weights.
        mu_eff: μ_eff, how many parents with equal weights would vary as little.
        c_sigma: c_σ, of the path of σ.
        d_sigma: d_σ, damping of σ.
        c_c: Of the path of C.
        c_1: Of the rank-one update.
        c_mu: c_μ, of the rank-μ update.
        expected_norm: E‖N(0, I)‖.
    """

    weights: Floats
    mu: int
    mu_eff: float
    c_sigma: float
    d_sigma: float
    c_c: float
    c_1: float
    c_mu: float
    expected_norm: float


def default_size(n: int) -> int:
    """Give λ for n columns, equation (48).

    Example:
        >>> default_size(10)
        10
    """
    return 4 + math.floor(3 * math.log(n))


@lru_cache(maxsize=64)
def parameters(n: int, size: int, speed: float = 1.0) -> Parameters:
    """Compute the parameters for n columns and λ = size points.

    Args:
        n: Columns.
        size: λ, at least 3.
        speed: Factor of c_1 and c_μ: a shape with fewer degrees of freedom is learned faster.

    Example:
        >>> p = parameters(10, 10)
        >>> p.mu, round(p.mu_eff, 2), round(p.c_sigma, 3), round(p.c_1, 4)
        (5, 3.17, 0.284, 0.0153)
    """
    raw = math.log((size + 1) / 2) - np.log(np.arange(1, size + 1))  # (49)
    better, worse = raw[raw > 0], raw[raw <= 0]
    mu_eff = float(better.sum() ** 2 / (better**2).sum())
    mu_eff_minus = float(worse.sum() ** 2 / (worse**2).sum())
    c_sigma = (mu_eff + 2) / (n + mu_eff + 5)  # (55)
    d_sigma = 1 + 2 * max(0.0, math.sqrt((mu_eff - 1) / (n + 1)) - 1) + c_sigma
    c_c = (4 + mu_eff / n) / (n + 4 + 2 * mu_eff / n)  # (56)
    c_1 = speed * ALPHA_COV / ((n + 1.3) ** 2 + mu_eff)  # (57)
    c_mu = ALPHA_COV * (0.25 + mu_eff + 1 / mu_eff - 2) / ((n + 2) ** 2 + ALPHA_COV * mu_eff / 2)
    c_mu = min(1 - c_1, speed * c_mu)  # (58)
    most = min(  # (50) to (52): the sum of the negative weights
        1 + c_1 / c_mu,
        1 + 2 * mu_eff_minus / (mu_eff + 2),
        (1 - c_1 - c_mu) / (n * c_mu),
    )
    weights = np.concatenate([better / better.sum(), -worse * (most / worse.sum())])  # (53)
    weights.flags.writeable = False
    norm = math.sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n * n))
    return Parameters(weights, len(better), mu_eff, c_sigma, d_sigma, c_c, c_1, c_mu, norm)
