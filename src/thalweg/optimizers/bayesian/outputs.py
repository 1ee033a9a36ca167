"""Observed values, made fit for a Gaussian process: centred, scaled, and brought near to a normal distribution."""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.stats import yeojohnson, yeojohnson_llf

from thalweg.arrays import Floats

__all__ = ["standardize"]

REACH = 3.0  # spreads from the median beyond which a value counts by its logarithm
POWERS = (-1.0, 3.0)  # range of λ; 1 changes nothing, 2 − λ does to low values what λ does to high ones


def standardize(value: Floats) -> Floats:
    """Map values to mean 0 and variance 1, never reversing their order.

    First a value more than three spreads from the median (the median of the distances from it that are not 0) is drawn in
    to 3 + log(1 + excess), so that one divergence of size 10¹² does not make all others look equal. Then the power
    transformation of Yeo and Johnson, with λ of the highest likelihood, removes what skewness is left.

    Args:
        value: (n,) finite values of any size, n ≥ 1; they may all be equal.

    Returns:
        (n,) standardized values; all 0 where all values are equal.

    Example:
        >>> standardize(np.array([1.0, 2.0, 3.0, 1e12])).round(2)
        array([-0.83, -0.56, -0.31,  1.7 ])

    Reference:
        I.-K. Yeo, R. A. Johnson, "A new family of power transformations to improve normality or symmetry", Biometrika 87,
        2000. A. Cowen-Rivers et al., "HEBO: pushing the limits of sample-efficient hyperparameter optimisation", 2022.
    """
    drawn = _scale(_draw_in(value))
    if len(np.unique(drawn)) < 3:
        return drawn
    power = minimize_scalar(lambda power: -float(yeojohnson_llf(power, drawn)), bounds=POWERS, method="bounded").x
    return _scale(np.asarray(yeojohnson(drawn, power)))


def _draw_in(value: Floats) -> Floats:
    scaled = value / 4.0  # differences of the largest numbers would overflow
    centred = scaled - np.median(scaled)
    distance = np.abs(centred)
    if not distance.any():
        return centred
    spread = np.median(distance[distance > 0])
    with np.errstate(over="ignore"):
        size = np.minimum(distance / spread, np.finfo(np.float64).max)
    return np.asarray(np.sign(centred) * (np.minimum(size, REACH) + np.log1p(np.maximum(size - REACH, 0.0))))


def _scale(value: Floats) -> Floats:
    deviation = float(np.std(value))
    return (value - value.mean()) / deviation if deviation > 0 else np.zeros(len(value))
