"""Genetic operators: their distributions against the papers' formulas."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from thalweg.errors import InvalidSettings
from thalweg.optimizers.evolution.operators import (
    PolynomialMutation,
    ResamplingMutation,
    SimulatedBinary,
    Tournament,
    UniformCrossover,
)

N = 20_000
units = st.floats(0, 1)


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("size", [1, 2, 5])
def test_tournament_takes_each_rank_as_often_as_theory_says(size):
    # Of k individuals, rank r (0 is best) wins with probability ((k − r)^t − (k − r − 1)^t) / k^t.
    k, rank = 8, np.array([3, 0, 7, 1, 5, 2, 6, 4])
    won = rank[Tournament(size).select(rank, N, rng())]
    r = np.arange(k)
    expected = ((k - r) ** size - (k - r - 1.0) ** size) / k**size * N
    assert stats.chisquare(np.bincount(won, minlength=k), expected).pvalue > 0.01


def test_tournament_is_fair_among_equals():
    won = Tournament().select(np.zeros(6, dtype=np.int64), N, rng())
    assert stats.chisquare(np.bincount(won)).pvalue > 0.01


@pytest.mark.parametrize("eta", [0.0, 3.0, 15.0])
def test_simulated_binary_has_the_spread_of_the_paper(eta):
    # Parents close together, so that the bounds do not matter. β = |c₁ − c₂| / |y₁ − y₂|, and P(β ≤ b) = ½
    # b^(η+1) # up to 1, and 1 − ½ b^−(η+1) beyond.
    a, b = np.full((N, 1), 0.5), np.full((N, 1), 0.5 + 1e-6)
    c, d = SimulatedBinary(eta, 1.0, 1.0).cross(a, b, rng())
    spread = np.abs(c - d)[:, 0] / 1e-6

    def distribution(beta):
        return np.where(beta <= 1, beta ** (eta + 1) / 2, 1 - np.maximum(beta, 1) ** -(eta + 1) / 2)

    if eta > 0:  # with η = 0 the spread has no mean, and the bounds do matter
        np.testing.assert_allclose(c + d, a + b, rtol=1e-9)
    beyond = spread < 1e4
    assert beyond.mean() > 0.999
    assert stats.kstest(spread[beyond], distribution).pvalue > 0.01


def test_simulated_binary_is_cut_off_at_the_bounds_without_a_heap():
    # Near a bound the distribution is that of the paper, cut off and scaled: no child lies on the bound
    # itself.
    a, b = np.full((N, 1), 0.1), np.full((N, 1), 0.6)
    c, d = SimulatedBinary(2.0, 1.0, 1.0).cross(a, b, rng())
    children = np.concatenate([c, d])
    assert children.min() > 0 and children.max() < 1
    lower, upper = np.minimum(c, d)[:, 0], np.maximum(c, d)[:, 0]
    for distance, room in ((0.7 - 2 * lower, 1.4), (2 * upper - 0.7, 2.6)):
        beta, most = distance / 0.5, room / 2 / 0.5

        def distribution(x, most=most):
            whole = np.where(x <= 1, x**3 / 2, 1 - np.maximum(x, 1) ** -3.0 / 2)
            return whole / (1 - most**-3 / 2)

        assert stats.kstest(beta, distribution).pvalue > 0.01


def test_simulated_binary_crosses_the_asked_share_and_no_more():
    a, b = rng(1).random((N, 4)), rng(2).random((N, 4))
    c, d = SimulatedBinary(probability=0.6, gene_probability=0.25).cross(a, b, rng())
    changed = c != a
    assert abs(changed.any(axis=1).mean() - 0.6 * (1 - 0.75**4)) < 0.02
    assert abs(changed.mean() - 0.6 * 0.25) < 0.01
    assert np.array_equal(changed, d != b)
    same = SimulatedBinary(probability=0.0).cross(a, b, rng())
    assert np.array_equal(same[0], a) and np.array_equal(same[1], b)


@given(
    y=st.lists(st.tuples(units, units), min_size=1, max_size=6),
    eta=st.floats(0, 100),
    seed=st.integers(0, 99),
)
def test_simulated_binary_stays_within_the_cube(y, eta, seed):
    a, b = np.array(y).T.reshape(2, 1, -1)
    for child in SimulatedBinary(eta, 1.0, 1.0).cross(a, b, rng(seed)):
        assert ((child >= 0) & (child <= 1)).all()


@pytest.mark.parametrize("eta", [0.0, 20.0])
def test_polynomial_has_the_density_of_the_paper(eta):
    # Far from the bounds, P(|δ| ≤ x) = 1 − (1 − x)^(η+1), to both sides alike; in the middle the cut at |δ| =
    # ½ scales it.
    u = np.full((N, 1), 0.5)
    delta = PolynomialMutation(eta, 1.0).mutate(u, rng())[:, 0] - 0.5

    def distribution(x):
        return (1 - (1 - x) ** (eta + 1)) / (1 - 0.5 ** (eta + 1))

    assert stats.kstest(np.abs(delta), distribution).pvalue > 0.01
    assert stats.binomtest(int((delta > 0).sum()), N).pvalue > 0.01


def test_polynomial_keeps_both_sides_equally_likely_near_a_bound():
    u = np.full((N, 1), 0.01)
    moved = PolynomialMutation(20.0, 1.0).mutate(u, rng())[:, 0]
    assert moved.min() > 0
    assert stats.binomtest(int((moved > 0.01).sum()), N).pvalue > 0.01


@given(u=st.lists(units, min_size=1, max_size=6), eta=st.floats(0, 100), seed=st.integers(0, 99))
def test_polynomial_stays_within_the_cube(u, eta, seed):
    moved = PolynomialMutation(eta, 1.0).mutate(np.array([u]), rng(seed))
    assert ((moved >= 0) & (moved <= 1)).all()


@pytest.mark.parametrize("operator", [PolynomialMutation, ResamplingMutation])
@pytest.mark.parametrize(("probability", "share"), [(None, 0.2), (0.5, 0.5), (0.0, 0.0), (1.0, 1.0)])
def test_mutations_change_the_asked_share_of_genes(operator, probability, share):
    u = rng(1).random((N, 5))
    moved = operator(probability=probability).mutate(u, rng())
    assert abs((moved != u).mean() - share) < 0.01


def test_resampling_is_uniform():
    moved = ResamplingMutation(1.0).mutate(np.full((N, 1), 0.3), rng())
    assert stats.kstest(moved[:, 0], stats.uniform.cdf).pvalue > 0.01


def test_uniform_crossover_exchanges_and_loses_nothing():
    a, b = rng(1).random((N, 3)), rng(2).random((N, 3))
    c, d = UniformCrossover(0.3).cross(a, b, rng())
    swapped = c == b
    assert abs(swapped.mean() - 0.3) < 0.01
    assert np.array_equal(np.where(swapped, d, c), a) and np.array_equal(np.where(swapped, c, d), b)


@pytest.mark.parametrize(
    ("operator", "setting"),
    [
        (Tournament, {"size": 0}),
        (SimulatedBinary, {"eta": -1.0}),
        (SimulatedBinary, {"probability": 1.5}),
        (SimulatedBinary, {"gene_probability": -0.5}),
        (PolynomialMutation, {"eta": -1.0}),
        (PolynomialMutation, {"probability": 2.0}),
        (UniformCrossover, {"probability": -1.0}),
        (ResamplingMutation, {"probability": 7.0}),
    ],
)
def test_refuses_settings_out_of_range(operator, setting):
    ((name, value),) = setting.items()
    with pytest.raises(InvalidSettings, match=f"{operator.__name__}: {name}={value}, expected"):
        operator(**setting)
