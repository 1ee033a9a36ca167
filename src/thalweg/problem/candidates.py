"""What passes between optimizers and the world: candidates one way, evaluations the other, as columns."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, final

import numpy as np

from thalweg.arrays import AnyArray, Bools, Floats, Ints
from thalweg.serial import frozen
from thalweg.space import Columns

__all__ = ["Candidates", "Evaluations", "Status"]

LARGEST = 1e300  # an infinite violation counts as this: infinity is for rows that failed


class Status(IntEnum):
    """What became of a trial."""

    RUNNING = 0
    COMPLETE = 1
    FAILED = 2  # it raised, or returned something that is no finite number
    TIMED_OUT = 3  # it was stopped at its time limit


@final
@frozen
class Candidates:
    """n points to evaluate.

    Attributes:
        x: (n, d) rows in natural units; inactive columns hold their neutral value.
        active: (n, d) which columns are active.
        slot: (n,) the optimizer's own number for the point, unique within a run; −1 for a foreign point, one that the
            optimizer did not propose.
        fidelity: (n,) share of a full evaluation, in (0, 1].
        parent: (n,) the slot that this point continues or descends from; −1 for none. On a problem with minibatches it
            sees the batch of that number, which is how an optimizer sees one batch twice, or one of a fixed partition.
    """

    x: Floats
    active: Bools
    slot: Ints
    fidelity: Floats
    parent: Ints

    @classmethod
    def at(cls, columns: Columns, x: Floats, slot: Ints | None = None, parent: Ints | None = None) -> "Candidates":
        """Make full-fidelity candidates at rows x (n, d), with inactive columns made neutral.

        Args:
            columns: The columns of the rows.
            x: (n, d) rows in natural units.
            slot: (n,) the optimizer's numbers; foreign points where it is None.
            parent: (n,) slots that they continue; none where it is None.
        """
        n, active = len(x), columns.activity(x)
        nowhere = np.full(n, -1, dtype=np.int64)
        slots, parents = (nowhere if given is None else given for given in (slot, parent))
        return cls(columns.canonical(x, active), active, slots, np.ones(n), parents)

    @classmethod
    def none(cls, columns: Columns) -> "Candidates":
        """Make an empty set: what an optimizer answers that must first be told."""
        return cls.at(columns, np.empty((0, columns.dim)))

    def __len__(self) -> int:
        """Number of points."""
        return len(self.x)

    @property
    def minibatch(self) -> Ints:
        """(n,) the batch that each point sees: the parent's where it has one, else its slot's; 0 for a foreign point."""
        return np.maximum(np.where(self.parent >= 0, self.parent, self.slot), 0)

    def take(self, rows: Any) -> "Candidates":
        """Select rows by a slice, a mask or indices."""
        return Candidates(self.x[rows], self.active[rows], self.slot[rows], self.fidelity[rows], self.parent[rows])

    @staticmethod
    def join(*parts: "Candidates") -> "Candidates":
        """Put several sets one after the other."""
        return Candidates(
            *(_join([getattr(part, name) for part in parts]) for name in ("x", "active", "slot", "fidelity", "parent"))
        )


@final
@dataclass(frozen=True)
class Evaluations:
    """What became of n candidates; every objective is to be minimized.

    Attributes:
        candidates: The points.
        value: (n, m) objectives; NaN in failed rows.
        gradient: (n, m, d) of the objectives in natural units, or None where it was not asked for.
        violation: (n, c) constraints, feasible where ≤ 0; NaN in failed rows.
        cost: (n,) seconds spent.
        status: (n,) of :class:`Status`, none of them RUNNING.
        errors: For rows that failed: what happened, in words.
    """

    candidates: Candidates
    value: Floats
    gradient: Floats | None
    violation: Floats
    cost: Floats
    status: Ints
    errors: Mapping[int, str] = field(default_factory=dict)

    @classmethod
    def failed(
        cls,
        candidates: Candidates,
        objectives: int,
        constraints: int,
        error: str,
        status: Status = Status.FAILED,
        seconds: float = 0.0,
    ) -> "Evaluations":
        """Mark every candidate as failed for one reason."""
        n = len(candidates)
        return cls(
            candidates,
            np.full((n, objectives), np.nan),
            None,
            np.full((n, constraints), np.nan),
            np.full(n, seconds / max(n, 1)),
            np.full(n, int(status), dtype=np.int64),
            dict.fromkeys(range(n), error),
        )

    def __len__(self) -> int:
        """Number of candidates."""
        return len(self.candidates)

    @property
    def complete(self) -> Bools:
        """(n,) mask of the rows that have a value."""
        complete: Bools = self.status == Status.COMPLETE
        return complete

    @property
    def infeasibility(self) -> Floats:
        """(n,) sum of the violated constraints; 0 where feasible, inf where the row failed."""
        total = np.where(self.complete, 0.0, np.inf)
        if self.violation.shape[1]:
            violated = np.where(self.complete[:, None], np.clip(self.violation, 0.0, LARGEST), 0.0)
            total += violated.sum(axis=1)
        return total

    def take(self, rows: Any) -> "Evaluations":
        """Select rows by a slice, a mask or indices."""
        index = np.arange(len(self))[rows]
        gradient = None if self.gradient is None else self.gradient[index]
        errors = {new: self.errors[old] for new, old in enumerate(index.tolist()) if old in self.errors}
        return Evaluations(
            self.candidates.take(index), self.value[index], gradient, self.violation[index], self.cost[index],
            self.status[index], errors,
        )  # fmt: skip


def _join(parts: list[AnyArray]) -> AnyArray:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
