"""Layers for the columns of a table: codes, bins, parts; and what is refused, in words."""

import numpy as np
import pytest
from scipy.stats import kstest

from thalweg.errors import InvalidData, InvalidSettings
from thalweg.training.network.layers import (
    CategoryEmbedding,
    ColumnSplit,
    Dense,
    LayerNorm,
    Memory,
    OneHot,
    Periodic,
    PiecewiseLinear,
    Residual,
    Run,
    quantile_edges,
)


def test_whatever_is_no_code_is_one_more_category_that_starts_at_zero():
    layer = CategoryEmbedding((3, 2), width=4)
    (table,) = layer.start(2, np.random.default_rng(0))
    x = np.array([[np.nan, 0], [-1, 1], [3, np.inf], [0, 5], [2, -np.inf], [-0.5, 1]])
    y = layer.forward((table,), x, Memory(Run(0))).reshape(-1, 2, 4)
    assert not y[[0, 1, 2, 5], 0].any() and not y[[2, 3, 4], 1].any()
    known = {y[3, 0].tobytes(), y[4, 0].tobytes(), y[0, 1].tobytes(), y[1, 1].tobytes()}
    assert len(known) == 4 and y[1, 1].tobytes() == y[5, 1].tobytes()
    gradient = np.full_like(table, np.nan)
    memory = Memory(Run(0))
    layer.forward((table,), x, memory)
    layer.backward((table,), (gradient,), np.ones((6, 8)), memory)
    assert gradient[:, 0].tolist() == [4, 1, 0, 1, 3, 1, 2]  # unknown, 0, 1, 2; unknown, 0, 1


def test_a_table_starts_with_unit_variance_and_large_codes_are_exact_in_single_precision():
    layer = CategoryEmbedding((1_000_000,), width=1)
    (table,) = layer.start(1, np.random.default_rng(0))
    assert table[0] == 0
    assert kstest(table[1:10_001, 0], "norm").pvalue > 0.01
    codes = np.array([[999_999], [999_998], [1_000_000]], np.float32)
    y = layer.forward((table.astype(np.float32),), codes, Memory(Run(0)))
    assert y[:, 0].tolist() == table[[-1, -2, 0], 0].astype(np.float32).tolist()


def test_one_hot_of_nothing_known_is_zero():
    layer = OneHot((1, 3))
    y = layer.forward((), np.array([[0, 2], [np.nan, -1], [7, 0]], np.float32), Memory(Run(0)))
    assert y.tolist() == [[1, 0, 0, 1], [0, 0, 0, 0], [0, 1, 0, 0]]
    assert y.dtype == np.float32


def test_bins_add_up_to_a_piecewise_linear_line():
    edges = (-2.0, -1.5, 0.0, 0.25, 3.0)
    x = np.linspace(-5, 6, 201)[:, None]
    y = PiecewiseLinear((edges,)).forward((), x, Memory(Run(0)))
    assert np.allclose(edges[0] + y @ np.diff(edges), x[:, 0])


def test_edges_of_repeated_values_are_fewer_and_bins_hold_equally_many_rows():
    X = np.column_stack([np.arange(101.0), np.repeat([0.0, 1.0], [70, 31]), np.full(101, 5.0)])
    edges = quantile_edges(X, bins=4)
    assert edges == ((0.0, 25.0, 50.0, 75.0, 100.0), (0.0, 1.0), (5.0, 6.0))
    for wrong in (np.empty((0, 2)), np.array([[np.nan]]), np.ones(3)):
        with pytest.raises(InvalidData, match="expected a table of finite numbers"):
            quantile_edges(wrong)
    with pytest.raises(InvalidSettings, match="bins=0, expected at least 1"):
        quantile_edges(X, bins=0)


def test_waves_start_as_published():
    wb, Vc = Periodic(frequencies=50, width=4, sigma=0.3).start(100, np.random.default_rng(0))
    assert kstest(wb[:, 0].ravel() / 0.3, "norm").pvalue > 0.01
    assert kstest(wb[:, 1].ravel(), "uniform", (-np.pi, 2 * np.pi)).pvalue > 0.01
    assert kstest(Vc.ravel(), "uniform", (-1 / 50**0.5, 2 / 50**0.5)).pvalue > 0.01


def test_a_row_far_from_zero_is_normalized_in_single_precision():
    x = (1e4 + np.random.default_rng(0).normal(size=(5, 64))).astype(np.float32)
    y = LayerNorm().forward((np.ones(64, np.float32), np.zeros(64, np.float32)), x, Memory(Run(0)))
    exact = x - x.mean(axis=1, keepdims=True, dtype=np.float64)
    exact /= exact.std(axis=1, keepdims=True)
    assert np.abs(y - exact).max() < 2e-3 and np.abs(y - y.mean(axis=1, keepdims=True)).mean() > 0.7


def test_parts_go_left_to_right_and_an_empty_one_is_left_as_it_is():
    split = ColumnSplit([(1, [OneHot([2])]), (2, [])])
    x = np.array([[1.0, 5.0, 6.0]])
    assert split.outputs(3) == 4
    assert split.forward((((),), ()), x, Memory(Run(0))).tolist() == [[0, 1, 5, 6]]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Residual((Dense(4),)).outputs(3), "3 inputs into 4 outputs, which cannot be added.*Dense\\(3\\)"),
        (lambda: Residual(()), "expected one or more layers"),
        (lambda: Residual((3,)), "expected one or more layers"),
        (lambda: ColumnSplit(()), "expected one or more of at least 1 column"),
        (lambda: ColumnSplit(((0, ()),)), "expected one or more of at least 1 column"),
        (lambda: ColumnSplit(((2, ()), (3, ()))).outputs(6), "6 columns, expected 5"),
        (lambda: ColumnSplit(((2, (OneHot((2,)),)),)).outputs(2), "OneHot: 2 columns, but 1 cardinalities"),
        (lambda: CategoryEmbedding((3,)).outputs(2), "CategoryEmbedding: 2 columns, but 1 cardinalities"),
        (lambda: CategoryEmbedding((0, 3)), "cardinalities=\\(0, 3\\), expected the number"),
        (lambda: CategoryEmbedding(()), "expected the number of categories"),
        (lambda: CategoryEmbedding((2.5,)), "expected the number of categories"),
        (lambda: CategoryEmbedding((3,), width=0), "width=0, expected at least 1"),
        (lambda: Periodic(frequencies=0), "expected frequencies ≥ 1"),
        (lambda: Periodic(width=1), "width ≥ 2"),
        (lambda: Periodic(sigma=0), "positive sigma"),
        (lambda: PiecewiseLinear(((0.0, 1.0), (1.0, 1.0))), "edges of column 1 are \\(1.0, 1.0\\)"),
        (lambda: PiecewiseLinear(((0.0,),)), "two or more that ascend"),
        (lambda: PiecewiseLinear(((0.0, float("nan")),)), "two or more that ascend"),
        (lambda: PiecewiseLinear(((0.0, 1.0),)).outputs(2), "2 columns, but edges of 1"),
        (lambda: LayerNorm(epsilon=0), "expected a positive number"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(make, words):
    with pytest.raises(InvalidSettings, match=words):
        make()
