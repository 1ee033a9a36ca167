"""Pareto fronts of the functions with two objectives."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq, minimize_scalar

from thalweg.arrays import Bools, Floats
from thalweg.problem.functions import Benchmark, zdt1, zdt2, zdt3

over_all = pytest.mark.parametrize("f", [zdt1(5), zdt2(5), zdt3(5)], ids=lambda f: f.name)


def front(f: Benchmark, n: int) -> Floats:
    assert f.front is not None
    return f.front(n)


def dominated(points: Floats, by: Floats) -> Bools:
    """Tell which points have another at most as large in both objectives and smaller in one."""
    no_worse = np.all(by[None] <= points[:, None], axis=-1)
    better = np.any(by[None] < points[:, None], axis=-1)
    result: Bools = np.any(no_worse & better, axis=1)
    return result


@over_all
@pytest.mark.parametrize("n", [1, 2, 10, 1001])
def test_front_has_n_points_none_dominated_by_another(f: Benchmark, n: int) -> None:
    points = front(f, n)
    assert points.shape == (n, 2)
    assert not dominated(points, points).any()
    assert len(np.unique(points[:, 0])) == n


@over_all
def test_front_is_reached_where_g_is_one(f: Benchmark) -> None:
    points = front(f, 200)
    x = np.zeros((200, 5))
    x[:, 0] = points[:, 0]
    np.testing.assert_array_equal(f(x), points)


@over_all
@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_no_point_of_the_space_dominates_the_front(f: Benchmark, seed: int) -> None:
    generator = np.random.default_rng(seed)
    x = generator.random((300, 5))
    x[:100, 1:] = 0.0
    x[100:200, 1:] *= 1e-3
    assert not dominated(front(f, 500), f(x)).any()


@over_all
def test_front_is_complete(f: Benchmark) -> None:
    candidates = np.zeros((1001, 5))
    candidates[:, 0] = np.linspace(0, 1, 1001)
    curve = f(candidates)
    best = curve[~dominated(curve, curve)]
    points = front(f, 1001)
    gap = np.min(np.linalg.norm(best[:, None] - points[None], axis=-1), axis=1)
    assert gap.max() < 4e-2  # the curves are vertical at f₁ = 0, where even steps in f₁ are farthest apart


@pytest.mark.parametrize(
    ("f", "curve"), [(zdt1(), lambda t: 1 - np.sqrt(t)), (zdt2(), lambda t: 1 - t**2)], ids=["zdt1", "zdt2"]
)
def test_front_of_one_piece_is_the_published_curve(f: Benchmark, curve: Callable[[Floats], Floats]) -> None:
    points = front(f, 11)
    np.testing.assert_allclose(points[:, 0], np.linspace(0, 1, 11), atol=1e-15)
    np.testing.assert_allclose(points[:, 1], curve(points[:, 0]), atol=1e-15)


def test_pieces_of_zdt3_end_at_local_minima_and_begin_where_the_curve_falls_below() -> None:
    def curve(t: float) -> float:
        return float(1 - np.sqrt(t) - t * np.sin(10 * np.pi * t))

    first = front(zdt3(), 200_001)[:, 0]
    jumps = np.flatnonzero(np.diff(first) > 1e-3)
    ends, begins = np.append(first[jumps], first[-1]), np.append(first[0], first[jumps + 1])
    assert len(ends) == 5
    for end in ends:
        least = minimize_scalar(curve, bounds=(end - 0.02, end + 0.02), method="bounded", options={"xatol": 1e-10})
        assert end == pytest.approx(least.x, abs=3e-6)
    for begin, end in zip(begins[1:], ends[:-1], strict=True):
        crossing = brentq(lambda t, level: curve(t) - level, begin - 0.02, begin + 0.02, args=(curve(end),))
        assert begin == pytest.approx(crossing, abs=3e-6)
        assert begin > crossing - 1e-9


def test_worse_g_lies_above_the_front() -> None:
    f = zdt1(3)
    np.testing.assert_allclose(f([0.25, 1.0, 1.0]), [0.25, 10 - np.sqrt(2.5)])  # g = 10
    np.testing.assert_allclose(f([0.25, 1.0, 0.0]), [0.25, 5.5 - np.sqrt(0.25 * 5.5)])
    np.testing.assert_allclose(zdt2(3)([0.5, 1.0, 1.0]), [0.5, 10 - 0.025])
    np.testing.assert_allclose(zdt3(3)([0.25, 1.0, 1.0]), [0.25, 10 - np.sqrt(2.5) - 0.25])
