"""The bounded step of a quadratic model: its Cauchy point against the path itself, its end against a solver."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg.optimizers.gradient.bfgs import Curvature
from thalweg.optimizers.gradient.bounded_step import bounded_step, cauchy_point
from thalweg.optimizers.gradient.lbfgs import LBFGS, CompactForm


def random_case(seed, d=6):
    """Give B, x, g and bounds, some infinite, some met at x."""
    random = np.random.default_rng(seed)
    root = random.normal(size=(d, d)) * 10 ** random.uniform(-1, 1, d)
    x, width = random.normal(size=d), random.exponential(1, (2, d))
    width[random.random((2, d)) < 0.15] = 0.0
    width[random.random((2, d)) < 0.2] = np.inf
    return root @ root.T + 0.01 * np.eye(d), x, 3 * random.normal(size=d), x - width[0], x + width[1]


def model_at(B, x, g, z):
    return (z - x) @ g + (z - x) @ B @ (z - x) / 2


@given(st.integers(0, 10**6))
def test_cauchy_point_is_the_first_minimizer_along_the_projected_gradient(seed):
    B, x, g, low, high = random_case(seed)
    z = cauchy_point(Curvature(B, 1), x, g, low, high)
    assert ((z >= low) & (z <= high)).all()

    def path(t):
        return np.clip(x - t * g, low, high)

    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.nanmax(np.where(z == path(1e300), 0.0, (x - z) / g), initial=0.0)  # of a component still moving
    if t == 0:  # all at rest, at bounds
        bends = np.where(g > 0, x - low, np.where(g < 0, high - x, 0.0)) / np.where(g == 0, 1.0, np.abs(g))
        t = bends.max()
    np.testing.assert_allclose(z, path(t), rtol=1e-9, atol=1e-9)
    before = [model_at(B, x, g, path(s)) for s in np.linspace(0, t, 400)]
    assert (np.diff(before) <= 1e-9 * np.abs(before).max()).all(), "the model rises before the Cauchy point"
    after = model_at(B, x, g, path(t * (1 + 1e-5))) - before[-1]
    assert after >= -1e-9 * np.abs(before).max(), "the model still falls at the Cauchy point"


@given(st.integers(0, 10**6))
def test_goes_down_within_bounds_and_at_least_as_far_as_the_cauchy_point(seed):
    B, x, g, low, high = random_case(seed)
    z = bounded_step(Curvature(B, 1), x, g, low, high)
    assert ((z >= low) & (z <= high)).all()
    assert g @ (z - x) < 0 or np.array_equal(z, np.clip(x - g, low, high))


def test_without_bounds_it_is_the_newton_step():
    B, x, g, low, _ = random_case(1)
    infinite = np.full_like(low, np.inf)
    np.testing.assert_allclose(bounded_step(Curvature(B, 1), x, g, -infinite, infinite), x - np.linalg.solve(B, g))


@pytest.mark.parametrize("pairs", [1, 4, 9])
def test_the_compact_form_is_the_matrix_of_the_updates(pairs):
    random, d = np.random.default_rng(pairs), 7
    root = random.normal(size=(d, d))
    hessian, optimizer = root @ root.T + np.eye(d), LBFGS(memory=5)
    model = optimizer._nothing(d)
    steps = [random.normal(size=d) * 10.0 ** random.uniform(-4, 4) for _ in range(pairs)]
    for s in steps:
        model = optimizer._learn(model, s, hessian @ s)
    s, y = steps[-1], hessian @ steps[-1]
    B = np.eye(d) * (y @ y) / (s @ y)
    for s in steps[-5:]:
        y = hessian @ s
        B = B - np.outer(B @ s, B @ s) / (s @ B @ s) + np.outer(y, y) / (s @ y)
    compact = CompactForm(model)
    np.testing.assert_allclose(compact.theta * np.eye(d) - compact.W @ compact.M @ compact.W.T, B, rtol=1e-9, atol=1e-9)
    free = np.arange(d) % 3 > 0
    r = random.normal(size=free.sum())
    np.testing.assert_allclose(compact.solve(free, r), np.linalg.solve(B[np.ix_(free, free)], r), rtol=1e-9)
