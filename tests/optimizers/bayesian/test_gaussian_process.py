"""The Gaussian process: predictions against scikit-learn, gradients, extension, degenerate data."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern

from thalweg.optimizers.bayesian.gaussian_process import GaussianProcess
from thalweg.optimizers.bayesian.hyperparameters import MEAN_VARIANCE

THETA = np.array([-0.5, 0.2, 1.0, 0.3, -4.0])
COLUMN = np.arange(3)


def data(n=35, seed=0):
    x = np.random.default_rng(seed).random((n, 3))
    return x, np.sin(5 * x[:, 0]) + x[:, 1]


def process(n=35):
    x, y = data(n)
    return GaussianProcess.condition(x, COLUMN, y, THETA)


def test_predictions_agree_with_scikit_learn():
    x, y = data()
    at = np.random.default_rng(1).random((20, 3))
    kernel = ConstantKernel(np.exp(THETA[3])) * Matern(np.exp(THETA[:3]), nu=2.5) + ConstantKernel(MEAN_VARIANCE)
    reference = GaussianProcessRegressor(kernel, alpha=np.exp(THETA[4]), optimizer=None).fit(x, y)
    mean, deviation = reference.predict(at, return_std=True)
    found_mean, found_variance = process().predict(at)
    np.testing.assert_allclose(found_mean, mean, rtol=1e-10)
    np.testing.assert_allclose(found_variance, deviation**2, rtol=1e-9)


def test_gradients_are_those_of_finite_differences():
    gp = process()
    at = np.random.default_rng(1).random((6, 3))
    mean, variance, by_mean, by_variance = gp.predict_with_gradient(at)
    np.testing.assert_allclose((mean, variance), gp.predict(at), rtol=1e-12)
    for i, point in enumerate(at):
        for which, gradient in enumerate((by_mean, by_variance)):
            difference = approx_fprime(point, lambda p, w=which: gp.predict(p[None])[w][0], 1e-6)
            np.testing.assert_allclose(gradient[i], difference, rtol=1e-4, atol=1e-5)


def test_extension_equals_conditioning_on_everything():
    x, y = data()
    whole, parts = process(), GaussianProcess.condition(x[:20], COLUMN, y[:20], THETA)
    parts = parts.extend(x[20:21], y[20:21]).extend(x[21:], y[21:])
    at = np.random.default_rng(1).random((20, 3))
    np.testing.assert_allclose(parts.predict(at), whole.predict(at), rtol=1e-9)
    np.testing.assert_allclose(parts.factor, whole.factor, atol=1e-10)


def test_believing_the_mean_leaves_the_mean_and_lowers_the_variance():
    gp, at = process(), np.random.default_rng(1).random((20, 3))
    mean, variance = gp.predict(at)
    after, less = gp.extend(at[:3], mean[:3]).predict(at)
    np.testing.assert_allclose(after, mean, atol=1e-10)
    assert (less < variance).all()


def test_fitted_is_the_mean_at_the_observed_points():
    x, _ = data()
    np.testing.assert_allclose(process().fitted, process().predict(x)[0], rtol=1e-10)


@pytest.mark.parametrize("n", [1, 12])
@pytest.mark.parametrize("noise", [-4.0, -16.0])
def test_bears_one_point_many_times(n, noise):
    theta = np.append(THETA[:4], noise)
    gp = GaussianProcess.condition(np.full((n, 3), 0.4), COLUMN, np.ones(n), theta)
    gp = gp.extend(np.full((n, 3), 0.4), np.full(n, 2.0))
    for result in gp.predict_with_gradient(np.array([[0.4] * 3, [0.9] * 3])):
        assert np.isfinite(result).all()
    assert (gp.predict(np.full((1, 3), 0.4))[1] > 0).all()
