"""The kernel, against scikit-learn."""

import numpy as np
from scipy.optimize import approx_fprime
from scipy.spatial.distance import squareform
from sklearn.gaussian_process.kernels import Matern

from thalweg.optimizers.bayesian.kernel import matern52, pairwise


def test_agrees_with_scikit_learn():
    x = np.random.default_rng(0).random((30, 4))
    lengths = np.array([0.05, 0.4, 1.0, 9.0])
    squared = squareform(np.square(1 / lengths) @ pairwise(x, np.arange(4), 4))
    np.testing.assert_allclose(matern52(squared)[0], Matern(lengths, nu=2.5)(x), rtol=1e-12)


def test_slope_is_that_of_finite_differences():
    for s in (1e-3, 0.5, 4.0, 100.0):
        slope = matern52(np.array([s]))[1]
        np.testing.assert_allclose(slope, approx_fprime([s], lambda at: matern52(at)[0][0], 1e-7), rtol=1e-3, atol=1e-8)
    assert matern52(np.zeros(1))[1] == -5 / 6


def test_features_of_one_column_add_up():
    x = np.array([[0.0, 0.0, 5.0], [3.0, 4.0, 5.0], [3.0, 0.0, 7.0]])
    np.testing.assert_allclose(pairwise(x, np.array([1, 1, 0]), 3), [[0, 4, 4], [25, 9, 16], [0, 0, 0]])
