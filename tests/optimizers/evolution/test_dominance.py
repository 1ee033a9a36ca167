"""Non-dominated sorting and crowding, beside the definitions of the paper."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thalweg.optimizers.evolution.dominance import crowding_distance, non_dominated_sort, survivors, tournaments

NO_RANK = np.zeros(0, dtype=np.int64)


def dominates(value, infeasibility, i, j):
    """Say whether i dominates j, by section VI of the paper; a failed point violates infinitely."""
    if infeasibility[i] != infeasibility[j]:
        return infeasibility[i] < infeasibility[j]
    return infeasibility[i] == 0 and np.all(value[i] <= value[j]) and np.any(value[i] < value[j])


def by_definition(value, infeasibility):
    rank, left, number = np.empty(len(value), dtype=int), list(range(len(value))), 0
    while left:
        front = [j for j in left if not any(dominates(value, infeasibility, i, j) for i in left)]
        rank[front], number = number, number + 1
        left = [j for j in left if j not in front]
    return rank


def some(n, m, seed):
    random = np.random.default_rng(seed)
    value = random.integers(5, size=(n, m)).astype(float)
    infeasibility = random.choice([0.0, 0.0, 0.0, 0.5, 2.0, np.inf], size=n)
    value[np.isinf(infeasibility)] = np.nan
    return value, infeasibility


@settings(max_examples=80, deadline=None)
@given(n=st.integers(0, 25), m=st.integers(1, 4), seed=st.integers(0, 2**32 - 1))
def test_fronts_are_those_of_constrained_domination(n, m, seed):
    value, infeasibility = some(n, m, seed)
    assert np.array_equal(non_dominated_sort(value, infeasibility), by_definition(value, infeasibility))


@settings(max_examples=40, deadline=None)
@given(n=st.integers(1, 25), m=st.integers(1, 3), most=st.integers(1, 25), seed=st.integers(0, 2**32 - 1))
def test_fronts_that_are_needed_are_the_same_where_the_rest_is_not_sorted(n, m, most, seed):
    value, infeasibility = some(n, m, seed)
    whole, rank = non_dominated_sort(value, infeasibility), non_dominated_sort(value, infeasibility, most)
    last = np.sort(whole)[min(most, n) - 1]
    assert np.array_equal(rank[whole <= last], whole[whole <= last])
    assert (rank[whole > last] > last).all()
    assert np.array_equal(np.unique(rank), np.arange(rank.max() + 1))


def test_crowding_distance_is_the_sum_over_neighbours_of_the_same_front():
    value = np.array([[0.0, 10.0], [9.0, 9.0], [4.0, 1.0], [1.0, 5.0], [5.0, 0.0], [9.5, 9.5], [2.0, 2.0]])
    distance = crowding_distance(value, np.array([0, 1, 0, 0, 0, 1, 0]))
    expected = [np.inf, np.inf, 3 / 5 + 2 / 10, 2 / 5 + 8 / 10, np.inf, np.inf, 3 / 5 + 4 / 10]
    np.testing.assert_allclose(distance, expected, rtol=1e-14)


def test_crowding_distance_of_equal_failed_and_enormous_values():
    first = np.zeros(3, dtype=np.int64)
    assert crowding_distance(np.ones((3, 2)), first).tolist() == [0, 0, 0]
    assert crowding_distance(np.full((3, 2), np.nan), first).tolist() == [0, 0, 0]
    assert crowding_distance(np.array([[-1.7e308], [0.0], [1.7e308]]), first).tolist() == [np.inf, 1, np.inf]
    assert crowding_distance(np.empty((0, 2)), NO_RANK).tolist() == []


def test_whole_fronts_survive_first():
    rank = np.array([2, 0, 1, 0, 1, 2])
    value = np.random.default_rng(0).random((6, 2))
    assert sorted(survivors(value, rank, 4).tolist()) == [1, 2, 3, 4]
    assert sorted(survivors(value, rank, 9).tolist()) == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("m", [2, 3])
def test_of_the_front_that_does_not_fit_the_ends_and_an_even_spread_survive(m):
    random = np.random.default_rng(0)
    value = random.dirichlet([0.5] * m, size=60)
    rank = np.zeros(60, dtype=np.int64)
    kept = survivors(value, rank, 20)
    assert len(np.unique(kept)) == 20
    assert set(value.argmin(axis=0)) | set(value.argmax(axis=0)) <= set(kept.tolist())
    at_once = np.argsort(-crowding_distance(value, rank), kind="stable")[:20]
    if m == 2:
        gaps, gaps_at_once = (np.diff(np.sort(value[rows, 0])).max() for rows in (kept, at_once))
        assert gaps < gaps_at_once


def test_of_a_front_that_failed_or_is_one_point_so_many_survive_as_are_needed():
    rank = np.zeros(7, dtype=np.int64)
    for value in (np.full((7, 2), np.nan), np.ones((7, 2)), np.ones((7, 3))):
        assert len(np.unique(survivors(value, rank, 3))) == 3


def test_removing_many_at_a_time_leaves_nearly_the_room_of_removing_one_at_a_time():
    shares = []
    for seed in range(20):
        first = np.sort(np.random.default_rng(seed).random(100))
        value, rank = np.stack([first, 1 - first], axis=1), np.zeros(100, dtype=np.int64)
        left = value
        while len(left) > 50:
            left = np.delete(left, crowding_distance(left, rank[: len(left)]).argmin(), axis=0)
        kept = value[survivors(value, rank, 50)]
        least = [crowding_distance(points, rank[:50]).min() for points in (kept, left)]
        shares.append(least[0] / least[1])
    assert np.median(shares) > 0.95


def test_the_lower_front_wins_then_the_less_crowded_and_everybody_takes_part_equally_often():
    rank, distance = np.array([0, 0, 1, 1, 2]), np.array([0.5, np.inf, np.inf, 0.1, np.inf])
    won = np.bincount(tournaments(rank, distance, 50_000, np.random.default_rng(0)), minlength=5)
    # Each of the ten pairs meets equally often, apart from the ends of lists of odd length, where one may meet itself.
    assert (np.diff(won[[4, 3, 2, 0, 1]]) > 4_500).all()
    assert won[1] == pytest.approx(20_000, rel=0.05)
    even = tournaments(np.arange(6), np.zeros(6), 9, np.random.default_rng(0))
    assert np.bincount(even, minlength=6)[[0, 5]].tolist() == [3, 0]
