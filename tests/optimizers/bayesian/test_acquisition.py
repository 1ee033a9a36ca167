"""Log expected improvement: against arithmetic of many digits, quadrature, and finite differences."""

import mpmath
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import approx_fprime
from scipy.stats import norm

from thalweg.optimizers.bayesian.acquisition import LogExpectedImprovement, log_expected_improvement, log_h
from thalweg.optimizers.bayesian.embedding import Embedding
from thalweg.optimizers.bayesian.gaussian_process import GaussianProcess
from thalweg.rng import generator
from thalweg.space import Categorical, Float, Space


def exact(z):
    """Log h and its derivative with 60 digits; far out by the asymptotic series, as the difference cancels there."""
    with mpmath.workdps(60):
        z = mpmath.mpf(z)
        if z > -1e4:
            density, below = mpmath.npdf(z), mpmath.erfc(-z / mpmath.sqrt(2)) / 2
            h = density + z * below
            return float(mpmath.log(h)), float(below / h)
        t = -z
        # h = φ t⁻² (1 − 3 t⁻² + 15 t⁻⁴ …), Φ = φ t⁻¹ (1 − t⁻² + 3 t⁻⁴ …)
        h = sum((-1) ** k * mpmath.fac2(2 * k + 1) / t ** (2 * k) for k in range(6)) / t**2
        below = sum((-1) ** k * mpmath.fac2(2 * k - 1) / t ** (2 * k) for k in range(6)) / t
        return float(mpmath.log(h) - t**2 / 2 - mpmath.log(2 * mpmath.pi) / 2), float(below / h)


@pytest.mark.parametrize(
    "z", [1e10, 30, 5, 1, 0, -0.5, -1, -1.0001, -3, -8, -20, -60, -99.9, -100.1, -1e3, -9e3, -1e5, -1e8, -1e10]
)
def test_log_h_and_its_slope_are_exact(z):
    value, slope = log_h(np.array([z], dtype=float))
    assert value[0] == pytest.approx(exact(z)[0], rel=1e-13, abs=1e-15)
    assert slope[0] == pytest.approx(exact(z)[1], rel=1e-11)


def test_agrees_with_quadrature():
    mean, deviation, best = 0.3, 0.8, -0.2
    expected, _ = quad(lambda f: (best - f) * norm.pdf(f, mean, deviation), -20, best, epsabs=1e-14)
    found, _, _ = log_expected_improvement(np.array([mean]), np.array([deviation**2]), best)
    assert found[0] == pytest.approx(np.log(expected), rel=1e-9)


@pytest.mark.parametrize("mean", [-3.0, 0.0, 0.9, 2.0, 40.0, 500.0])
def test_partial_derivatives_are_those_of_finite_differences(mean):
    def value(at):
        return log_expected_improvement(at[:1], at[1:], 0.1)[0][0]

    _, by_mean, by_variance = log_expected_improvement(np.array([mean]), np.array([0.5]), 0.1)
    difference = approx_fprime(np.array([mean, 0.5]), value, 1e-7)
    np.testing.assert_allclose([by_mean[0], by_variance[0]], difference, rtol=1e-4, atol=1e-6)


def test_gradient_in_the_unit_cube_is_that_of_finite_differences():
    columns = Space(
        {
            "kind": Categorical(["a", "b"]),
            "x": Float(-5, 5),
            "rate": Float(1e-3, 1, log=True, when={"kind": ["b"]}),
        }
    ).columns
    embedding, x = Embedding(columns), columns.random(generator(0), 25)
    y = (x[:, 1] - 1) ** 2 / 10 - x[:, 0]
    theta = np.array([0.1, -0.6, -0.3, 0.0, -6.0])
    process = GaussianProcess.condition(embedding(x), embedding.column, y, theta)
    acquisition = LogExpectedImprovement(process, embedding, float(y.min()))
    at = columns.random(generator(1), 12)
    active, u = columns.activity(at), columns.to_unit(at)
    value, gradient = acquisition.with_gradient(u, active)
    np.testing.assert_allclose(value, acquisition(at), rtol=1e-9)
    assert active[:, 2].any() and not active[:, 2].all()
    for j in (1, 2):
        step = np.zeros(3)
        step[j] = 1e-6
        ahead, behind = (acquisition.with_gradient(u + sign * step, active)[0] for sign in (1, -1))
        np.testing.assert_allclose(gradient[:, j], (ahead - behind) / 2e-6, rtol=1e-3, atol=1e-4)
    assert not gradient[:, 0].any()
