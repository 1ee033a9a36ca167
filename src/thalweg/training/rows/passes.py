"""Passes over all rows: results in order, by as many threads as the data is worth."""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any, TypeVar

from threadpoolctl import ThreadpoolController

from thalweg.training.rows.rows import Chunk, Rows

__all__ = ["map_rows", "single_threaded", "sum_rows", "threads_for"]

T = TypeVar("T")
_ALLOWED: ContextVar[int] = ContextVar("allowed", default=0)  # inside single_threaded: the threads that BLAS had before

WORTH_A_THREAD = 2**28  # bytes of data for every thread: below, waiting for the interpreter's lock costs what it saves
WORTH_A_LOOK = 2**20  # bytes from which the BLAS library might start threads of its own


def sum_rows(rows: Rows, function: Callable[[Chunk], tuple[Any, ...]]) -> tuple[Any, ...]:
    """Add up what a function gives of every chunk: a tuple of numbers and arrays, which may be reused for the sums.

    Threads take chunks as they become free, so a core that is busy elsewhere holds nobody up. The sums are taken in the
    order of the rows: their last bit depends neither on the threads nor on where the rows are kept.
    """
    sums: list[Any] | None = None
    with closing(_each(rows, function)) as results:
        for parts in results:
            if sums is None:
                sums = list(parts)
                continue
            for i, part in enumerate(parts):
                sums[i] += part
    return tuple(sums or ())


def map_rows(rows: Rows, function: Callable[[Chunk], T]) -> list[T]:
    """Apply a function to every chunk; the results are in the order of the rows."""
    with closing(_each(rows, function)) as results:
        return list(results)


def threads_for(size: int) -> int:
    """Give the number of threads for so many bytes: at most what the user allows BLAS (OMP_NUM_THREADS and the like)."""
    most = size // WORTH_A_THREAD
    return 1 if most <= 1 else max(1, min(most, _allowed(), len(os.sched_getaffinity(0))))


@contextmanager
def single_threaded(size: int) -> Iterator[None]:
    """Keep BLAS to one thread while data of so many bytes is worked on; nothing is done for small data.

    Two layers of threads would fight for the cores, and BLAS's own wait for each other at every small product. The
    threads of the passes inside are not touched by that.
    """
    allowed = _allowed() if size >= WORTH_A_LOOK else 1
    if allowed == 1 or _ALLOWED.get():
        yield
        return
    token = _ALLOWED.set(allowed)
    try:
        with _controller().limit(limits=1, user_api="blas"):
            yield
    finally:
        _ALLOWED.reset(token)


def _each(rows: Rows, function: Callable[[Chunk], T]) -> Generator[T, None, None]:
    threads = threads_for(rows.nbytes)
    with single_threaded(rows.nbytes):
        if threads == 1:
            yield from map(function, rows.chunks())
            return
        with ThreadPoolExecutor(threads) as pool:
            running: deque[Future[T]] = deque()
            for chunk in rows.chunks():
                running.append(pool.submit(function, chunk))
                if len(running) >= 2 * threads:  # so many chunks are in memory at most
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()


def _allowed() -> int:
    """Give what the user allows BLAS, also where we have limited it ourselves."""
    outside = _ALLOWED.get()
    if outside:
        return outside
    libraries = [library for library in _controller().lib_controllers if library.user_api == "blas"]
    return max((library.num_threads for library in libraries), default=1)


@cache
def _controller() -> Any:
    return ThreadpoolController()
