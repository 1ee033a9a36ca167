"""What a penalty looks like from inside a solver: smooth on faces, with kinks between them.

On the face of all points whose zeros are the same (and whose other signs are, for the lasso), a penalty is smooth: there
Newton's method applies. M. Yuan, Y. Lin, "Model selection and estimation in regression with grouped variables", Journal of
the Royal Statistical Society B 68, 2006; R. H. Byrd, G. M. Chin, J. Nocedal, F. Oztoprak, "A family of second-order methods
for convex ℓ1-regularized optimization", Mathematical Programming 159, 2016.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from scipy.sparse import csr_array, diags_array

from thalweg.arrays import Bools, Floats, Ints
from thalweg.training.penalties import L1, L2, ElasticNet, GroupLasso, NonNegative, NoPenalty, Penalty

__all__ = ["Grouped", "Kinks", "Separate", "kinks_of"]


class Kinks(ABC):
    """The part of λΩ that is not smooth, of p chosen coefficients u."""

    @abstractmethod
    def chosen(self, columns: Ints) -> "Kinks":
        """Give those of some of the coefficients."""

    @abstractmethod
    def cost(self, u: Floats) -> float:
        """Give λ(Ω(u) − ½ ridge ‖u‖²)."""

    @abstractmethod
    def prox(self, z: Floats, D: Floats) -> Floats:
        """Give argmin over u of cost(u) + ½ Σ D (u − z)²; D may be raised where it differs within a group."""

    @abstractmethod
    def metric(self, D: Floats) -> Floats:
        """Give the least D' ≥ D for which :meth:`prox` has a formula."""

    @abstractmethod
    def slope(self, u: Floats) -> Floats:
        """Give the derivative of the cost on the face of u, 0 where u is 0."""

    @abstractmethod
    def bend(self, u: Floats) -> Any:
        """Give its second derivative (p, p), sparse; None where the cost is linear."""

    @abstractmethod
    def free(self, u: Floats) -> Bools:
        """Tell which coefficients move on the face."""

    @abstractmethod
    def land(self, u: Floats, step: Floats) -> Floats:
        """Give u + step, with 0 for what has left the face."""

    @abstractmethod
    def room(self, u: Floats, step: Floats) -> float:
        """Give the largest t ≤ 1 for which u + t step stays on the closed face."""

    @abstractmethod
    def shrunk(self, z: Floats) -> float:
        """Give the largest s ≤ 1 for which s z is a subgradient of the cost at 0."""


@final
@dataclass(frozen=True)
class Separate(Kinks):
    """Σ threshold |u|, and u ≥ 0 where the sign is bound."""

    threshold: float
    bound: bool

    def chosen(self, columns: Ints) -> "Separate":
        """Give the same: all coefficients are alike."""
        return self

    def cost(self, u: Floats) -> float:
        """Give the weighted sum of sizes."""
        return self.threshold * float(np.abs(u).sum())

    def prox(self, z: Floats, D: Floats) -> Floats:
        """Give the soft threshold."""
        with np.errstate(divide="ignore"):
            t = self.threshold / D
        return np.maximum(z - t, 0) if self.bound else z - np.clip(z, -t, t)

    def metric(self, D: Floats) -> Floats:
        """Give D."""
        return D

    def slope(self, u: Floats) -> Floats:
        """Give threshold · sign(u)."""
        return self.threshold * np.sign(u)

    def bend(self, u: Floats) -> None:
        """None: it is linear."""
        return None

    def free(self, u: Floats) -> Bools:
        """Free what is not 0; everything, where 0 is no kink."""
        return u != 0 if self.kinked else np.ones(len(u), dtype=bool)

    def land(self, u: Floats, step: Floats) -> Floats:
        """Stop every coefficient at 0."""
        after = u + step
        return np.where(after * u > 0, after, 0.0) if self.kinked else after

    def room(self, u: Floats, step: Floats) -> float:
        """Give the part of the step up to the first 0."""
        towards = u * step < 0
        return min(1.0, float((-u[towards] / step[towards]).min(initial=1.0))) if self.kinked else 1.0

    def shrunk(self, z: Floats) -> float:
        """Compare the largest z with the threshold."""
        largest = float((z if self.bound else np.abs(z)).max(initial=0.0))
        return 1.0 if largest <= self.threshold else self.threshold / largest

    @property
    def kinked(self) -> bool:
        """Whether there is a kink at 0."""
        return self.threshold > 0 or self.bound


@final
@dataclass(frozen=True)
class Grouped(Kinks):
    """Σ threshold_g ‖u_g‖, with the group g of every coefficient in ``codes``."""

    thresholds: Floats
    codes: Ints

    def chosen(self, columns: Ints) -> "Grouped":
        """Give those of whole groups."""
        return Grouped(self.thresholds, self.codes[columns])

    def cost(self, u: Floats) -> float:
        """Give the weighted sum of norms."""
        return float(self.thresholds @ self._norms(u))

    def prox(self, z: Floats, D: Floats) -> Floats:
        """Shorten every group by its threshold."""
        norms = self._norms(z)
        with np.errstate(divide="ignore", invalid="ignore"):
            left = np.maximum(1 - self.thresholds[self.codes] / (D * norms[self.codes]), 0)
        return np.where(norms[self.codes] > 0, left * z, 0.0)

    def metric(self, D: Floats) -> Floats:
        """Give the largest D of every group."""
        largest = np.zeros(len(self.thresholds))
        np.maximum.at(largest, self.codes, D)
        return largest[self.codes]

    def slope(self, u: Floats) -> Floats:
        """Give threshold · u / ‖u_g‖."""
        return self._over(u, 1) * u

    def bend(self, u: Floats) -> Any:
        """Give threshold (I / ‖u_g‖ − u uᵀ / ‖u_g‖³) in every group."""
        p = len(u)
        spread = csr_array((u, (np.arange(p), self.codes)), shape=(p, len(self.thresholds)))
        return diags_array(self._over(u, 1)) - diags_array(self._over(u, 3)) @ spread @ spread.T

    def free(self, u: Floats) -> Bools:
        """Free the groups that are not 0."""
        return self._norms(u)[self.codes] > 0

    def land(self, u: Floats, step: Floats) -> Floats:
        """Stop every group at 0 that has passed it."""
        after = u + step
        ahead = np.bincount(self.codes, weights=after * u, minlength=len(self.thresholds))
        return np.where(ahead[self.codes] > 0, after, 0.0)

    def room(self, u: Floats, step: Floats) -> float:
        """Give all of it: a line meets 0 by chance only."""
        return 1.0

    def shrunk(self, z: Floats) -> float:
        """Compare the norms of z with the thresholds."""
        norms = self._norms(z)
        over = norms > self.thresholds
        return float((self.thresholds[over] / norms[over]).min(initial=1.0))

    def _norms(self, u: Floats) -> Floats:
        return np.sqrt(np.bincount(self.codes, weights=u * u, minlength=len(self.thresholds)))

    def _over(self, u: Floats, power: int) -> Floats:
        """Give threshold / ‖u_g‖^power of every coefficient, 0 in groups that are 0."""
        norms = self._norms(u)
        return np.where(norms > 0, self.thresholds / np.where(norms > 0, norms, 1.0) ** power, 0.0)[self.codes]


def kinks_of(penalty: Penalty, strength: float) -> Kinks | None:
    """Give the kinks of λΩ; None of a penalty that is not known here."""
    match penalty:
        case L1():
            return Separate(strength, False)
        case ElasticNet(l1_ratio=alpha):
            return Separate(strength * alpha, False)
        case L2() | NoPenalty():
            return Separate(0.0, False)
        case NonNegative(penalty=inner):
            return Separate(
                strength * {L1: 1.0, ElasticNet: getattr(inner, "l1_ratio", 0.0)}.get(type(inner), 0.0), True
            )
        case GroupLasso(groups=groups):
            codes = np.asarray(groups, dtype=np.int64)
            return Grouped(strength * np.sqrt(np.bincount(codes)), codes)
    return None
