"""Where batches come from, an epoch at a time and from any place in it: minibatches, or whatever can be iterated."""

import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from operator import itemgetter
from typing import Any, NamedTuple, final

import numpy as np
import torch
from torch import Tensor

from thalweg.errors import InvalidData
from thalweg.problem import Minibatches
from thalweg.training.torch.batches.randomness import random_state, set_random_state

__all__ = ["Batch", "Batches", "batches_of", "fingerprint", "leaves", "mapped", "rows_in", "validation_of"]

CHUNK = 256  # rows of a batch of data that is only looked at
SEEN = 10_000  # rows of a fingerprint, up to twice as many


class Batch(NamedTuple):
    """Rows that are seen together.

    Attributes:
        inputs: Of the module: a tensor, a tuple of them or a mapping.
        targets: Of the loss.
        weights: (n,) weights of the rows, or None for ones.
        mass: Sum of the weights, by which the batch's mean loss counts among others.
        rows: How many they are.
    """

    inputs: Any
    targets: Any
    weights: Tensor | None
    mass: float | Tensor
    rows: int


class Batches(ABC):
    """Epochs of batches on a device.

    Attributes:
        per_epoch: Number of batches, None where nobody knows.
    """

    per_epoch: int | None

    @abstractmethod
    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """Give the batches of epoch 0, 1, 2 … from one of them on."""

    @abstractmethod
    def facts(self) -> dict[str, Any]:
        """Give what must be the same when a training continues: numbers and strings."""

    @abstractmethod
    def state(self) -> dict[str, Tensor]:
        """Give what :meth:`epoch` needs to find its place again."""

    @abstractmethod
    def load(self, state: Mapping[str, Tensor]) -> None:
        """Take back what :meth:`state` gave."""


def batches_of(source: Any, device: torch.device, rank: int = 0, world: int = 1) -> Batches:
    """Make batches of what a user gives to train on.

    Arrays of floating numbers come in PyTorch's default precision, targets that are whole numbers as int64, tensors as
    they are.

    Args:
        source: Minibatches, of which each process takes every ``world``-th row; or an iterable that begins anew for each
            epoch, and gives each process what is its own.
        device: Where they are wanted.
        rank: Which process this is.
        world: Of how many.

    Raises:
        InvalidData: It is neither, or an iterator, which can be iterated only once.

    Example:
        >>> batches = batches_of(Minibatches(np.ones((5, 2)), np.ones(5), size=3), torch.device("cpu"))
        >>> [tuple(batch.inputs.shape) for batch in batches.epoch(0)]
        [(3, 2), (2, 2)]
    """
    if isinstance(source, Minibatches):
        return _Sampled(source, device, rank, world)
    none = isinstance(source, str | bytes | Mapping | Tensor | np.ndarray) or _is_table(source)
    if none or not isinstance(source, Iterable):
        raise InvalidData(
            f"the batches are of type {type(source).__name__}: expected thalweg.Minibatches(X, y, size=64), a DataLoader, "
            "or another iterable of (inputs, targets)"
        )
    if isinstance(source, Iterator):
        raise InvalidData(
            f"the batches are an iterator ({type(source).__name__}), which is used up after one epoch: give something that "
            "begins anew each time it is iterated, such as a list, a DataLoader, or Minibatches.stream(function)"
        )
    return _Iterated(source, device)


def validation_of(source: Any, device: torch.device) -> Batches:
    """Make batches of what a user gives to validate on: (X, y) or (X, y, weights), or as :func:`batches_of`.

    Raises:
        InvalidData: It is none of these.

    Example:
        >>> batches = validation_of((np.ones((300, 2)), np.ones(300)), torch.device("cpu"))
        >>> [tuple(batch.inputs.shape) for batch in batches.epoch(0)]
        [(256, 2), (44, 2)]
    """
    return _InOrder(_tensors(source), device) if _is_table(source) else batches_of(source, device)


def _is_table(source: Any) -> bool:
    """Tell (X, y) and (X, y, weights) from a tuple of batches."""
    return isinstance(source, tuple) and len(source) in (2, 3) and all(hasattr(part, "shape") for part in source[1:])


@final
class _Sampled(Batches):
    """Minibatches: the batches of every epoch are known beforehand."""

    def __init__(self, source: Minibatches, device: torch.device, rank: int, world: int) -> None:
        self.per_epoch = source.batches_per_epoch
        self._source, self._device, self._rank, self._world = source, device, rank, world
        self._arrays = None if source.arrays is None else _tensors(source.arrays)

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        if self._arrays is None or self.per_epoch is None:
            return (self._share(_tensors(parts)) for parts in self._source.epoch(number, start))
        return map(self._gathered, range(number * self.per_epoch + start, (number + 1) * self.per_epoch))

    def _gathered(self, number: int) -> Batch:
        """Take the rows of a batch: by PyTorch, which is faster than NumPy."""
        rows, empty = torch.from_numpy(self._source.rows_of(number)), False
        if self._world > 1:
            own, empty = self._own(len(rows))
            rows = rows[own]
        return _batch(
            [array.index_select(0, rows.to(array.device)) for array in self._arrays or ()], self._device, empty
        )

    def _share(self, parts: tuple[Any, ...]) -> Batch:
        own, empty = self._own(rows_in(parts[-1]))
        return _batch(mapped(lambda tensor: tensor[own], parts), self._device, empty)

    def _own(self, rows: int) -> tuple[slice, bool]:
        """Give the part of this process; where there is none a row that does not count, since all must make the step."""
        empty = rows <= self._rank
        return slice(0, 1) if empty else slice(self._rank, None, self._world), empty

    def facts(self) -> dict[str, Any]:
        source = self._source
        return {"rows": source.rows, "rows a batch": source.size, "seed of the batches": source.seed,
                "replacement": source.replacement, "fingerprint": fingerprint(self._arrays)}  # fmt: skip

    def state(self) -> dict[str, Tensor]:
        return {}

    def load(self, state: Mapping[str, Tensor]) -> None:
        return None


@final
class _InOrder(Batches):
    """All rows from the first to the last, in chunks."""

    def __init__(self, parts: tuple[Any, ...], device: torch.device) -> None:
        self._parts, self._device, self._rows = parts, device, rows_in(parts[1])
        self.per_epoch = -(-self._rows // CHUNK)

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        for first in range(start * CHUNK, self._rows, CHUNK):
            chunk = slice(first, first + CHUNK)
            yield _batch(mapped(itemgetter(chunk), self._parts), self._device)

    def facts(self) -> dict[str, Any]:
        return {"rows": self._rows, "fingerprint": fingerprint(self._parts)}

    def state(self) -> dict[str, Tensor]:
        return {}

    def load(self, state: Mapping[str, Tensor]) -> None:
        return None


@final
class _Iterated(Batches):
    """A data loader, or another iterable; its place is found by reading an epoch again from its beginning."""

    def __init__(self, source: Iterable[Any], device: torch.device) -> None:
        self._source, self._device, self._began = source, device, dict[str, Tensor]()
        try:
            self.per_epoch = len(source)  # type: ignore[arg-type]
        except TypeError:  # also of a DataLoader, whose data set has no length
            self.per_epoch = None
        parts = [getattr(source, name, None) for name in ("sampler", "batch_sampler")]
        parts.append(getattr(parts[1], "sampler", None))
        self._samplers = [part for part in parts if part is not None]
        found = [getattr(part, "generator", None) for part in (source, *self._samplers)]
        self._generators = list(dict.fromkeys(part for part in found if isinstance(part, torch.Generator)))

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        for sampler in self._samplers:
            if hasattr(sampler, "set_epoch"):
                sampler.set_epoch(number)
        now = self._randomness()
        if start:
            self._place(self._began)
        else:
            self._began = now
        batches = iter(self._source)
        if start:
            next(islice(batches, start - 1, start), None)
            self._place(now)
        for parts in batches:
            yield _batch(_tensors(parts), self._device)

    def facts(self) -> dict[str, Any]:
        return {"batches an epoch": self.per_epoch, "rows a batch": getattr(self._source, "batch_size", None)}

    def state(self) -> dict[str, Tensor]:
        own = {f"generator.{i}": generator.get_state() for i, generator in enumerate(self._generators)}
        return own | {f"began.{name}": state for name, state in self._began.items()}

    def load(self, state: Mapping[str, Tensor]) -> None:
        self._began = {name.removeprefix("began."): state[name] for name in state if name.startswith("began.")}
        for i, generator in enumerate(self._generators):
            generator.set_state(state[f"generator.{i}"])

    def _randomness(self) -> dict[str, Tensor]:
        own = {f"generator.{i}": generator.get_state() for i, generator in enumerate(self._generators)}
        return own | random_state()

    def _place(self, states: Mapping[str, Tensor]) -> None:
        set_random_state(states)
        for i, generator in enumerate(self._generators):
            generator.set_state(states[f"generator.{i}"])


def mapped(function: Callable[[Tensor], Any], value: Any) -> Any:
    """Replace every tensor of a tensor, tuple, list or mapping; lists become tuples."""
    if isinstance(value, Tensor):
        return function(value)
    if isinstance(value, tuple | list):
        return tuple(mapped(function, item) for item in value)
    if isinstance(value, Mapping):
        return {key: mapped(function, item) for key, item in value.items()}
    return value


def leaves(value: Any) -> list[Tensor]:
    """Give the tensors of a tensor, tuple, list or mapping."""
    found: list[Tensor] = []
    mapped(found.append, value)
    return found


def fingerprint(value: Any) -> str | None:
    """Give a checksum of some 10,000 rows of each tensor, the same for the same data; None where there is no tensor."""
    tensors, sum_ = [tensor for tensor in leaves(value) if tensor.layout == torch.strided], 0
    for tensor in tensors:
        some = tensor.detach()[:: max(1, len(tensor) // SEEN)] if tensor.ndim else tensor.detach()
        sum_ = zlib.crc32(some.cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data, sum_)
    return f"{sum_:08x}" if tensors else None


def rows_in(value: Any) -> int:
    """Give the length of the first tensor, 1 where there is none that has one."""
    first = value if isinstance(value, Tensor) else next(iter(leaves(value)), None)
    return 1 if first is None or not first.ndim else first.shape[0]


def _batch(parts: Sequence[Any], device: torch.device, empty: bool = False) -> Batch:
    if len(parts) not in (2, 3):
        raise InvalidData(
            f"a batch has {len(parts)} parts, expected 2 or 3: (inputs, targets) or (inputs, targets, weights), where "
            "several inputs are one tuple or mapping"
        )
    inputs, targets, *weights = [_brought(part, device) for part in parts]
    rows = 0 if empty else rows_in(targets)
    mass = weights[0].sum() if weights and not empty else rows
    return Batch(inputs, targets, weights[0] if weights else None, mass, rows)


def _brought(part: Any, device: torch.device) -> Any:
    if isinstance(part, Tensor):  # nearly always, and where most of them already are
        return part if part.device == device else part.to(device, non_blocking=True)
    return mapped(lambda tensor: tensor.to(device, non_blocking=True), part)


def _tensors(parts: Any) -> tuple[Any, ...]:
    if not isinstance(parts, tuple | list):
        raise InvalidData(f"a batch is of type {type(parts).__name__}, expected a tuple (inputs, targets)")
    return tuple(_tensor_of(part, whole=i == 1) for i, part in enumerate(parts))


def _tensor_of(value: Any, whole: bool) -> Any:
    """Turn arrays to tensors, within tuples and mappings too; class labels to the only type that losses take."""
    if isinstance(value, tuple | list):
        return tuple(_tensor_of(item, whole) for item in value)
    if isinstance(value, Mapping):
        return {key: _tensor_of(item, whole) for key, item in value.items()}
    if not (isinstance(value, np.ndarray | np.generic) or hasattr(value, "iloc")):
        return value
    array = np.ascontiguousarray(value)
    if array.dtype.kind not in "fiub":
        raise InvalidData(f"an array of {array.dtype} and shape {array.shape} is no tensor: encode it as numbers first")
    tensor = torch.from_numpy(array) if array.flags.writeable else torch.tensor(array)
    if tensor.is_floating_point():
        return tensor.to(torch.get_default_dtype())
    return tensor.to(torch.int64) if whole else tensor
