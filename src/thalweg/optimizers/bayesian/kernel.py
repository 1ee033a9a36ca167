"""The Matérn kernel with smoothness 5/2, as a function of the squared distance.

k(r) = (1 + √5 r + 5 r² / 3) exp(−√5 r),  r² = Σ_j ‖φ_j(x) − φ_j(x')‖² / ℓ_j²,

with one length scale ℓ_j a column (automatic relevance determination) and the features φ of
:class:`~thalweg.optimizers.bayesian.embedding.Embedding`. By s = r² it has the finite derivative
dk/ds = −5/6 (1 + √5 r) exp(−√5 r) everywhere, also where two points meet.

C. E. Rasmussen, C. K. I. Williams, "Gaussian Processes for Machine Learning", 2006, section 4.2.1.
"""

import numpy as np
from scipy.spatial.distance import pdist

from thalweg.arrays import Floats, Ints

__all__ = ["matern52", "pairwise"]


def matern52(squared: Floats) -> tuple[Floats, Floats]:
    """Compute k and dk/ds at squared distances s.

    Args:
        squared: Scaled squared distances s = r² ≥ 0, of any shape.

    Returns:
        k in (0, 1] and dk/ds < 0, of the same shape.

    Example:
        >>> value, slope = matern52(np.array([0.0, 1.0]))
        >>> value.round(6), slope.round(6)
        (array([1.      , 0.523994]), array([-0.833333, -0.28822 ]))
    """
    root = np.sqrt(5.0 * squared)
    decay = np.exp(-root)
    slope = (1.0 + root) * decay
    return slope + (5.0 / 3.0) * squared * decay, (-5.0 / 6.0) * slope


def pairwise(features: Floats, column: Ints, d: int) -> Floats:
    """Compute the unscaled squared distances of all pairs of points, in each column.

    Args:
        features: (n, D) points.
        column: (D,) the column of each feature.
        d: Number of columns.

    Returns:
        (d, n(n − 1)/2): for each column the part above the diagonal of an (n, n) matrix, row by row.
    """
    n = len(features)
    squared = np.zeros((d, n * (n - 1) // 2))
    for j in np.unique(column):
        squared[j] = pdist(features[:, column == j], "sqeuclidean")
    return squared
