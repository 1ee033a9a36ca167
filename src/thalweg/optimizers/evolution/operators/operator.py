"""The contracts of genetic operators: pure functions of a whole population in the unit cube.

Genes are points of the unit cube, one row an individual. Integers, grids and choices are the bins of their
interval (:meth:`thalweg.space.Columns.from_unit`). An operator is a frozen dataclass made with
:func:`thalweg.serial.frozen`.
"""

from abc import ABC, abstractmethod

import numpy as np

from thalweg.arrays import Floats, Ints
from thalweg.errors import InvalidSettings

__all__ = ["Crossover", "Mutation", "Selection", "check_probability"]


class Selection(ABC):
    """Choose who becomes a parent."""

    @abstractmethod
    def select(self, rank: Ints, n: int, random: np.random.Generator) -> Ints:
        """Choose n individuals.

        Args:
            rank: (k,) the lower, the better.
            n: How many.
            random: Where the chance comes from.

        Returns:
            (n,) indices into rank.
        """


class Crossover(ABC):
    """Make two children of two parents."""

    @abstractmethod
    def cross(self, a: Floats, b: Floats, random: np.random.Generator) -> tuple[Floats, Floats]:
        """Cross n pairs.

        Args:
            a: (n, d) first parents in the unit cube.
            b: (n, d) second parents.
            random: Where the chance comes from.

        Returns:
            The children, (n, d) and (n, d), in the unit cube.
        """


class Mutation(ABC):
    """Change individuals at random."""

    @abstractmethod
    def mutate(self, u: Floats, random: np.random.Generator) -> Floats:
        """Change some genes of n individuals.

        Args:
            u: (n, d) genes in the unit cube; not changed.
            random: Where the chance comes from.

        Returns:
            (n, d) genes in the unit cube; exactly the old ones where nothing happened.
        """


def check_probability(operator: object, name: str, probability: float | None) -> None:
    """Refuse what is no probability.

    Raises:
        InvalidSettings: It lies outside [0, 1].
    """
    if probability is not None and not 0 <= probability <= 1:
        raise InvalidSettings(f"{type(operator).__name__}: {name}={probability}, expected a probability from 0 to 1")
