"""Polynomial mutation, within bounds.

K. Deb, M. Goyal, "A combined genetic adaptive search (GeneAS) for engineering design", Computer Science and
Informatics 26(4), 1996. Letters are theirs.
"""

from typing import final

import numpy as np

from thalweg.arrays import Floats
from thalweg.errors import InvalidSettings
from thalweg.optimizers.evolution.operators.operator import Mutation, check_probability
from thalweg.serial import frozen

__all__ = ["PolynomialMutation"]


@final
@frozen
class PolynomialMutation(Mutation):
    """Move some genes, mostly a little: u ← u + δ, where δ has the density ½ (η + 1) (1 − |δ|)ᵑ.

    It is cut off where u would leave [0, 1], separately to each side, so that both sides stay equally likely.

    Args:
        eta: η, at least 0; a move is about 1 / η of the range.
        probability: Share of the genes that move; None for 1 / d, one gene of an individual on average.

    Raises:
        InvalidSettings: A setting is out of its range.

    Example:
        >>> u = np.full((1, 4), 0.5)
        >>> PolynomialMutation(probability=1.0).mutate(u, np.random.default_rng(0)).round(2)
        array([[0.55, 0.58, 0.51, 0.53]])
    """

    eta: float = 20.0
    probability: float | None = None

    def __post_init__(self) -> None:
        """Check the settings."""
        if not self.eta >= 0:
            raise InvalidSettings(f"PolynomialMutation: eta={self.eta}, expected at least 0")
        check_probability(self, "probability", self.probability)

    def mutate(self, u: Floats, random: np.random.Generator) -> Floats:
        """Draw δ by the inverse of its distribution function."""
        share = 1 / u.shape[1] if self.probability is None else self.probability
        chosen = random.random(u.shape) < share
        r = random.random(u.shape)
        power = self.eta + 1
        down = (2 * r + np.maximum(1 - 2 * r, 0) * (1 - u) ** power) ** (1 / power) - 1
        up = 1 - (2 * (1 - r) + np.maximum(2 * r - 1, 0) * u**power) ** (1 / power)
        return np.where(chosen, np.clip(u + np.where(r < 0.5, down, up), 0.0, 1.0), u)
