"""Randomness as a pure function of a seed and counters, so that a state is saved and continued to the last bit."""

import secrets

import numpy as np

__all__ = ["fresh_seed", "generator"]


def generator(seed: int, *counters: int) -> np.random.Generator:
    """Make the random generator that belongs to a seed and a path of counters.

    The same integers always give the same stream; any other integers give an independent one. Counters are a
    ``spawn_key``, which unlike a plain list of entropy words distinguishes ``(1,)`` from ``(1, 0)``.

    Args:
        seed: A non-negative integer of any size.
        counters: Non-negative integers, for example the generation and the particle.

    Example:
        >>> float(generator(7, 1).random()) == float(generator(7, 1).random())
        True
        >>> float(generator(7, 1).random()) == float(generator(7, 1, 0).random())
        False
    """
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=counters)))


def fresh_seed() -> int:
    """Draw a seed from the operating system, for a user who named none.

    Example:
        >>> 0 <= fresh_seed() < 2**63
        True
    """
    return secrets.randbits(63)
