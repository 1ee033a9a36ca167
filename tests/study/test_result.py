"""What a result of several goals offers: the front, and the hypervolume in the user's signs."""

import math

import pytest

import thalweg as tw
from thalweg.errors import InvalidSettings


def run(goal, sign, trials=60):
    def objective(x):
        if x[0] > 0.9:
            raise ValueError("too far")
        return x[0], sign * (1 - x[0]) * (1 + x[1])

    return tw.minimize(
        objective,
        tw.Box(0, 1, dim=2),
        goal=["minimize", goal],
        constraints=[lambda x: 0.2 - x[0]],
        optimizer=tw.RandomSearch(),
        trials=trials,
        seed=0,
    )


def test_front_and_hypervolume_hold_feasible_trials_only():
    result = run("minimize", 1)
    points = [trial.value for trial in result.front]
    assert len(points) > 3
    assert points == sorted(points)
    assert all(0.2 <= first <= 0.9 for first, _ in points)
    ends = [first for first, _ in points[1:]] + [1.0]
    rectangles = sum((end - first) * (2 - second) for end, (first, second) in zip(ends, points, strict=True))
    assert result.hypervolume([1.0, 2.0]) == pytest.approx(rectangles, rel=1e-12)


def test_a_goal_that_is_maximized_is_measured_in_its_own_sign():
    down, up = run("minimize", 1), run("maximize", -1)
    assert up.hypervolume([1.0, -2.0]) == down.hypervolume([1.0, 2.0]) > 0
    assert [(a, -b) for a, b in (trial.value for trial in up.front)] == [trial.value for trial in down.front]


def test_hypervolume_refuses_a_reference_that_does_not_fit():
    result = run("minimize", 1, trials=5)
    for reference in (1.0, [1.0], [1.0, 2.0, 3.0], [1.0, math.nan]):
        with pytest.raises(InvalidSettings, match="reference"):
            result.hypervolume(reference)
