"""Which learning rate? Short trainings that all begin at the same weights, then longer ones with the best rates.

K. Jamieson, A. Talwalkar, "Non-stochastic best arm identification and hyperparameter optimization", AISTATS 2016
(successive halving). Different from the paper, rates have an order: the second round climbs from the best of the first to
its neighbours until it has them on both sides, instead of halving the field.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any, final

from thalweg.errors import InvalidSettings
from thalweg.optimizers.rules import (
    SGD,
    AnyRule,
    ClipNorm,
    ClipValue,
    Cosine,
    HeavyBall,
    Lion,
    Nesterov,
    Prodigy,
    Schedule,
    ScheduleFreeSGD,
    UpdateRule,
    WarmUp,
    WeightDecay,
)

__all__ = ["RateChoice", "attempt_steps", "race", "rates_for", "rise_and_fall"]

DECADE, HALF = 10.0, 10.0**0.5
FIRST, SECOND = 0.01, 0.05  # shares of the training that an attempt of each round takes
SHORT, LONG = 10, 40  # but no fewer steps: in fewer, rates look good at which a training does not stay alive
WIDENED, CLIMBED = 6, 7  # attempts of a round at most
AS_GOOD = 0.05, 0.1  # of the lowest loss, and of what was gained until then: within both, rates are as good as the best
CAUTION = 10.0**-0.25  # times the chosen rate: a short training survives rates that a long one does not
WARM = 0.05  # share of the steps in which the rate rises

PLAIN = (0.01, 0.1, 1.0)  # for rules whose steps are as large as the gradient
ADAPTIVE = (0.001, 0.01, 0.1)  # for those that divide by its size
SIGNS = (0.0001, 0.001, 0.01)  # for those whose steps are all of full length
FREE = (1.0,)  # for those that find the size themselves


@final
@dataclass(frozen=True)
class RateChoice:
    """The rate of a race.

    Attributes:
        rate: To train with.
        reason: Why that one, in words.
        tried: Rate, steps and loss of every attempt, in order; the loss is NaN or infinite where it diverged.
    """

    rate: float
    reason: str
    tried: tuple[tuple[float, int, float], ...]


def race(attempt: Callable[[float, int], float], steps: int, rates: Sequence[float] = ADAPTIVE) -> RateChoice:
    """Choose the learning rate of a training by short trainings, each with a schedule of its own that ends at zero.

    The first round looks a decade apart, in attempts of 1/100 of the training, and farther where the best is the smallest
    or the largest. The second begins there and moves by half decades, in attempts of 1/20, to a best one between two
    others. Of the rates that lose at most 5 % of its loss, and 10 % of its gain over one step of the smallest rate, the
    largest is taken, less a quarter of a decade. Together they take about a fifth of the training; a short one has to pay
    more, since attempts have at least 10 and 40 steps, or as many as it has itself.

    Args:
        attempt: Trains a fresh copy with a rate for so many steps, along :func:`rise_and_fall`, and gives its loss on rows
            that it has not seen: NaN or infinity where it diverged.
        steps: Of the whole training, positive.
        rates: Of the first round, positive, ascending by decades. One rate alone is taken without a race.

    Raises:
        InvalidSettings: There are no steps, or the rates are not positive and ascending.

    Example:
        >>> choice = race(lambda rate, steps: 1 + (math.log10(rate) + 2.4) ** 2, steps=10_000)
        >>> round(choice.rate, 5), choice.reason
        (0.00178, 'a quarter of a decade below 0.0032, the best of 3 rates after 500 steps')
        >>> sum(steps for _, steps, _ in choice.tried)
        1801
    """
    ascending = all(low < high for low, high in pairwise(rates))
    if steps < 1 or not rates or not ascending or not 0 < rates[0] <= rates[-1] < math.inf:
        raise InvalidSettings(
            f"race: steps={steps}, rates={tuple(rates)}, expected steps and positive, ascending rates"
        )
    if len(rates) == 1:
        return RateChoice(float(rates[0]), "the rule finds the size of its steps itself", ())
    short, long = attempt_steps(steps)
    start, coarse = float(attempt(rates[0], 1)), _Round(attempt, short)
    for rate in rates:
        coarse.run(rate)
    centre = coarse.climb(DECADE, WIDENED)
    fine = _Round(attempt, long)
    fine.run(centre)
    fine.run(centre / HALF)
    lowest = fine.losses[fine.climb(HALF, CLIMBED)]
    share, gain = AS_GOOD
    taken = fine.largest(lowest + min(share * abs(lowest), gain * max(0.0, start - lowest)))
    return RateChoice(taken * CAUTION, _reason(fine, taken), ((rates[0], 1, start), *coarse.tried(), *fine.tried()))


def attempt_steps(steps: int) -> tuple[int, int]:
    """Tell how many steps an attempt of each round takes, before a training of so many.

    Example:
        >>> attempt_steps(10_000), attempt_steps(20)
        ((100, 500), (10, 20))
    """
    return min(steps, max(SHORT, round(FIRST * steps))), min(steps, max(LONG, round(SECOND * steps)))


def rates_for(rule: AnyRule) -> tuple[float, ...]:
    """Give the rates with which the race of a rule begins.

    Example:
        >>> from thalweg.optimizers.rules import Accumulate, Chain
        >>> rates_for(Accumulate(Chain((ClipNorm(1.0), HeavyBall())), gradients=4))
        (0.01, 0.1, 1.0)
    """
    kinds = {_KINDS.get(type(leaf), ADAPTIVE) for leaf in _leaves(rule)} - {()}
    return next((kind for kind in (FREE, SIGNS, ADAPTIVE, PLAIN) if kind in kinds), PLAIN)


def rise_and_fall(rate: float, steps: int) -> Schedule:
    """Give the schedule of a whole training, or of an attempt: a warm-up over 1/20 of the steps, then a cosine to zero.

    Args:
        rate: The highest rate, positive.
        steps: At least 1.

    Example:
        >>> schedule = rise_and_fall(1.0, 100)
        >>> [round(schedule.at(step), 2) for step in (0, 4, 5, 52, 99)]
        [0.2, 1.0, 1.0, 0.51, 0.0]
    """
    warm = max(1, round(WARM * steps))
    return WarmUp(Cosine(rate, max(1, steps - warm)), warm)


_KINDS: dict[type, tuple[float, ...]] = {
    SGD: PLAIN,
    HeavyBall: PLAIN,
    Nesterov: PLAIN,
    ScheduleFreeSGD: PLAIN,
    Lion: SIGNS,
    Prodigy: FREE,
    ClipNorm: (),
    ClipValue: (),
    WeightDecay: (),
}


def _leaves(rule: AnyRule) -> list[AnyRule]:
    """Give the rules that a rule is composed of, or itself."""
    values: list[Any] = [getattr(rule, field.name) for field in fields(rule)]  # type: ignore[arg-type]
    parts = [part for value in values for part in (value if isinstance(value, tuple) else (value,))]
    inner = [leaf for part in parts if isinstance(part, UpdateRule) for leaf in _leaves(part)]
    return inner or [rule]


@final
class _Round:
    """Attempts of one length."""

    def __init__(self, attempt: Callable[[float, int], float], steps: int) -> None:
        self.attempt, self.steps = attempt, steps
        self.losses: dict[float, float] = {}

    def run(self, rate: float) -> None:
        self.losses[rate] = float(self.attempt(rate, self.steps))

    def climb(self, factor: float, most: int) -> float:
        """Try the next rate beyond an edge while the best is there, or while none has a loss; give the best."""
        while len(self.losses) < most:
            best = self.best
            if best == min(self.losses) or not math.isfinite(self.losses[best]):
                self.run(min(self.losses) / factor)
            elif best == max(self.losses):
                self.run(best * factor)
            else:
                break
        return self.best

    @property
    def best(self) -> float:
        """The rate with the lowest loss, the smallest of equal ones; the smallest where all have diverged."""
        return min(sorted(self.losses), key=lambda rate: loss if math.isfinite(loss := self.losses[rate]) else math.inf)

    def largest(self, most: float) -> float:
        """Give the largest rate with at most this loss; the smallest where all have diverged."""
        return max((rate for rate, loss in self.losses.items() if loss <= most < math.inf), default=self.best)

    def tried(self) -> tuple[tuple[float, int, float], ...]:
        return tuple((rate, self.steps, loss) for rate, loss in self.losses.items())


def _reason(fine: _Round, taken: float) -> str:
    if not math.isfinite(fine.losses[taken]):
        return f"every rate that was tried has diverged, and this is below the smallest, {taken:.2g}"
    edge = "" if min(fine.losses) < fine.best < max(fine.losses) else "; rates beyond these may be better"
    rank = "the best" if taken == fine.best else f"as good as {fine.best:.2g} and the best"
    return f"a quarter of a decade below {taken:.2g}, {rank} of {len(fine.losses)} rates after {fine.steps} steps{edge}"
