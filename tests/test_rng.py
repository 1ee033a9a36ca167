"""Randomness from a seed and counters."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from thalweg.rng import fresh_seed, generator

counters = st.lists(st.integers(0, 2**32 - 1), max_size=4)


@given(seed=st.integers(0, 2**130), path=counters)
def test_the_same_integers_give_the_same_stream(seed, path):
    assert np.array_equal(generator(seed, *path).random(3), generator(seed, *path).random(3))


@given(seed=st.integers(0, 2**64), path=counters, other=counters)
def test_other_integers_give_another_stream(seed, path, other):
    same = np.array_equal(generator(seed, *path).random(3), generator(seed, *other).random(3))
    assert same == (path == other)
    assert not np.array_equal(generator(seed, *path).random(3), generator(seed + 1, *path).random(3))


def test_neighbouring_counters_are_uncorrelated():
    first = np.array([generator(0, k).random() for k in range(2000)])
    assert stats.kstest(first, stats.uniform.cdf).pvalue > 0.01
    assert abs(np.corrcoef(first[:-1], first[1:])[0, 1]) < 0.07


def test_a_stream_stays_what_it_was():
    # Stored runs continue with these numbers: another generator would need a new version of every state.
    assert generator(7, 1, 2).integers(0, 1000, 4).tolist() == [597, 478, 333, 141]


def test_fresh_seeds_differ_and_fit_into_a_database_integer():
    seeds = {fresh_seed() for _ in range(100)}
    assert len(seeds) == 100 and all(0 <= seed < 2**63 for seed in seeds)
