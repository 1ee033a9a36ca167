"""Rows in chunks: all of them, once, in order, and sums that depend on nothing else."""

import numpy as np
import pytest
from scipy.sparse import csr_array, random_array
from threadpoolctl import threadpool_info, threadpool_limits

from thalweg.training.rows import DenseRows, SparseRows, map_rows, rows_of, sum_rows, with_targets, with_weights
from thalweg.training.rows import passes as passes_module
from thalweg.training.rows.rows import chunk_rows


def dense(n=5000, d=700, order="C", dtype=np.float64):
    random = np.random.default_rng(0)
    return np.asarray(random.normal(size=(n, d)), dtype=dtype, order=order), random.normal(size=n).astype(dtype)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_dense_chunks_are_all_rows_once(order, dtype):
    X, y = dense(order=order, dtype=dtype)
    weight = np.arange(len(y), dtype=dtype)
    chunks = list(DenseRows(X, y, weight).chunks())
    assert len(chunks) > 1
    assert np.array_equal(np.concatenate([chunk.X for chunk in chunks]), X)
    assert np.array_equal(np.concatenate([chunk.y for chunk in chunks]), y)
    assert np.array_equal(np.concatenate([chunk.weight for chunk in chunks]), weight)
    assert [chunk.start for chunk in chunks] == list(range(0, len(y), chunk_rows(700, X.itemsize)))
    assert all(chunk.X.flags.c_contiguous and chunk.X.dtype == dtype for chunk in chunks)
    blocks = [block for chunk in chunks for block in chunk.blocks()]
    assert len(blocks) > len(chunks)
    assert np.array_equal(np.concatenate([block.X for block in blocks]), X)


def test_a_dense_array_in_c_order_is_not_copied():
    X, y = dense()
    assert all(np.shares_memory(chunk.X, X) for chunk in DenseRows(X, y).chunks())


def test_sparse_chunks_are_all_rows_once():
    X = csr_array(random_array((40_000, 300), density=0.1, rng=np.random.default_rng(0), format="csr"))
    y = np.arange(40_000.0)
    rows = SparseRows(X, y)
    chunks = list(rows.chunks())
    assert len(chunks) > 1 and len(chunks[0].X.indptr) == len(chunks[0]) + 1
    assert (sum(chunk.X.nnz for chunk in chunks), sum(map(len, chunks))) == (X.nnz, 40_000)
    w = np.random.default_rng(1).normal(size=300)
    assert np.array_equal(np.concatenate([chunk.X @ w for chunk in chunks]), X @ w)
    assert all(np.shares_memory(chunk.X.data, X.data) for chunk in chunks)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_sums_do_not_depend_on_the_threads(threads, monkeypatch):
    X, y = dense(n=30_000, d=200)
    monkeypatch.setattr(passes_module, "WORTH_A_THREAD", 2**20)
    monkeypatch.setattr(passes_module, "threads_for", lambda size: threads)
    product, count = sum_rows(DenseRows(X, y), lambda chunk: (chunk.X.T @ chunk.y, len(chunk)))
    monkeypatch.setattr(passes_module, "threads_for", lambda size: 1)
    with threadpool_limits(1, user_api="blas"):
        alone, _ = sum_rows(DenseRows(X, y), lambda chunk: (chunk.X.T @ chunk.y, len(chunk)))
    assert np.array_equal(product, alone)
    assert count == 30_000
    np.testing.assert_allclose(product, X.T @ y, rtol=1e-9, atol=1e-9)
    starts = map_rows(DenseRows(X, y), lambda chunk: chunk.start)
    assert starts == sorted(starts)


def test_blas_has_one_thread_inside_and_its_own_number_again_afterwards():
    X, y = dense(n=4000, d=300)

    def blas():
        return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]

    before = blas()
    inside = map_rows(DenseRows(X, y), lambda chunk: max(blas()))
    assert set(inside) == {1} or before == [1] * len(before)
    with pytest.raises(ZeroDivisionError):
        sum_rows(DenseRows(X, y), lambda chunk: 1 / 0)
    assert blas() == before


def test_threads_grow_with_the_data_up_to_what_is_allowed(monkeypatch):
    monkeypatch.setattr(passes_module, "_allowed", lambda: 3)
    monkeypatch.setattr(passes_module.os, "sched_getaffinity", lambda process: set(range(8)))
    assert [passes_module.threads_for(size) for size in (0, 2**20, 2**28, 2**29, 2**34)] == [1, 1, 1, 2, 3]


def test_targets_and_weights_are_changed_without_copying():
    X, y = dense(n=2000, d=20)
    rows = rows_of(X, y, np.full(2000, 2.0))
    positive = with_targets(rows, lambda y: (y > 0).astype(float))
    assert np.array_equal(np.concatenate(map_rows(positive, lambda chunk: chunk.y)), y > 0)
    half = with_weights(rows, lambda part: np.arange(2000)[part] % 2)
    assert half.total_weight == 2000.0
    (weight,) = map_rows(half, lambda chunk: chunk.weight)
    assert weight[:4].tolist() == [0.0, 2.0, 0.0, 2.0]
    assert with_weights(rows_of(X, y), lambda part: np.ones(2000)[part]).total_weight == 2000.0
