"""Minibatches: every row once an epoch, the same rows whoever asks."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg.errors import InvalidProblem
from thalweg.problem import Minibatches


@given(rows=st.integers(1, 30), data=st.data(), seed=st.integers(0, 50), epoch=st.integers(0, 3))
def test_an_epoch_sees_every_row_once(rows, data, seed, epoch):
    size = data.draw(st.integers(1, rows))
    batches = Minibatches(np.arange(rows), size=size, seed=seed)
    first = epoch * batches.batches_per_epoch
    seen = [batches.at(first + k)[0] for k in range(batches.batches_per_epoch)]
    assert [len(part) for part in seen[:-1]] == [size] * (len(seen) - 1)
    assert 1 <= len(seen[-1]) <= size
    assert sorted(np.concatenate(seen).tolist()) == list(range(rows))


def test_rows_of_all_arrays_stay_together():
    X, y = np.arange(20.0).reshape(10, 2), np.arange(10) * 2.0
    for k in range(7):
        a, b = Minibatches(X, y, size=3, seed=1).at(k)
        assert np.array_equal(a[:, 0], b)


def test_every_epoch_and_seed_has_another_order():
    batches = Minibatches(np.arange(100), size=100)
    orders = [batches.at(k)[0] for k in range(3)] + [Minibatches(np.arange(100), size=100, seed=1).at(0)[0]]
    assert len({tuple(order.tolist()) for order in orders}) == 4


def test_an_evaluation_sees_the_same_rows_whenever_and_wherever_it_is_made():
    batches = Minibatches(np.arange(10), size=4, seed=3)
    expected = [batches.at(k)[0].tolist() for k in range(20)]
    elsewhere = pickle.loads(pickle.dumps(batches))
    assert [elsewhere.at(k)[0].tolist() for k in reversed(range(20))] == expected[::-1]


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Minibatches(size=1), r"got \[\]"),
        (
            lambda: Minibatches(np.arange(3), np.arange(4), size=1),
            r"of one common length of at least 1, got \[3, 4\]",
        ),
        (lambda: Minibatches(np.empty(0), size=1), r"at least 1, got \[0\]"),
        (lambda: Minibatches(np.arange(3), size=0), "a minibatch of 0 rows: expected 1 to 3"),
        (lambda: Minibatches(np.arange(3), size=4), "a minibatch of 4 rows: expected 1 to 3"),
    ],
)
def test_what_cannot_be_cut_is_refused(make, text):
    with pytest.raises(InvalidProblem, match=text):
        make()
