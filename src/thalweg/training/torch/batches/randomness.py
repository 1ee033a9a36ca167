"""The random generators of a process: where they stand, as tensors, and back."""

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from thalweg.rng import generator

__all__ = ["random_state", "seeded", "set_random_state"]


def random_state() -> dict[str, Tensor]:
    """Give the states of the global generators: PyTorch's on every device, NumPy's and Python's.

    Example:
        >>> state = random_state()
        >>> first = torch.rand(1), random.random(), np.random.rand()
        >>> set_random_state(state)
        >>> first == (torch.rand(1), random.random(), np.random.rand())
        True
    """
    _, words, spare = random.getstate()
    numpy: Any = np.random.get_state(legacy=True)
    _, keys, position, has_spare, spare_numpy = numpy
    nothing = float("nan")  # Python keeps every second normal number for the next call, or None
    states = {
        "torch": torch.get_rng_state(),
        "python": torch.from_numpy(np.array(words)),
        "python.spare": torch.tensor([nothing if spare is None else spare], dtype=torch.float64),
        "numpy": torch.from_numpy(np.append(keys.astype(np.int64), [position, has_spare])),
        "numpy.spare": torch.tensor([spare_numpy], dtype=torch.float64),
    }
    if torch.cuda.is_available():
        states |= {f"cuda.{i}": state for i, state in enumerate(torch.cuda.get_rng_state_all())}
    return states


def set_random_state(states: Mapping[str, Tensor]) -> None:
    """Set the global generators to where they stood. Those of devices that are not here are left out."""
    torch.set_rng_state(states["torch"])
    spare = states["python.spare"].item()
    random.setstate((3, tuple(states["python"].tolist()), None if spare != spare else spare))
    *keys, position, has_spare = states["numpy"].tolist()
    np.random.set_state(("MT19937", np.array(keys, np.uint32), position, has_spare, states["numpy.spare"].item()))
    for i in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        if f"cuda.{i}" in states:
            torch.cuda.set_rng_state(states[f"cuda.{i}"], i)


@contextmanager
def seeded(seed: int | None, *counters: int) -> Iterator[None]:
    """Let the global generators begin, inside, from a seed; afterwards they stand where they stood.

    Dropout, and whatever a module or a data set draws, takes from them. Without a seed they go on from where they are.
    """
    if seed is None:
        yield
        return
    before, source = random_state(), generator(seed, *counters)
    torch.manual_seed(int(source.integers(2**63)))
    random.seed(int(source.integers(2**63)))
    np.random.seed(int(source.integers(2**32)))
    try:
        yield
    finally:
        set_random_state(before)
