"""How a run differs from the one before it: not at all, by a larger population, or by two regimes in turn.

A. Auger, N. Hansen, "A restart CMA evolution strategy with increasing population size", CEC 2005. N. Hansen, "Benchmarking a
BI-population CMA-ES on the BBOB-2009 function testbed", GECCO workshop 2009. Letters are theirs.
"""

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import ClassVar, final

import numpy as np

from thalweg.errors import InvalidSettings
from thalweg.serial import frozen

__all__ = ["BIPOP", "IPOP", "Ledger", "Plan", "Policy", "SameSettings"]


@final
@frozen
class Ledger:
    """What the two regimes of BIPOP have spent, in evaluations."""

    large: int = 0
    small: int = 0
    last: int = 0  # by the latest run of the large regime
    doublings: int = 0  # of λ in the large regime
    is_large: bool = True  # whether the present run is of it


@final
@frozen
class Plan:
    """One run, in terms of the optimizer's own settings.

    Attributes:
        size: Factor of the population.
        sigma: Factor of the first step size, where the optimizer has such a setting.
        most: Evaluations after which the run is broken off; None where it ends by itself.
        ledger: What the policy remembers.
    """

    size: float = 1.0
    sigma: float = 1.0
    most: int | None = None
    ledger: Ledger = Ledger()


class Policy(ABC):
    """Say how the next run shall be."""

    multiplies: ClassVar[bool] = True  # whether it needs a population to multiply

    @abstractmethod
    def following(self, plan: Plan, evaluations: int, random: np.random.Generator) -> Plan:
        """Plan the run after one that followed a plan; the first run follows ``Plan()``, the optimizer's own settings.

        Args:
            plan: Of the run that has ended.
            evaluations: That this run has taken.
            random: Chance, fresh for each run.
        """


@final
@frozen
class SameSettings(Policy):
    """Begin every run with the same settings; only chance differs.

    Example:
        >>> SameSettings().following(Plan(), 500, np.random.default_rng(0)).size
        1.0
    """

    multiplies: ClassVar[bool] = False

    def following(self, plan: Plan, evaluations: int, random: np.random.Generator) -> Plan:
        """Change nothing."""
        return plan


@final
@frozen
class IPOP(Policy):
    """Multiply the population before every restart: the larger it is, the less it is held by local minima.

    Args:
        factor: Above 1; the paper's is 2.

    Raises:
        InvalidSettings: The factor is out of its range.

    Example:
        >>> IPOP().following(Plan(size=4.0), 500, np.random.default_rng(0)).size
        8.0
    """

    factor: float = 2.0

    def __post_init__(self) -> None:
        """Check the setting."""
        _check_factor("IPOP", self.factor)

    def following(self, plan: Plan, evaluations: int, random: np.random.Generator) -> Plan:
        """Multiply once more."""
        return replace(plan, size=plan.size * self.factor)


@final
@frozen
class BIPOP(Policy):
    """Alternate between ever larger populations, and many small ones with small steps; each gets half of the evaluations.

    After the first run, whichever regime has spent less has the next one. The large regime is IPOP. In the small one

    λ_s = λ_default (½ λ_ℓ / λ_default)^(U²),  σ = σ_default 10^(−2 U'),  U, U' uniform in [0, 1],

    and a run takes at most half of the evaluations of the latest large one. Large populations find the best of
    many minima that lie along a slope, small ones that of a few which lie anywhere.

    Args:
        factor: Of λ_ℓ from one large run to the next, above 1; the paper's is 2.

    Raises:
        InvalidSettings: The factor is out of its range.

    Example:
        >>> random = np.random.default_rng(0)
        >>> large = BIPOP().following(Plan(), 500, random)
        >>> small = BIPOP().following(large, 1000, random)
        >>> large.size, small.size < 2, small.most
        (2.0, True, 500)
    """

    factor: float = 2.0

    def __post_init__(self) -> None:
        """Check the setting."""
        _check_factor("BIPOP", self.factor)

    def following(self, plan: Plan, evaluations: int, random: np.random.Generator) -> Plan:
        """Book the run, and give the next one to the regime that has spent less."""
        book = plan.ledger
        if not book.doublings:  # the first run belongs to neither
            book = replace(book, last=evaluations)
        elif book.is_large:
            book = replace(book, large=book.large + evaluations, last=evaluations)
        else:
            book = replace(book, small=book.small + evaluations)
        if book.small >= book.large:
            book = replace(book, doublings=book.doublings + 1, is_large=True)
            return Plan(size=self.factor**book.doublings, ledger=book)
        size = max(1.0, self.factor**book.doublings / 2) ** (random.random() ** 2)
        book = replace(book, is_large=False)
        return Plan(size, sigma=10 ** (-2 * random.random()), most=max(1, book.last // 2), ledger=book)


def _check_factor(name: str, factor: float) -> None:
    if not 1 < factor < np.inf:
        raise InvalidSettings(f"{name}: factor={factor}, expected a number above 1")
