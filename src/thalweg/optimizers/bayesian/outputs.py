"""Observed values, made fit for a Gaussian process: centred, scaled, and with their extremes drawn in."""

import numpy as np

from thalweg.arrays import Floats

__all__ = ["standardize"]

REACH = 3.0  # spreads from the median beyond which a value counts by its logarithm


def standardize(value: Floats) -> Floats:
    """Map values monotonically to mean 0 and variance 1.

    A value more than three spreads from the median (spread: the larger quartile's distance) is drawn in to
    3 + log(1 + excess), so that one divergence of size 10¹² does not make all other values look equal. Order is kept.

    Args:
        value: (n,) finite values, n ≥ 1, of any size; they may all be equal.

    Returns:
        (n,) standardized values; all 0 where all values are equal.

    Example:
        >>> standardize(np.array([1.0, 2.0, 3.0, 1e12])).round(2)
        array([-0.64, -0.56, -0.49,  1.69])
    """
    largest = float(np.abs(value).max())
    if largest == 0.0:
        return np.zeros(len(value))
    scaled = value / largest  # first, as sums and differences of huge values overflow
    low, median, high = np.quantile(scaled, [0.25, 0.5, 0.75])
    centred = scaled - median
    spread = max(high - median, median - low)
    if spread > 0:
        size = np.abs(centred) / spread
        excess = np.log1p(np.maximum(size - REACH, 0.0))
        centred = np.sign(centred) * (np.minimum(size, REACH) + excess)
    deviation = float(np.std(centred))
    return (centred - centred.mean()) / deviation if deviation > 0 else np.zeros(len(value))
