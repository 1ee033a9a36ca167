"""Minibatches: every row once an epoch, the same rows whoever asks; from arrays, functions and streams."""

import itertools
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
    np.testing.assert_allclose(batches.shares, [len(part) / rows for part in seen])


def test_rows_of_all_arrays_stay_together():
    X, y = np.arange(20.0).reshape(10, 2), np.arange(10) * 2.0
    for k in range(7):
        a, b = Minibatches(X, y, size=3, seed=1).at(k)
        assert np.array_equal(a[:, 0], b)


def test_every_epoch_and_seed_has_another_order():
    batches = Minibatches(np.arange(100), size=100)
    orders = [batches.at(k)[0] for k in range(3)] + [Minibatches(np.arange(100), size=100, seed=1).at(0)[0]]
    assert len({tuple(order.tolist()) for order in orders}) == 4


def squares(rows):
    return rows**2


def epochs(epoch):
    return (np.array([epoch, i]) for i in range(3 + epoch % 2))


@pytest.mark.parametrize(
    "batches",
    [
        Minibatches(np.arange(10), size=4, seed=3),
        Minibatches(np.arange(10), size=4, seed=3, replacement=True),
        Minibatches.of(squares, rows=10, size=4),
        Minibatches.stream(epochs),
    ],
    ids=["arrays", "replacement", "function", "stream"],
)
def test_an_evaluation_sees_the_same_rows_whenever_and_wherever_it_is_made(batches):
    expected = [batches.at(k)[0].tolist() for k in range(20)]
    elsewhere = pickle.loads(pickle.dumps(batches))
    assert [elsewhere.at(k)[0].tolist() for k in reversed(range(20))] == expected[::-1]
    assert [batches.at(k)[0].tolist() for k in (13, 2, 19)] == [expected[k] for k in (13, 2, 19)]


def test_a_function_gives_the_data_of_row_numbers():
    data = np.arange(10.0) + 5
    given_arrays, given_function = Minibatches(data, size=4), Minibatches.of(data.take, rows=10, size=4)
    for k in range(6):
        assert np.array_equal(given_function.at(k)[0], given_arrays.at(k)[0])
    assert Minibatches.of(lambda rows: (rows, -rows), rows=3, size=3).at(0)[1].sum() == -3
    assert (given_function.rows, given_function.size, given_function.batches_per_epoch) == (10, 4, 3)


def test_with_replacement_rows_are_independent_and_equally_likely():
    batches = Minibatches(np.arange(5), size=3, replacement=True)
    seen = np.concatenate([batches.at(k)[0] for k in range(2000)])
    assert len(seen) == 6000
    counts = np.bincount(seen, minlength=5)
    assert ((counts - 1200) ** 2 / 1200).sum() < 18.5  # χ² with 4 degrees of freedom: 0.1 %
    assert any(len(set(batches.at(k)[0].tolist())) < 3 for k in range(20))
    assert batches.replacement and batches.shares is None


def test_a_stream_is_read_once_while_it_goes_on():
    opened = []

    def batches(epoch):
        opened.append(epoch)
        return iter(range(10 * epoch, 10 * epoch + 3))

    stream = Minibatches.stream(batches)
    assert [stream.at(k) for k in (0, 1, 1, 2, 3, 2, 4, 5, 6)] == [(v,) for v in (0, 1, 1, 2, 10, 2, 11, 12, 20)]
    assert opened == [0, 1, 2], "a batch seen shortly before is not read again"
    assert stream.at(20) == (62,)
    assert stream.at(4) == (11,)
    assert opened == [0, 1, 2, 3, 4, 5, 6, 1], "going back begins at the epoch, not at the beginning"
    assert stream.rows is stream.size is stream.batches_per_epoch is stream.shares is None


def test_a_stream_that_cannot_be_read_again_is_refused():
    used_up = iter(range(3))
    with pytest.raises(InvalidProblem, match="none in epoch 1: give a function that begins anew"):
        Minibatches.stream(lambda epoch: used_up).at(3)
    lengths = iter([3, 3, 3, 3, 2, 3])
    stream = Minibatches.stream(lambda epoch: range(next(lengths)))
    stream.at(11)
    with pytest.raises(InvalidProblem, match="epoch 0 of the stream has 2 minibatches, and had 3 before"):
        stream.at(2)


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
        (lambda: Minibatches.of(squares, rows=3, size=4), "a minibatch of 4 rows: expected 1 to 3"),
    ],
)
def test_what_cannot_be_cut_is_refused(make, text):
    with pytest.raises(InvalidProblem, match=text):
        make()


@pytest.mark.parametrize("kind", ["arrays", "replacement", "function", "stream"])
def test_an_epoch_can_be_read_from_any_of_its_batches(kind):
    made = {
        "arrays": Minibatches(np.arange(10), size=4, seed=3),
        "replacement": Minibatches(np.arange(10), size=4, seed=3, replacement=True),
        "function": Minibatches.of(squares, rows=10, size=4),
        "stream": Minibatches.stream(epochs),
    }[kind]
    starts = [0, 3, 7] if kind == "stream" else [0, 3, 6]
    for epoch, (first, end) in enumerate(itertools.pairwise(starts)):
        for start in range(end - first + 1):
            seen = [batch[0].tolist() for batch in made.epoch(epoch, start)]
            assert seen == [made.at(k)[0].tolist() for k in range(first + start, end)]


def test_arrays_and_row_numbers_give_the_same_batches():
    X, y = np.arange(20.0).reshape(10, 2), np.arange(10) * 2.0
    batches = Minibatches(X, y, size=3, seed=1)
    assert batches.arrays[0] is X
    for k in range(7):
        for whole, part in zip(batches.arrays, batches.at(k), strict=True):
            assert np.array_equal(whole[batches.rows_of(k)], part)
    assert Minibatches.of(squares, rows=10, size=4).arrays is None
    assert Minibatches.stream(epochs).arrays is Minibatches.stream(epochs).rows_of(0) is None
