"""Averaging: the weights, what is averaged, and that the noise goes."""

import numpy as np
import pytest

from thalweg.errors import InvalidSettings
from thalweg.optimizers.baseline.random_search import RandomSearch
from thalweg.optimizers.gradient import Averaged, GradientDescent
from thalweg.optimizers.gradient.learning_rates import StochasticArmijo
from thalweg.problem import Candidates, Minibatches, Need, Problem, evaluate
from thalweg.space import Box

NEED = Need.VALUE | Need.GRADIENT
random = np.random.default_rng(4)
X = random.normal(size=(400, 3))
Y = X @ [1.0, -2.0, 0.5] + random.normal(size=400)
PROBLEM = Problem(
    lambda w, X, y: np.mean((X @ w - y) ** 2),
    Box(dim=3),
    gradient=lambda w, X, y: 2 * X.T @ (X @ w - y) / len(y),
    minibatches=Minibatches(X, Y, size=10, seed=1),
)
SOLUTION = np.linalg.lstsq(X, Y, rcond=None)[0]


def descend(optimizer, evaluations, problem=PROBLEM):
    state, nothing, points = optimizer.init(problem, 0), Candidates.none(problem.columns), []
    for _ in range(evaluations):
        candidates, state = optimizer.ask(state, 1, nothing)
        state = optimizer.tell(state, evaluate(problem, candidates, NEED))
        points.append(optimizer.recommend(state))
    return points


@pytest.mark.parametrize("eta", [0, 3, 8.5])
def test_the_mean_has_the_weights_of_its_formula(eta):
    iterates = np.array(descend(GradientDescent(0.05), 50))
    means = descend(Averaged(GradientDescent(0.05), eta=eta), 50)
    np.testing.assert_array_equal(means[0], iterates[0])
    weights = np.ones(1)
    for t in range(2, 51):
        share = (eta + 1) / (t + eta)
        weights = np.append((1 - share) * weights, share)
        np.testing.assert_allclose(means[t - 1], weights @ iterates[:t], rtol=1e-9, atol=1e-12)
    if eta == 0:
        np.testing.assert_allclose(means[-1], iterates.mean(axis=0), rtol=1e-12)
    else:
        np.testing.assert_allclose(np.diff(np.log(weights[25:])).sum(), eta * np.log(50 / 26), rtol=0.1)


def test_the_noise_goes():
    last = descend(GradientDescent(0.1), 700)[-100:]
    noise = np.sqrt(np.mean(np.square(np.array(last) - SOLUTION)))
    for eta in (0, 3):
        mean = descend(Averaged(GradientDescent(0.1), eta=eta), 700)[-1]
        assert np.abs(mean - SOLUTION).max() < noise / 3


def test_only_new_points_count():
    """A line search recommends the same point while it searches."""
    optimizer = Averaged(GradientDescent(StochasticArmijo()), eta=0)
    iterates = [x for x in descend(GradientDescent(StochasticArmijo()), 60) if x is not None]
    distinct = [x for i, x in enumerate(iterates) if not i or not np.array_equal(x, iterates[i - 1])]
    assert len(distinct) < len(iterates)
    np.testing.assert_allclose(descend(optimizer, 60)[-1], np.mean(distinct, axis=0), rtol=1e-9)


def test_without_minibatches_nothing_else_is_recommended():
    problem = Problem(lambda x: float(x @ x), Box(-1, 3, dim=2), gradient=lambda x: 2 * x)
    assert descend(Averaged(GradientDescent(0.1)), 5, problem) == [None] * 5


def test_refuses_in_words():
    with pytest.raises(InvalidSettings, match=r"optimizer=RandomSearch\(.*expected one that follows gradients"):
        Averaged(RandomSearch())
    with pytest.raises(InvalidSettings, match="eta=-1"):
        Averaged(GradientDescent(), eta=-1)
