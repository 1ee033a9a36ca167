"""The embedding: distances as documented, and derivatives."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thalweg.optimizers.bayesian.embedding import Embedding
from thalweg.optimizers.bayesian.kernel import matern52, pairwise
from thalweg.rng import generator
from thalweg.space import Categorical, Float, Int, Space

NESTED = Space(
    {
        "model": Categorical(["linear", "net", "tree"]),
        "x": Float(-1, 3),
        "rate": Float(1e-4, 1, log=True, when={"model": ["net"]}),
        "layers": Int(1, 4, when={"model": ["net"]}),
        "split": Categorical(["gini", "entropy"], when={"model": ["tree"]}),
    }
).columns
MODEL, X, RATE, LAYERS, SPLIT = range(5)


def distances(x):
    """(5, n, n) distances between rows, column by column."""
    embedding = Embedding(NESTED)
    squared = pairwise(embedding(x), embedding.column, NESTED.dim)
    n = len(x)
    full = np.zeros((NESTED.dim, n, n))
    full[:, *np.triu_indices(n, 1)] = np.sqrt(squared)
    return full + full.transpose(0, 2, 1)


def rows(n, seed=0):
    return NESTED.random(generator(seed), n)


def test_distances_are_those_of_the_table():
    x = rows(60)
    active, u, d = NESTED.activity(x), NESTED.to_unit(x), distances(x)
    differ = x[:, None, :] != x[None, :, :]
    np.testing.assert_allclose(d[X], np.abs(u[:, None, X] - u[None, :, X]), atol=1e-12)
    np.testing.assert_allclose(d[MODEL], differ[..., MODEL], atol=1e-12)
    for j in (RATE, LAYERS):
        both = active[:, None, j] & active[None, :, j]
        one = active[:, None, j] ^ active[None, :, j]
        chord = 2 * np.sin(np.abs(u[:, None, j] - u[None, :, j]) / 2)
        np.testing.assert_allclose(d[j], np.where(both, chord, np.where(one, 1.0, 0.0)), atol=1e-12)
        assert both.any() and one.any()
    both = active[:, None, SPLIT] & active[None, :, SPLIT]
    one = active[:, None, SPLIT] ^ active[None, :, SPLIT]
    np.testing.assert_allclose(d[SPLIT], np.where(both, differ[..., SPLIT], np.where(one, 1.0, 0.0)), atol=1e-12)


def test_an_integer_lies_at_the_centre_of_its_bin():
    columns = Space({"n": Int(1, 4)}).columns
    embedding = Embedding(columns)
    np.testing.assert_allclose(embedding(np.array([[1.0], [2.0], [4.0]]))[:, 0], [0.125, 0.375, 0.875])


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(2, 40), lengths=st.lists(st.floats(0.02, 50), min_size=5, max_size=5))
def test_kernel_is_positive_semidefinite_with_conditional_columns(seed, n, lengths):
    x = rows(n, seed)
    squared = np.tensordot(1 / np.square(lengths), distances(x) ** 2, axes=1)
    assert np.linalg.eigvalsh(matern52(squared)[0])[0] > -1e-12 * n


def test_derivatives_are_those_of_finite_differences():
    x = rows(20)
    active, u, embedding = NESTED.activity(x), NESTED.to_unit(x), Embedding(NESTED)
    weight = generator(3).standard_normal((20, len(embedding.column)))
    pulled = embedding.pull_back(u, active, weight)
    for j in (X, RATE, LAYERS):
        step = np.zeros(5)
        step[j] = 1e-6
        change = embedding.place(u + step, active) - embedding.place(u - step, active)
        np.testing.assert_allclose(pulled[:, j], (weight * change).sum(axis=1) / 2e-6, atol=1e-8)
    assert not pulled[:, [MODEL, SPLIT]].any()
    assert not pulled[~active].any()


@pytest.mark.parametrize("choices", [1, 2, 7])
def test_a_choice_has_as_many_features_as_values(choices):
    columns = Space({"c": Categorical(range(choices))}).columns
    features = Embedding(columns)(np.arange(choices, dtype=float)[:, None])
    np.testing.assert_allclose(features, np.eye(choices) * np.sqrt(0.5))
