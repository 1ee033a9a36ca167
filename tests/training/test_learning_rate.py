"""The range test: its rates, its losses, its suggestion and what it says."""

import math

import numpy as np
import pytest

from thalweg.errors import IncompatibleProblem, InvalidProblem, InvalidSettings
from thalweg.optimizers.rules import SGD, Adam
from thalweg.problem import Minibatches, Problem
from thalweg.space import Box
from thalweg.training.learning_rate import find_learning_rate


def bowl(curvature=1.0):
    """f(x) = ½ c ‖x − 1‖²: plain descent converges for rates below 2 / c, and bursts beyond."""
    return Problem(
        lambda x: float(0.5 * curvature * ((x - 1) ** 2).sum()),
        Box(dim=2),
        gradient=lambda x: curvature * (x - 1),
    )


def test_steps_and_losses_are_those_of_growing_rates():
    found = find_learning_rate(bowl(), SGD(), lowest=1e-3, highest=1.0, evaluations=31, initial=[3.0, -1.0])
    np.testing.assert_allclose(found.rates, np.logspace(-3, 0, 31))
    x = np.array([3.0, -1.0])
    for rate, loss in zip(found.rates, found.losses, strict=True):
        x = x - rate * (x - 1)
        assert math.isclose(loss, 0.5 * ((x - 1) ** 2).sum(), rel_tol=1e-9, abs_tol=1e-30)


def test_smoothed_losses_are_fading_means():
    found = find_learning_rate(bowl(), SGD(), lowest=1e-3, highest=1.0, evaluations=31)
    for k in (0, 1, 10, 30):
        weights = 0.9 ** np.arange(k, -1, -1)
        assert math.isclose(found.smoothed[k], weights @ found.losses[: k + 1] / weights.sum(), rel_tol=1e-12)


@pytest.mark.parametrize("curvature", [1e-2, 1.0, 1e2])
def test_suggestion_is_below_what_bursts_and_fast_enough(curvature):
    found = find_learning_rate(bowl(curvature), SGD(), highest=1e4)
    assert 0.02 < found.suggestion * curvature < 2
    assert "10th of" in found.reason and "still falls" not in found.reason
    best = np.argmin(found.smoothed)
    assert math.isclose(found.suggestion, found.rates[best] / 10)


def test_says_when_the_highest_rate_is_too_low():
    assert "give a highest rate above" in find_learning_rate(bowl(), SGD(), highest=1e-3).reason


def test_says_when_nothing_ever_falls():
    uphill = Problem(lambda x: float(x @ x), Box(dim=2), gradient=lambda x: -2 * x - 1)
    assert "the loss never falls" in find_learning_rate(uphill, SGD()).reason


def test_ends_where_the_objective_fails():
    narrow = Problem(
        lambda x: float(-np.log(1 - x @ x) + x.sum()) if x @ x < 1 else math.nan,
        Box(dim=2),
        gradient=lambda x: 2 * x / max(1 - x @ x, 1e-9) + 1,
    )
    found = find_learning_rate(narrow, SGD())
    assert 10 <= len(found.losses) < 100
    assert len(found.rates) == len(found.smoothed) == len(found.losses)
    assert np.isfinite(found.losses).all()


def test_reads_minibatches_in_turn():
    seen = []
    batches = Minibatches.stream(lambda epoch: range(4))

    def loss(x, number):
        seen.append(number)
        return float(x @ x)

    problem = Problem(loss, Box(dim=2), gradient=lambda x, number: 2 * x, minibatches=batches)
    find_learning_rate(problem, Adam(), evaluations=11, initial=[1.0, 1.0])
    assert seen == [0, *(k % 4 for k in range(1, 12))]


def test_says_when_it_fails_at_the_beginning():
    broken = Problem(lambda x: math.nan, Box(dim=2), gradient=lambda x: x)
    with pytest.raises(InvalidProblem, match="failed at the beginning"):
        find_learning_rate(broken)
    with pytest.raises(InvalidProblem, match="failed at the beginning"):
        find_learning_rate(broken, initial=[1.0, 2.0])


def test_needs_a_gradient():
    with pytest.raises(IncompatibleProblem, match="gradient"):
        find_learning_rate(Problem(lambda x: 0.0, Box(dim=2)))


@pytest.mark.parametrize("settings", [{"lowest": 0.0}, {"lowest": 1.0, "highest": 0.1}, {"evaluations": 5}])
def test_refuses_settings_out_of_range(settings):
    with pytest.raises(InvalidSettings, match="find_learning_rate"):
        find_learning_rate(bowl(), **settings)
