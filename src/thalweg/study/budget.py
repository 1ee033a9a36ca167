"""How long a run may go on."""

import math
from dataclasses import dataclass
from typing import final

from thalweg.checks import positive_number, whole_number
from thalweg.errors import InvalidSettings

__all__ = ["Budget"]


@final
@dataclass(frozen=True)
class Budget:
    """Limits of a run, over all its continuations; the first that is reached ends it.

    Args:
        trials: Number of trials, whatever becomes of them; positive.
        evaluations: The same, in the words of functions that are evaluated many times at once; positive.
        seconds: Running time; positive. A trial that still runs then is stopped where the executor can do so.
        target: Stop as soon as a feasible value is at least as good as this, in the objective's own sign.

    Raises:
        InvalidSettings: A limit is out of its range.

    Example:
        >>> Budget(trials=10).left(asked=7)
        3
    """

    trials: int | None = None
    evaluations: int | None = None
    seconds: float | None = None
    target: float | None = None

    def __post_init__(self) -> None:
        """Check the limits."""
        for name, limit in (("trials", self.trials), ("evaluations", self.evaluations)):
            if limit is not None:
                whole_number(name, limit, least=1)
        if self.seconds is not None:
            positive_number("seconds", self.seconds)
        if self.target is not None and math.isnan(self.target):
            raise InvalidSettings("target is NaN: expected a number, or None for no target")

    @property
    def limited(self) -> bool:
        """Whether the run is sure to end (a target alone may never be reached)."""
        return any(limit is not None for limit in (self.trials, self.evaluations, self.seconds))

    @property
    def most(self) -> int | None:
        """The largest number of trials, or None."""
        limits = [limit for limit in (self.trials, self.evaluations) if limit is not None]
        return int(min(limits)) if limits else None

    def left(self, asked: int) -> int:
        """Number of trials that may still be asked for."""
        return max(0, (2**31 if self.most is None else self.most) - asked)

    def spent(self, asked: int) -> str:
        """Say that no more trials may be asked for; an empty string while they may."""
        if self.left(asked):
            return ""
        word = "trials" if self.most == self.trials else "evaluations"
        return f"the budget of {self.most:,} {word} is spent"

    def over(self, seconds: float, best: float | None, sign: float = 1.0) -> str:
        """Say that the run must end now; an empty string while it need not.

        Args:
            seconds: Running time so far.
            best: The best feasible value so far, or None.
            sign: 1 where the objective is minimized, −1 where it is maximized.
        """
        if self.target is not None and best is not None and sign * best <= sign * self.target:
            return f"the target {self.target:g} is reached"
        if self.seconds is not None and seconds >= self.seconds:
            return f"the budget of {self.seconds:g} seconds is spent"
        return ""

    def seconds_left(self, seconds: float) -> float | None:
        """Seconds until the run must end, or None."""
        return None if self.seconds is None else max(0.0, self.seconds - seconds)
