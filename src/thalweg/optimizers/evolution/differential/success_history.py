"""Success history: settings of differential evolution, learned from those that worked.

R. Tanabe, A. Fukunaga, "Success-history based parameter adaptation for differential evolution", CEC 2013; the terminal
value ⊥ and the weighted Lehmer mean of CR as in their "Improving the search performance of SHADE using linear population
size reduction", CEC 2014. Letters are theirs.
"""

from dataclasses import replace
from typing import final

import numpy as np

from thalweg.arrays import Bools, Floats, Ints
from thalweg.serial import frozen

__all__ = ["SuccessHistory", "gain_of", "lehmer_mean"]

SPREAD = 0.1  # of the distributions around a remembered value, for F and for CR
INHERITED = 0.9  # how much of the share of a system is kept from one generation to the next
LEAST_F = 1e-9  # against rounding
LEAST_SHARE = 0.1  # of either system, so that it can prove itself again


@final
@frozen
class SuccessHistory:
    """What worked lately in each of two coordinate systems, and how well each system works.

    A trial takes its settings from a remembered place r, uniform in 1 … H:

        F ~ Cauchy(M_F,r, 0.1), drawn again while ≤ 0, cut at 1;    CR ~ N(M_CR,r, 0.1), cut to [0, 1],

    and CR = 0 where M_CR,r = ⊥. After a generation one place k of a system is set to the means of the F and CR of
    its successful trials, weighted by how much they improved. Difference from the paper: it has one system.

    Attributes:
        F: (2, H) M_F.
        CR: (2, H) M_CR; NaN stands for ⊥.
        place: (2,) k, that is set next.
        share: Of trials made in the second system.

    Example:
        >>> history = SuccessHistory.begin(size=5)
        >>> F, CR = history.draw(np.zeros(1000, dtype=np.int64), np.random.default_rng(0))
        >>> bool(((F > 0) & (F <= 1)).all()), round(float(np.median(F)), 1), round(float(CR.mean()), 1)
        (True, 0.5, 0.5)
    """

    F: Floats
    CR: Floats
    place: Ints
    share: float

    @classmethod
    def begin(cls, size: int) -> "SuccessHistory":
        """Remember 0.5 everywhere, as in the paper."""
        half = np.full((2, size), 0.5)
        return cls(half, half, np.zeros(2, dtype=np.int64), 0.5)

    def draw(self, system: Ints, random: np.random.Generator) -> tuple[Floats, Floats]:
        """Draw F and CR for each trial: equations (1) and (2) of the paper of 2014.

        Args:
            system: (n,) 0 or 1.
            random: Where the chance comes from.

        Returns:
            F (n,) in (0, 1], and CR (n,) in [0, 1].
        """
        r = random.integers(self.F.shape[1], size=len(system))
        F, CR = self.F[system, r], self.CR[system, r]
        # The part of a Cauchy distribution that is above 0, by its inverse distribution function: nothing is drawn again.
        least = 0.5 - np.arctan(F / SPREAD) / np.pi
        F += SPREAD * np.tan(np.pi * (least + (1 - least) * random.random(len(F)) - 0.5))
        CR += SPREAD * random.standard_normal(len(CR))
        return np.minimum(np.maximum(F, LEAST_F), 1.0), np.minimum(np.fmax(CR, 0.0), 1.0)  # fmax(⊥, 0) is 0

    def update(self, system: Ints, F: Floats, CR: Floats, gain: Floats) -> "SuccessHistory":
        """Learn from a generation: algorithm 1 of the paper of 2014 in each system.

        Args:
            system: (n,) of each trial.
            F: (n,) its F.
            CR: (n,) its CR.
            gain: (n,) by how much it was better than its parent; 0 where it was not.
        """
        best = gain.max(initial=0.0)
        if best <= 0:
            return self
        weight = gain / best
        memory_F, memory_CR, place = self.F.copy(), self.CR.copy(), self.place.copy()
        for s in (0, 1):
            success = (weight > 0) & (system == s)
            if success.any():
                k, w = place[s], weight[success]
                memory_F[s, k] = lehmer_mean(F[success], w)
                lost = np.isnan(memory_CR[s, k]) or CR[success].max() == 0
                memory_CR[s, k] = np.nan if lost else lehmer_mean(CR[success], w)
                place[s] = (k + 1) % self.F.shape[1]
        return replace(self, F=memory_F, CR=memory_CR, place=place, share=self._shared(system == 1, weight))

    def _shared(self, second: Bools, weight: Floats) -> float:
        """Move the share of the second system towards its part of the gain, a trial."""
        total = weight.sum()
        gain = weight[second].sum()
        theirs, others = gain / max(second.sum(), 1), (total - gain) / max((~second).sum(), 1)
        share = INHERITED * self.share + (1 - INHERITED) * theirs / (theirs + others)
        return float(np.clip(share, LEAST_SHARE, 1 - LEAST_SHARE))


def gain_of(value: Floats, infeasibility: Floats, new_value: Floats, new_infeasibility: Floats) -> Floats:
    """Tell by how much points are better than others by Deb's rules: in violation where that differs, else in value.

    Args:
        value: (n,) objective of the others, NaN where unknown or failed.
        infeasibility: (n,) their violation ≥ 0, inf where unknown or failed.
        new_value: (n,) objective of the points.
        new_infeasibility: (n,) their violation.

    Returns:
        (n,) positive where a point is better, inf where the other one failed; NaN or −inf where the point itself failed.

    Example:
        >>> gain_of(np.array([3.0, 1.0]), np.array([0.0, 0.5]), np.array([1.0, 9.0]), np.array([0.0, 0.0])).tolist()
        [2.0, 0.5]
    """
    with np.errstate(invalid="ignore", over="ignore"):
        gain: Floats = np.where(
            new_infeasibility == infeasibility, value - new_value, infeasibility - new_infeasibility
        )
    return gain


def lehmer_mean(values: Floats, weight: Floats) -> float:
    """Average values (n,) by Σ w x² / Σ w x: the large ones count more.

    Example:
        >>> lehmer_mean(np.array([0.5, 1.0]), np.array([1.0, 1.0]))
        0.8333333333333334
    """
    weighted = weight * values
    return float(weighted @ values / weighted.sum())
