"""Simulated binary crossover, within bounds.

K. Deb, R. B. Agrawal, "Simulated binary crossover for continuous search space", Complex Systems 9, 1995. The
spread that keeps children within bounds: K. Deb, S. Agrawal, "A niched-penalty approach for constraint handling
in genetic algorithms", 1999. Letters are theirs.
"""

from typing import final

import numpy as np

from thalweg.arrays import Floats
from thalweg.errors import InvalidSettings
from thalweg.optimizers.evolution.operators.operator import Crossover, check_probability
from thalweg.serial import frozen

__all__ = ["SimulatedBinary"]

SAME = 1e-14  # genes that are this close are not crossed: their spread would be lost in rounding


@final
@frozen
class SimulatedBinary(Crossover):
    """Spread two children about their parents as the crossover of binary strings would.

    c = ½ (y₁ + y₂ ∓ β (y₂ − y₁)), where β has the density ½ (η + 1) βᵑ up to 1 and ½ (η + 1) / βᵑ⁺² beyond,
    cut off where a child would leave [0, 1]. The children's distance is proportional to the parents': the
    search narrows with the population.

    Args:
        eta: η, at least 0; the larger, the closer children stay to their parents. The paper uses 2 to 5 for
            one objective, later work 15 to 20 for several.
        probability: Share of the pairs that are crossed at all.
        gene_probability: Share of their genes that are.

    Raises:
        InvalidSettings: A setting is out of its range.

    Example:
        >>> a, b = np.full((1, 3), 0.4), np.full((1, 3), 0.6)
        >>> c, d = SimulatedBinary().cross(a, b, np.random.default_rng(0))
        >>> np.allclose(c + d, a + b)  # far from the bounds both children have the parents' mean
        True
    """

    eta: float = 3.0
    probability: float = 0.9
    gene_probability: float = 0.5

    def __post_init__(self) -> None:
        """Check the settings."""
        if not self.eta >= 0:
            raise InvalidSettings(f"SimulatedBinary: eta={self.eta}, expected at least 0")
        check_probability(self, "probability", self.probability)
        check_probability(self, "gene_probability", self.gene_probability)

    def cross(self, a: Floats, b: Floats, random: np.random.Generator) -> tuple[Floats, Floats]:
        """Spread the chosen genes, and deal the two results to the two children at random."""
        low, high = np.minimum(a, b), np.maximum(a, b)
        distance = high - low
        chosen = random.random((len(a), 1)) < self.probability
        chosen = chosen & (random.random(a.shape) < self.gene_probability) & (distance > SAME)
        u = random.random(a.shape)
        distance = np.where(chosen, distance, 1.0)
        lower = (low + high - self._spread(u, 1 + 2 * low / distance) * distance) / 2
        upper = (low + high + self._spread(u, 1 + 2 * (1 - high) / distance) * distance) / 2
        swap = random.random(a.shape) < 0.5
        first = np.where(chosen, np.where(swap, upper, lower), a)
        second = np.where(chosen, np.where(swap, lower, upper), b)
        return np.clip(first, 0.0, 1.0), np.clip(second, 0.0, 1.0)

    def _spread(self, u: Floats, most: Floats) -> Floats:
        """Draw β, at most ``most``, by the inverse of its distribution function at u."""
        alpha = 2 - most ** -(self.eta + 1)
        mass = u * alpha
        spread: Floats = np.where(mass <= 1, mass, 1 / (2 - mass)) ** (1 / (self.eta + 1))
        return spread
