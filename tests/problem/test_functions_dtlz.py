"""Functions of several objectives beside the formulas of their papers: DTLZ1, DTLZ2, ZDT4, ZDT6."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from thalweg.errors import InvalidSettings
from thalweg.problem.functions import dtlz1, dtlz2, zdt4, zdt6
from thalweg.problem.pareto import non_dominated

MORE = [dtlz1(), dtlz1(6, 2), dtlz1(9, 5), dtlz2(), dtlz2(5, 2), dtlz2(9, 4)]
ALL = [*MORE, zdt4(5), zdt6(5)]
over_more = pytest.mark.parametrize("f", MORE, ids=lambda f: f.name)
over_all = pytest.mark.parametrize("f", ALL, ids=lambda f: f.name)


def points(f, n, seed=0):
    return f.space.columns.random(np.random.default_rng(seed), n)


def published_dtlz1(x, m):
    rest = x[m - 1 :]
    g = 100 * (len(rest) + sum((t - 0.5) ** 2 - np.cos(20 * np.pi * (t - 0.5)) for t in rest))
    f = [0.5 * np.prod(x[: m - 1]) * (1 + g)]
    return np.array(f + [0.5 * np.prod(x[: m - i]) * (1 - x[m - i]) * (1 + g) for i in range(2, m + 1)])


def published_dtlz2(x, m):
    g, angle = np.sum((x[m - 1 :] - 0.5) ** 2), np.pi / 2 * x
    f = [(1 + g) * np.prod(np.cos(angle[: m - 1]))]
    return np.array(f + [(1 + g) * np.prod(np.cos(angle[: m - i])) * np.sin(angle[m - i]) for i in range(2, m + 1)])


@pytest.mark.parametrize(
    ("make", "published"), [(dtlz1, published_dtlz1), (dtlz2, published_dtlz2)], ids=["dtlz1", "dtlz2"]
)
@pytest.mark.parametrize("m", [2, 3, 5])
def test_rearranged_form_equals_the_published_one(make, published, m):
    f = make(8, m)
    x = points(f, 40)
    np.testing.assert_allclose(f(x), [published(row, m) for row in x], rtol=1e-11)


@over_more
def test_front_lies_where_the_paper_says(f):
    front = f.front(300)
    total = front.sum(axis=1) if "dtlz1" in f.name else np.sqrt((front**2).sum(axis=1))
    np.testing.assert_allclose(total, 0.5 if "dtlz1" in f.name else 1.0, rtol=1e-14)
    x = points(f, 200)
    x[:, front.shape[1] - 1 :] = 0.5
    reached = f(x).sum(axis=1) if "dtlz1" in f.name else np.sqrt((f(x) ** 2).sum(axis=1))
    np.testing.assert_allclose(reached, 0.5 if "dtlz1" in f.name else 1.0, rtol=1e-14)


@over_all
@pytest.mark.parametrize("n", [1, 2, 10, 500])
def test_front_has_n_points_none_dominated_by_another(f, n):
    front = f.front(n)
    assert front.shape == (n, f(points(f, 1)).shape[1])
    assert non_dominated(front).all()
    assert len(np.unique(front, axis=0)) == n


@over_more
def test_front_is_covered_evenly(f):
    front = f.front(1000)
    np.testing.assert_allclose(front.mean(axis=0), front.mean(), rtol=0.03)
    assert front.min() < 0.01 * front.max()


@over_all
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_no_point_of_the_space_dominates_the_front(f, seed):
    x, front = points(f, 200, seed), f.front(300)
    best = 0.5 if "dtlz" in f.name else 0.0
    x[:100, front.shape[1] - 1 :] = best + 1e-3 * np.abs(x[:100, front.shape[1] - 1 :] - best)
    value = f(x)
    below = np.all(value[:, None] <= front - 1e-12, axis=-1)
    assert not below.any()


@over_all
def test_batch_equals_row_by_row_to_the_last_bit(f):
    x = points(f, 33)
    np.testing.assert_array_equal(f(np.asfortranarray(x)), np.array([f(row) for row in x]))


def test_zdt4_is_its_published_formula():
    f = zdt4(6)
    x = points(f, 50)
    g = 1 + 10 * 5 + (x[:, 1:] ** 2 - 10 * np.cos(4 * np.pi * x[:, 1:])).sum(axis=1)
    np.testing.assert_allclose(f(x), np.stack([x[:, 0], g * (1 - np.sqrt(x[:, 0] / g))], axis=1), rtol=1e-12)
    assert f.space.columns.low.tolist() == [0.0] + [-5.0] * 5 and f.space.columns.high.tolist() == [1.0] + [5.0] * 5


def test_zdt6_is_its_published_formula_and_its_front_begins_at_the_least_first_objective():
    f = zdt6(6)
    x = points(f, 50)
    first = 1 - np.exp(-4 * x[:, 0]) * np.sin(6 * np.pi * x[:, 0]) ** 6
    g = 1 + 9 * (x[:, 1:].sum(axis=1) / 5) ** 0.25
    np.testing.assert_allclose(f(x), np.stack([first, g * (1 - (first / g) ** 2)], axis=1), rtol=1e-12)
    least = minimize_scalar(
        lambda t: 1 - np.exp(-4 * t) * np.sin(6 * np.pi * t) ** 6, bounds=(0.05, 0.12), method="bounded"
    )
    assert f.front(3)[0, 0] == pytest.approx(least.fun, abs=1e-9)
    assert f.front(3)[0, 0] == pytest.approx(0.2807753191)  # as published


@pytest.mark.parametrize(
    ("make", "arguments", "said"),
    [
        (dtlz1, (3, 4), "dim ≥ objectives.*objectives=4 and dim=3"),
        (dtlz2, (3, 1), "objectives ≥ 2.*objectives=1"),
        (zdt4, (1,), "dim ≥ 2.*dim=1"),
        (zdt6, (1,), "dim ≥ 2.*dim=1"),
    ],
)
def test_too_few_components_or_objectives_are_refused(make, arguments, said):
    with pytest.raises(InvalidSettings, match=said):
        make(*arguments)
