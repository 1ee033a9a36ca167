"""The objective against the formula written out, and its gradient against differences."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from thalweg.training.losses import Logistic, Multinomial, Poisson, Squared
from thalweg.training.objective import LinearObjective
from thalweg.training.penalties import L2, NoPenalty
from thalweg.training.rows import rows_of


def case(loss, predictors=1, sparse=False, weighted=True, intercept=True, dtype=np.float64):
    random = np.random.default_rng(3)
    X = random.normal(size=(60, 4)).astype(dtype)
    y = random.integers(max(2, predictors), size=60).astype(dtype)
    weight = random.random(60).astype(dtype) if weighted else None
    rows = rows_of(csr_array(X) if sparse else X, y, weight)
    return LinearObjective(rows, loss, L2(), 0.3, intercept, predictors), X, y, weight, random


@pytest.mark.parametrize(("loss", "predictors"), [(Squared(), 1), (Logistic(), 1), (Poisson(), 1), (Multinomial(), 3)])
@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("intercept", [False, True])
def test_value_and_gradient(loss, predictors, sparse, intercept):
    objective, X, y, weight, random = case(loss, predictors, sparse, intercept=intercept)
    theta = random.normal(size=objective.shape) / 2
    eta = X @ theta[:4] + (theta[4] if intercept else 0)
    expected = np.average(loss.value(eta, y), weights=weight) + 0.15 * (theta[:4] ** 2).sum()
    value, gradient = objective.value_and_gradient(theta)
    assert value == pytest.approx(expected, rel=1e-12)
    assert objective.value(theta) == pytest.approx(expected, rel=1e-12)
    numeric = np.empty_like(gradient)
    for index in np.ndindex(theta.shape):
        h = np.zeros_like(theta)
        h[index] = 1e-6
        numeric[index] = (objective.value(theta + h) - objective.value(theta - h)) / 2e-6
    np.testing.assert_allclose(gradient, numeric, rtol=1e-6, atol=1e-8)


def test_starts_at_zero_with_the_best_intercept():
    for loss in (Squared(), Poisson()):
        objective, _, y, weight, _ = case(loss)
        theta = objective.start()
        assert theta[:4].tolist() == [0.0] * 4
        assert float(loss.mean(theta[4:])[0]) == pytest.approx(np.average(y, weights=weight))
        assert abs(objective.value_and_gradient(theta)[1][4]) < 1e-12


def test_single_precision_is_kept_row_by_row_and_summed_in_double():
    objective, _, _, _, random = case(Logistic(), dtype=np.float32)
    theta = random.normal(size=objective.shape)
    (chunk,) = objective.rows.chunks()
    assert objective.predictor(chunk.X, theta).dtype == np.float32
    assert objective.value_and_gradient(theta)[1].dtype == np.float64


def test_no_strength_means_no_penalty():
    objective, *_ = case(Squared())
    free = LinearObjective(objective.rows, Squared(), L2(), 0.0, True)
    none = LinearObjective(objective.rows, Squared(), NoPenalty(), 5.0, True)
    theta = np.ones(5)
    assert free.value(theta) == none.value(theta)
    assert free.ridges.tolist() == [0.0] * 5 and objective.ridges.tolist() == [0.3] * 4 + [0.0]
