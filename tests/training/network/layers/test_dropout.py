"""Dropout: what is dropped, how often, and that nothing is while predicting."""

import numpy as np
import pytest

from thalweg.errors import InvalidSettings
from thalweg.training.network.layers import Dropout, Memory, Run


@pytest.mark.parametrize("rate", [2**-16, 0.1, 0.5, 0.9])
def test_the_rate_is_kept_and_the_mean_too(rate):
    n = 1_000_000
    y = Dropout(rate).forward((), np.ones((1000, 1000)), Memory(Run(seed=0, step=0)))
    deviation = (rate * (1 - rate) / n) ** 0.5
    assert np.mean(y == 0) == pytest.approx(rate, abs=4 * deviation + 2**-17)
    assert y.mean() == pytest.approx(1, abs=4 * deviation / (1 - rate))
    kept = y[y != 0]
    assert np.ptp(kept) == 0 and kept[0] == pytest.approx(1 / (1 - rate), rel=1e-3)


def test_numbers_are_dropped_independently():
    r = Dropout(0.5).forward((), np.ones((1000, 64)), Memory(Run(seed=0, step=0))) == 0
    correlation = np.corrcoef(r, rowvar=False)
    assert np.abs(correlation - np.eye(64)).max() < 5 / 1000**0.5


@pytest.mark.parametrize("shape", [(1, 1), (1, 3), (3, 7), (5, 64)])
def test_the_slope_is_dropped_where_the_number_was(shape):
    layer, memory = Dropout(0.5), Memory(Run(seed=0, step=3))
    y = layer.forward((), np.ones(shape), memory).copy()
    assert np.array_equal(layer.backward((), (), np.full(shape, 3.0), memory), 3 * y)


def test_while_predicting_the_very_array_goes_through():
    x, memory = np.ones((2, 3)), Memory(Run(seed=0, step=1))
    layer = Dropout(0.5)
    layer.forward((), x, memory)
    memory.run.step = None
    assert layer.forward((), x, memory) is x
    assert layer.backward((), (), x, memory) is x


def test_what_is_dropped_is_a_function_of_seed_step_and_place():
    def mask(seed, step, layers=1):
        run = Run(seed, step)
        return [Dropout(0.5).forward((), np.ones((8, 8)), Memory(run)).copy() for _ in range(layers)]

    assert np.array_equal(mask(0, 1), mask(0, 1))
    assert not np.array_equal(mask(0, 1), mask(0, 2))
    assert not np.array_equal(mask(0, 1), mask(1, 1))
    first, second = mask(0, 1, layers=2)
    assert not np.array_equal(first, second)
    run = Run(0, 1)
    before = run.random.random()
    run.step = 1
    assert run.random.random() == before


@pytest.mark.parametrize("rate", [-0.1, 1.0, 2, float("nan")])
def test_other_rates_are_refused(rate):
    with pytest.raises(InvalidSettings, match=r"Dropout: rate=.* from 0 to below 1"):
        Dropout(rate)


def test_the_highest_rate_keeps_some():
    y = Dropout(1 - 1e-9).forward((), np.ones((2000, 500), np.float32), Memory(Run(seed=0, step=0)))
    assert 0 < np.count_nonzero(y) < 100 and y.max() == 2**16
