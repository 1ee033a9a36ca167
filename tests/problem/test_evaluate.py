"""Evaluation: what is called with what, and how answers are checked."""

import math

import numpy as np
import pytest

from thalweg.errors import InvalidProblem
from thalweg.problem import Candidates, Minibatches, Need, Problem, Status, evaluate, judge
from thalweg.space import Box, Categorical, Float, Int

NEED = Need.VALUE | Need.GRADIENT
MIXED = {"x": Float(0, 1, when={"kind": ["b"]}), "n": Int(1, 9), "kind": Categorical(["a", "b"])}
ROWS = np.array([[0.25, 3.0, 1.0], [0.5, 4.0, 0.0]])


def at(problem, x, slot=None):
    return Candidates.at(problem.columns, np.array(x, float), slot)


def test_a_function_is_called_with_each_configuration():
    seen = []
    problem = Problem(lambda p: seen.append(p) or p["n"], MIXED)
    told = evaluate(problem, at(problem, ROWS))
    assert seen == [{"x": 0.25, "n": 3, "kind": "b"}, {"n": 4, "kind": "a"}]
    assert told.value.tolist() == [[3], [4]] and told.gradient is None and told.violation.shape == (2, 0)
    assert told.status.tolist() == [Status.COMPLETE] * 2 and (told.cost >= 0).all() and not told.errors


def test_a_vectorized_function_is_called_once():
    calls = []
    problem = Problem(lambda p: calls.append(p) or p["n"] * 2.0, MIXED, vectorized=True)
    told = evaluate(problem, at(problem, ROWS))
    (seen,) = calls
    assert seen["kind"].tolist() == ["b", "a"] and seen["n"].tolist() == [3, 4]
    assert seen["x"][0] == 0.25 and math.isnan(seen["x"][1])
    assert told.value.tolist() == [[6], [8]]


def test_a_function_that_writes_to_its_argument_changes_nothing_else():
    def spoil(x):
        x[:] = 99
        return x.sum(axis=-1)

    for vectorized in (False, True):
        problem = Problem(spoil, Box(0, 1, dim=2), vectorized=vectorized)
        candidates = at(problem, [[0.1, 0.2], [0.3, 0.4]])
        evaluate(problem, candidates)
        assert candidates.x.tolist() == [[0.1, 0.2], [0.3, 0.4]]


def test_maximized_goals_change_their_sign_here():
    problem = Problem(lambda x: (x[0], x[1]), Box(0, 1, dim=2), goal=["maximize", "minimize"])
    assert evaluate(problem, at(problem, [[0.25, 0.5]])).value.tolist() == [[-0.25, 0.5]]
    problem = Problem(lambda x: x[0], Box(0, 1, dim=1), goal="maximize", gradient=lambda x: np.ones(1))
    told = evaluate(problem, at(problem, [[0.25]]), NEED)
    assert told.value.tolist() == [[-0.25]] and told.gradient.tolist() == [[[-1.0]]]


@pytest.mark.parametrize("vectorized", [False, True])
def test_constraints_are_columns(vectorized):
    problem = Problem(
        lambda x: x[..., 0], Box(-1, 1, dim=2), vectorized=vectorized, goal="maximize",
        constraints=[lambda x: x[..., 0] - 0.5, lambda x: -x[..., 1]],
    )  # fmt: skip
    told = evaluate(problem, at(problem, [[0.75, 0.5], [0.25, -1.0]]))
    assert told.violation.tolist() == [[0.25, -0.5], [-0.25, 1.0]]
    assert told.infeasibility.tolist() == [0.25, 1.0]


def test_gradients_come_in_the_form_of_a_configuration():
    space = {"a": Float(-5, 5), "w": Box(dim=2)}
    problem = Problem(lambda p: p["a"] + p["w"].sum(), space, gradient=lambda p: {"w": np.array([2.0, 3.0]), "a": 1.0})
    told = evaluate(problem, at(problem, [[0.0, 0.0, 0.0]]), NEED)
    assert told.gradient.tolist() == [[[1, 2, 3]]]
    assert evaluate(problem, at(problem, [[0.0, 0.0, 0.0]])).gradient is None, "nobody asked for it"


def test_vectorized_gradients_are_rows():
    problem = Problem(lambda x: (x**2).sum(axis=1), Box(dim=2), gradient=lambda x: 2 * x, vectorized=True)
    told = evaluate(problem, at(problem, [[1.0, 2.0], [3.0, 4.0]]), NEED)
    assert told.gradient.tolist() == [[[2, 4]], [[6, 8]]]


@pytest.mark.parametrize("vectorized", [False, True])
def test_nothing_is_evaluated_to_nothing(vectorized):
    problem = Problem(
        lambda x: (x**2).sum(axis=1),
        Box(dim=2),
        gradient=lambda x: 2 * x,
        vectorized=vectorized,
        constraints=len,
    )
    told = evaluate(problem, Candidates.none(problem.columns), NEED)
    assert told.value.shape == (0, 1) and told.violation.shape == (0, 1)


def test_the_slot_chooses_the_minibatch_unless_there_is_a_parent():
    batches = Minibatches(np.arange(10.0), size=3, seed=2)
    problem = Problem(lambda x, y: float(y.sum()), Box(dim=1), minibatches=batches)
    told = evaluate(problem, at(problem, [[0.0]] * 3, np.array([5, 0, -1])))
    assert told.value[:, 0].tolist() == [batches.at(k)[0].sum() for k in (5, 0, 0)]
    twice = Candidates.at(problem.columns, np.zeros((3, 1)), np.array([5, 6, 7]), np.array([-1, 5, 0]))
    assert evaluate(problem, twice).value[:, 0].tolist() == [batches.at(k)[0].sum() for k in (5, 5, 0)]


def test_data_that_cannot_be_read_is_a_failed_evaluation():
    def read(rows):
        raise OSError("the file is gone")

    problem = Problem(lambda x, y: 0.0, Box(dim=1), minibatches=Minibatches.of(read, rows=4, size=2))
    told = evaluate(problem, at(problem, [[0.0]], np.array([0])))
    assert not told.complete[0] and told.errors[0].startswith("OSError: the file is gone (line ")


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (math.nan, "the objective is not finite: [nan]"),
        (math.inf, "the objective is not finite: [inf]"),
        (None, "the objective returned None of type NoneType, expected one number"),
        ("0.5", "the objective returned '0.5' of type str, expected one number"),
        ([1, 2], "the objective returned an array of shape (2,), expected one number"),
        ({"loss": 1}, "the objective returned {'loss': 1} of type dict"),
    ],
)
def test_answers_that_are_no_finite_number_fail_in_words(answer, text):
    problem = Problem(lambda x: answer if x[0] > 0.5 else 1.0, Box(0, 1, dim=1))
    told = evaluate(problem, at(problem, [[0.0], [1.0], [0.2]]))
    assert told.status.tolist() == [Status.COMPLETE, Status.FAILED, Status.COMPLETE]
    assert math.isnan(told.value[1, 0]) and list(told.errors) == [1]
    assert text in told.errors[1]


@pytest.mark.parametrize("answer", [1, True, np.float32(1), [1.0], np.array([[1.0]]), np.array(1)])
def test_whatever_is_one_number_is_taken(answer):
    problem = Problem(lambda x: answer, Box(0, 1, dim=1))
    assert evaluate(problem, at(problem, [[0.0]])).value.tolist() == [[1.0]]


def test_an_exception_fails_its_row_and_names_its_place():
    def broken(x):
        if x[0] > 0.5:
            raise ZeroDivisionError("too small")
        return 1.0

    problem = Problem(broken, Box(0, 1, dim=1), constraints=lambda x: -1.0)
    told = evaluate(problem, at(problem, [[1.0], [0.0]]))
    assert told.status.tolist() == [Status.FAILED, Status.COMPLETE] and told.violation[1, 0] == -1
    assert told.errors[0].startswith("ZeroDivisionError: too small (line ") and "test_evaluate.py" in told.errors[0]


def test_rows_of_a_vectorized_answer_fail_one_by_one_and_an_exception_fails_all():
    problem = Problem(lambda x: np.where(x[:, 0] > 0.5, np.nan, 1.0), Box(0, 1, dim=1), vectorized=True)
    assert evaluate(problem, at(problem, [[1.0], [0.0]])).status.tolist() == [Status.FAILED, Status.COMPLETE]
    problem = Problem(lambda x: x[:, 5], Box(0, 1, dim=1), vectorized=True)
    told = evaluate(problem, at(problem, [[1.0], [0.0]]))
    assert told.status.tolist() == [Status.FAILED] * 2 and "IndexError" in told.errors[1]


@pytest.mark.parametrize("answer", [np.ones(3), 1.0, np.ones((2, 2))])
def test_a_vectorized_answer_has_one_number_a_row(answer):
    problem = Problem(lambda x: answer, Box(0, 1, dim=1), vectorized=True)
    told = evaluate(problem, at(problem, [[1.0], [0.0]]))
    assert not told.complete.any() and "expected one number for each of 2 points" in told.errors[0]


@pytest.mark.parametrize(
    ("constraint", "gradient", "text"),
    [
        (lambda x: math.nan, None, "a constraint is not a number"),
        (lambda x: [1, 2], None, "constraint 0 returned an array of shape (2,)"),
        (lambda x: 0.0, lambda x: np.full(2, np.nan), "the gradient is not finite"),
        (lambda x: 0.0, lambda x: np.ones(3), "the gradient has shape (3,), expected (2,)"),
        (lambda x: 0.0, lambda x: {"y": 1.0}, "the gradient lacks the partial derivative of x"),
    ],
)
def test_wrong_constraints_and_gradients_fail_in_words(constraint, gradient, text):
    problem = Problem(lambda x: 0.0, Box(dim=2), constraints=constraint, gradient=gradient)
    told = evaluate(problem, at(problem, [[0.0, 0.0]]), NEED)
    assert not told.complete[0] and text in told.errors[0]


def test_an_infinite_violation_is_huge_and_no_failure():
    problem = Problem(lambda x: 0.0, Box(0, 1, dim=1), constraints=lambda x: math.inf)
    assert evaluate(problem, at(problem, [[0.0]])).infeasibility.tolist() == [1e300]


def test_a_constraint_that_answers_true_is_refused():
    problem = Problem(lambda x: 0.0, Box(0, 1, dim=1), constraints=lambda x: x[0] > 0.5)
    (error,) = evaluate(problem, at(problem, [[0.0]])).errors.values()
    assert "constraint 0 returned a truth value" in error


def test_every_function_may_change_what_it_is_given():
    def spoil(p):
        return p.pop("a")

    problem = Problem(spoil, {"a": Float(0, 1)}, constraints=[spoil, spoil], gradient=lambda p: {"a": 2 * spoil(p)})
    told = evaluate(problem, at(problem, [[0.25]]), Need.VALUE | Need.GRADIENT)
    assert told.value[0, 0] == 0.25 and told.gradient[0, 0, 0] == 0.5
    assert told.violation.tolist() == [[0.25, 0.25]]


def test_judge_refuses_a_wrong_number_of_constraint_values():
    problem = Problem(lambda x: 0.0, Box(0, 1, dim=1), constraints=lambda x: 0.0)
    candidates = at(problem, [[0.0]])
    with pytest.raises(InvalidProblem, match="got 0 constraint values, expected 1"):
        judge(problem, candidates, 1.0)
    told = judge(problem, candidates, 1.0, [0.5], seconds=2.0)
    assert told.violation.tolist() == [[0.5]] and told.cost.tolist() == [2.0]
