"""Backpropagation against gradients by hand."""

import numpy as np
import pytest

from thalweg.errors import InvalidProblem
from thalweg.problem import Candidates, Minibatches, Need, Problem, evaluate
from thalweg.problem.differentiate import value_and_gradient
from thalweg.problem.functions import rosenbrock
from thalweg.space import Box, Float

torch = pytest.importorskip("torch")
NEED = Need.VALUE | Need.GRADIENT


def valley(x):
    return ((1 - x[..., :-1]) ** 2 + 100 * (x[..., 1:] - x[..., :-1] ** 2) ** 2).sum(-1)


@pytest.mark.parametrize("vectorized", [False, True])
def test_backpropagation_agrees_with_the_gradient_by_hand(vectorized):
    f = rosenbrock(dim=4)
    x = np.random.default_rng(0).normal(size=(5, 4))
    problem = Problem(valley, Box(dim=4), gradient="torch", vectorized=vectorized)
    told = evaluate(problem, Candidates.at(problem.columns, x), NEED)
    np.testing.assert_allclose(told.value[:, 0], f(x), rtol=1e-14)
    np.testing.assert_allclose(told.gradient[:, 0], f.gradient(x), rtol=1e-12)


def test_named_parameters_get_their_own_derivatives():
    problem = Problem(
        lambda p: p["a"] ** 2 * p["w"].sum() + 3 * p["w"][1],
        {"a": Float(-5, 5), "unused": Float(0, 1), "w": Box(dim=2)},
        gradient="torch",
        goal="maximize",
    )
    told = evaluate(problem, Candidates.at(problem.columns, np.array([[2.0, 0.5, 1.0, -4.0]])), NEED)
    assert told.value.tolist() == [[24.0]]
    assert told.gradient.tolist() == [[[12.0, 0.0, -4.0, -7.0]]]


def test_batches_arrive_as_tensors():
    def loss(w, X, y):
        assert isinstance(X, torch.Tensor)
        return ((X @ w - y) ** 2).mean()

    X, y = np.random.default_rng(0).normal(size=(8, 3)), np.arange(8.0)
    problem = Problem(loss, Box(dim=3), gradient="torch", minibatches=Minibatches(X, y, size=8))
    w = np.array([[1.0, -1.0, 0.5]])
    told = evaluate(problem, Candidates.at(problem.columns, w), NEED)
    np.testing.assert_allclose(told.gradient[0, 0], 2 * X.T @ (X @ w[0] - y) / 8, rtol=1e-12)


def test_gradients_work_where_a_caller_has_switched_them_off():
    with torch.no_grad():
        value, gradient = value_and_gradient(lambda x: (x**2).sum(), "torch", (np.array([1.0, 2.0]),))
    assert float(value) == 5 and gradient.tolist() == [2, 4]


@pytest.mark.parametrize("objective", [lambda x: 1.0, lambda x: x.detach().sum(), lambda x: torch.tensor(1.0)])
def test_an_objective_without_torch_operations_is_a_failure_in_words(objective):
    problem = Problem(objective, Box(dim=1), gradient="torch")
    told = evaluate(problem, Candidates.at(problem.columns, np.ones((1, 1))), NEED)
    assert not told.complete[0] and "must return a torch tensor computed from its argument" in told.errors[0]


def test_a_gradient_that_is_no_function_is_refused():
    with pytest.raises(InvalidProblem, match="gradient must be a function or 'torch'"):
        value_and_gradient(lambda x: 0.0, "numpy", (np.ones(1),))
