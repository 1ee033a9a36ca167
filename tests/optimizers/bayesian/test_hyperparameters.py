"""The posterior of the hyperparameters: its likelihood, its prior, its gradient, its maximum."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from scipy.stats import norm
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

from thalweg.optimizers.bayesian.hyperparameters import MEAN_VARIANCE, cholesky, fit, log_posterior, typical
from thalweg.optimizers.bayesian.kernel import pairwise


def data(n=40, d=3, noise=0.0, seed=0):
    random = np.random.default_rng(seed)
    x = random.random((n, d))
    y = np.sin(6 * x[:, 0]) + x[:, 1] ** 2 + noise * random.standard_normal(n)
    return x, (y - y.mean()) / y.std()


def log_prior(theta):
    """Independent of the implementation: densities of SciPy, without their normalization."""
    d = len(theta) - 2
    at = [norm(np.log(0.3) + 0.5 * np.log(d), 1.0)] * d + [norm(0, 1), norm(np.log(1e-3), 1.5)]
    return sum(density.logpdf(t) - density.logpdf(density.mean()) for density, t in zip(at, theta, strict=True))


@pytest.mark.parametrize("theta", [[0.0, 0.5, -1.0, 0.3, -3.0], [-2.0, 1.0, 2.0, -1.0, -7.0]])
def test_likelihood_agrees_with_scikit_learn(theta):
    x, y = data()
    theta = np.array(theta)
    kernel = (
        ConstantKernel(np.exp(theta[3])) * Matern(np.exp(theta[:3]), nu=2.5)
        + ConstantKernel(MEAN_VARIANCE)
        + WhiteKernel(np.exp(theta[4]))
    )
    reference = GaussianProcessRegressor(kernel, alpha=0.0, optimizer=None).fit(x, y).log_marginal_likelihood_value_
    value, _ = log_posterior(theta, pairwise(x, np.arange(3), 3), y)
    assert value == pytest.approx(reference + log_prior(theta), rel=1e-10)


def test_gradient_is_that_of_finite_differences():
    x, y = data()
    squared = pairwise(x, np.arange(3), 3)
    for theta in np.random.default_rng(1).normal([0, 0, 0, 0, -3], 0.7, (5, 5)):
        difference = approx_fprime(theta, lambda at: log_posterior(at, squared, y)[0], 1e-6)
        np.testing.assert_allclose(log_posterior(theta, squared, y)[1], difference, rtol=1e-4, atol=1e-3)


def test_fit_finds_a_maximum_and_what_matters():
    x, y = data(n=120, noise=0.2)
    squared = pairwise(x, np.arange(3), 3)
    theta = fit(squared, y, typical(3))
    assert np.abs(log_posterior(theta, squared, y)[1]).max() < 0.05
    assert theta[2] > max(theta[0], theta[1]), "the third column does not matter"
    assert 0.01 < np.exp(theta[-1]) < 0.3, "the noise has a variance of about 0.07"


def test_fit_leaves_a_poorer_maximum():
    x, y = data(n=30, noise=0.5, seed=5)
    squared = pairwise(x, np.arange(3), 3)
    best = log_posterior(fit(squared, y, typical(3)), squared, y)[0]
    found = fit(squared, y, np.array([-4.0, 0.0, 0.0, 0.0, -12.0]))  # alone it ends 8 lower
    assert log_posterior(found, squared, y)[0] >= best - 1e-6


@pytest.mark.parametrize("y", [np.zeros(6), np.array([1.0, -1, 1, -1, 1, -1])])
def test_fit_bears_points_that_coincide(y):
    theta = fit(np.zeros((2, 15)), y, typical(2))
    assert np.isfinite(theta).all()


def test_cholesky_adds_little_and_only_where_needed():
    good = np.array([[2.0, 1.0], [1.0, 2.0]])
    np.testing.assert_array_equal(cholesky(good), np.linalg.cholesky(good))
    singular = np.ones((50, 50))
    factor = cholesky(singular)
    np.testing.assert_allclose(factor @ factor.T, singular, atol=1e-10)
    indefinite = np.array([[1.0, 3.0], [3.0, 1.0]])
    assert np.isfinite(cholesky(indefinite)).all()
