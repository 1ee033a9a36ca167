"""Breeding in a space of mixed columns: numbers by one pair of operators, choices by another, and no child twice."""

from typing import final

import numpy as np

from thalweg.arrays import Bools, Floats
from thalweg.optimizers.evolution.operators import Crossover, Mutation
from thalweg.serial import frozen
from thalweg.space import CATEGORICAL, INTEGER, Columns

__all__ = ["MixedVariation", "to_bins"]

ATTEMPTS = 5  # to make a child differ from all others, by mutating it once more


@final
@frozen
class MixedVariation:
    """Cross and mutate parents; integers and grids are rounded, and moved at least to the next value where they mutate.

    Args:
        crossover: Of numbers, on their searched scale.
        mutation: Of numbers.
        choice_crossover: Of choices.
        choice_mutation: Of choices.

    Example:
        >>> from thalweg.optimizers.evolution.operators import *
        >>> from thalweg.space import Int, Space
        >>> variation = MixedVariation(
        ...     SimulatedBinary(), PolynomialMutation(), UniformCrossover(), ResamplingMutation()
        ... )
        >>> columns = Space({"n": Int(1, 4)}).columns
        >>> parents = to_bins(columns, np.array([[0.1], [0.9]]))
        >>> children = variation.breed(columns, parents[:1], parents[1:], 2, parents, np.random.default_rng(0))
        >>> sorted(columns.from_unit(children)[:, 0].tolist())
        [2.0, 3.0]
    """

    crossover: Crossover
    mutation: Mutation
    choice_crossover: Crossover
    choice_mutation: Mutation

    def breed(
        self, columns: Columns, a: Floats, b: Floats, size: int, known: Floats, random: np.random.Generator
    ) -> Floats:
        """Make children of n pairs, two of each; those that equal a known individual or each other mutate once more.

        Args:
            columns: What the genes stand for.
            a: (n, d) first parents in the unit cube.
            b: (n, d) second parents.
            size: How many children are wanted, at most 2n.
            known: (k, d) individuals that are not worth another evaluation.
            random: Where the chance comes from.

        Returns:
            (size, d) children in the unit cube.
        """
        children = self._mutate(columns, self._cross(columns, a, b, random)[:size], random)
        for _ in range(ATTEMPTS):
            again = _repeated(columns, known, children)
            if not again.any():
                break
            children[again] = self._mutate(columns, children[again], random)
        return children

    def _cross(self, columns: Columns, a: Floats, b: Floats, random: np.random.Generator) -> Floats:
        children = np.concatenate(self.crossover.cross(a, b, random))
        choice = columns.kind == CATEGORICAL
        if choice.any():
            exchanged = np.concatenate(self.choice_crossover.cross(a, b, random))
            children = np.where(choice, exchanged, children)
        return to_bins(columns, children)

    def _mutate(self, columns: Columns, u: Floats, random: np.random.Generator) -> Floats:
        moved = self.mutation.mutate(u, random)
        choice = columns.kind == CATEGORICAL
        if choice.any():
            moved = np.where(choice, self.choice_mutation.mutate(u, random), moved)
        return _at_least_one_step(columns, u, moved)


def to_bins(columns: Columns, u: Floats) -> Floats:
    """Put the genes (n, d) of integers, grids and choices into the middle of their bin."""
    if not columns.discrete.any():
        return u
    return np.where(columns.discrete, columns.to_unit(columns.from_unit(u)), u)


def _at_least_one_step(columns: Columns, before: Floats, after: Floats) -> Floats:
    """Round mutated genes; where that would undo the move of an integer or grid, go to the next value.

    Otherwise a column of few values would hardly ever mutate: a polynomial mutation seldom leaves a wide bin.
    """
    ordered = columns.discrete & (columns.kind != CATEGORICAL)
    if not ordered.any():
        return to_bins(columns, after)
    x, old = columns.from_unit(after), columns.from_unit(before)
    undone = ordered & (after != before) & (x == old)
    step = np.where(columns.kind == INTEGER, 1.0, columns.step)
    next_up, next_down = old + step, old - step
    up = (after > before) & (next_up <= columns.high) | (next_down < columns.low)
    x = np.where(undone, np.where(up, next_up, next_down), x)
    return np.where(columns.discrete, columns.to_unit(np.clip(x, columns.low, columns.high)), after)


def _repeated(columns: Columns, known: Floats, children: Floats) -> Bools:
    """(n,) which children are the same configuration as a known one or an earlier child."""
    x = columns.from_unit(np.concatenate([known, children]))
    # As bytes, rows are sorted ten times faster than by unique(axis=0). Adding 0.0 turns −0.0 into 0.0.
    x = np.ascontiguousarray(columns.canonical(x, columns.activity(x)) + 0.0)
    rows = x.view(f"V{x.itemsize * columns.dim}")[:, 0]
    repeated = np.ones(len(x), dtype=np.bool_)
    repeated[np.unique(rows, return_index=True)[1]] = False
    return repeated[len(known) :]
