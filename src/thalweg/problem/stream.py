"""Batches that can only be read one after the other, by number."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, final

from thalweg.errors import InvalidProblem

__all__ = ["Stream"]

RECENT = 8  # batches kept: a line search, or several workers, see the same one again soon


@final
class Stream:
    """Find batch k by reading on, or from the beginning of its epoch; remember where epochs begin.

    Args:
        batches: Gives the batches of epoch 0, 1, 2 ….
    """

    def __init__(self, batches: Callable[[int], Iterable[Any]]) -> None:
        """Read nothing yet."""
        self._batches = batches
        self._starts = [0]  # number of the first batch of every epoch that was reached
        self._recent: dict[int, Any] = {}
        self._open(0)

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel to another process without the open file."""
        return Stream, (self._batches,)

    def at(self, number: int) -> Any:
        """Give batch number k.

        Raises:
            InvalidProblem: An epoch is empty, or has another length than before.
        """
        if number in self._recent:
            return self._recent[number]
        if number < self._next:
            self._open(bisect_right(self._starts, number) - 1)
        while self._next <= number:
            self._read()
        return self._recent[number]

    def epoch(self, number: int, start: int) -> Iterator[Any]:
        """Give the batches of one epoch, from one of them on, without touching the place of :meth:`at`."""
        return islice(self._batches(number), start, None)

    def _open(self, epoch: int) -> None:
        self._epoch, self._next = epoch, self._starts[epoch]
        self._reader: Iterator[Any] | None = None

    def _read(self) -> None:
        """Read one batch, or turn to the next epoch."""
        if self._reader is None:
            self._reader = iter(self._batches(self._epoch))
        for batch in self._reader:
            self._recent.pop(self._next, None)
            self._recent[self._next] = batch
            if len(self._recent) > RECENT:
                del self._recent[next(iter(self._recent))]
            self._next += 1
            return
        first, following = self._starts[self._epoch], self._epoch + 1
        if self._next == first:
            raise InvalidProblem(
                f"the stream of minibatches has none in epoch {self._epoch}: give a function that begins anew each time "
                "it is called, not an iterator that is used up"
            )
        if following == len(self._starts):
            self._starts.append(self._next)
        elif self._starts[following] != self._next:
            raise InvalidProblem(
                f"epoch {self._epoch} of the stream has {self._next - first} minibatches, and had "
                f"{self._starts[following] - first} before: the same epoch must give the same batches again"
            )
        self._open(following)
