"""Problems: what is accepted, and what does not fit together."""

import numpy as np
import pytest

from thalweg.errors import InvalidProblem, InvalidSpace, MissingDependency
from thalweg.problem import Minibatches, Need, Problem
from thalweg.space import Box, Categorical, Float, Int, Space


def zero(*_):
    return 0.0


def test_convenient_arguments_become_strict_fields():
    problem = Problem(zero, {"x": Float(0, 1)}, goal="maximize", constraints=zero)
    assert isinstance(problem.space, Space)
    assert problem.goals == ("maximize",) and problem.constraints == (zero,)
    assert problem.signs == [-1.0] and problem.objectives == 1
    assert problem.provides == Need.VALUE
    several = Problem(zero, Box(0, 1, dim=2), goal=["minimize", "maximize"], constraints=[zero, zero])
    assert several.signs == [1.0, -1.0] and several.objectives == 2 and len(several.constraints) == 2
    assert Problem(zero, Box(dim=2), gradient=zero).provides == Need.VALUE | Need.GRADIENT


def test_gradients_go_with_one_goal_of_real_columns():
    space = {"x": Float(0, 1, log=False), "w": Box(dim=2)}
    assert Problem(zero, space, gradient=zero, minibatches=Minibatches(np.arange(3), size=1)).columns.dim == 3


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Problem(3, Box(dim=1)), "the objective must be a function, got 3"),
        (
            lambda: Problem(zero, Box(dim=1), goal="smallest"),
            "a goal is 'minimize' or 'maximize', got ('smallest',)",
        ),
        (lambda: Problem(zero, Box(dim=1), goal=[]), "a goal is 'minimize' or 'maximize', got ()"),
        (
            lambda: Problem(zero, Box(dim=1), constraints=[zero, 1]),
            "a constraint must be a function, feasible where ≤ 0",
        ),
        (
            lambda: Problem(zero, Box(dim=1), gradient="jax"),
            "gradient must be a function, 'torch' or None, got 'jax'",
        ),
        (
            lambda: Problem(zero, Box(dim=1), gradient=zero, goal=["minimize"] * 2),
            "a gradient is given for one objective",
        ),
        (lambda: Problem(zero, {"n": Int(0, 1)}, gradient=zero), "a gradient needs real-valued columns"),
        (
            lambda: Problem(zero, {"x": Float(0, 1, step=0.5)}, gradient=zero),
            "a gradient needs real-valued columns",
        ),
        (
            lambda: Problem(zero, {"k": Categorical([1, 2])}, gradient=zero),
            "a gradient needs real-valued columns",
        ),
    ],
)
def test_what_does_not_fit_is_refused_in_words(make, text):
    with pytest.raises(InvalidProblem) as caught:
        make()
    assert text in str(caught.value)


def test_a_contradictory_space_is_refused():
    with pytest.raises(InvalidSpace):
        Problem(zero, {})


def test_a_missing_pytorch_is_said_at_once(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingDependency, match=r"gradient='torch' needs PyTorch.*pip install 'thalweg\[torch\]'"):
        Problem(zero, Box(dim=1), gradient="torch")
