"""The margin that keeps integers moving.

R. Hamano, S. Saito, M. Nomura, S. Shirakawa, "CMA-ES with margin: lower-bounding marginal probability for mixed-integer
black-box optimization", GECCO 2022. Letters are theirs.
"""

from dataclasses import replace

import numpy as np
from scipy.special import ndtr, ndtri

from thalweg.arrays import Floats
from thalweg.optimizers.evolution.cma.distribution import Distribution
from thalweg.space import CONTINUOUS, Columns

__all__ = ["with_margin"]

MANY = 2**30  # a column of so many values is as good as continuous, and its bins are lost in rounding


def with_margin(distribution: Distribution, columns: Columns, alpha: float) -> Distribution:
    """Move m, and stretch A, so that of every integer or grid the other values keep the probability α.

    Where a distribution narrows within one bin, rounding makes all points the same in this column, and there is nothing
    left to select. With the margin each generation tries other values now and then, on both sides.

    Args:
        distribution: In the unit cube of discrete columns.
        columns: Kinds and bounds.
        alpha: α, in (0, 1/2); 1 / (d λ) lets one column of one point in a generation change.
    """
    discrete = (columns.levels > 1) & (columns.levels < MANY)
    if not discrete.any():
        return distribution
    x = columns.from_unit(distribution.m[None])[0]
    half = np.where(discrete, np.where(columns.kind == CONTINUOUS, columns.step, 1.0) / 2, 0.0)
    lower, upper = columns.to_unit(np.stack([x - half, x + half]))  # ℓ_low(m) and ℓ_up(m)
    first, last = discrete & (lower < 1e-12), discrete & (upper > 1 - 1e-12)
    inner = discrete & ~first & ~last
    m, A = distribution.m.copy(), distribution.A.copy()
    deviation = distribution.deviations

    reach = deviation * ndtri(1 - alpha)  # CI(1 − 2α), section 4.2: m may be so far from the only threshold
    m[first] = np.maximum(m, upper - reach)[first]
    m[last] = np.minimum(m, lower + reach)[last]
    if inner.any():
        low, up = lower[inner], upper[inner]
        z_low, z_up = _quantiles(m[inner], deviation[inner], low, up, alpha)
        m[inner] = (low * z_up + up * z_low) / (z_low + z_up)
        A[inner] *= (up - low) / (z_low + z_up) / deviation[inner]
    return replace(distribution, m=m, A=A)


def _quantiles(m: Floats, deviation: Floats, lower: Floats, upper: Floats, alpha: float) -> tuple[Floats, Floats]:
    """Give how many deviations the thresholds shall lie from m, section 4.3, where both sides have at least α / 2."""
    p_low, p_up = ndtr((lower - m) / deviation), ndtr((m - upper) / deviation)
    p_mid = 1 - p_low - p_up
    least = alpha / 2
    q_low, q_up = np.maximum(p_low, least), np.maximum(p_up, least)
    surplus = (1 - q_low - q_up - p_mid) / (q_low + q_up + p_mid - 3 * least)  # ≤ 0, taken from what is above the least
    kept_low, kept_up = q_low + surplus * (q_low - least), q_up + surplus * (q_up - least)
    enough = (p_low >= least) & (p_up >= least)
    z_low = np.where(enough, (m - lower) / deviation, -ndtri(kept_low))
    z_up = np.where(enough, (upper - m) / deviation, -ndtri(kept_up))
    return z_low, z_up
