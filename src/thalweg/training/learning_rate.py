"""The range test: raise the learning rate at every step, and see where the loss falls and where it bursts.

L. N. Smith, "Cyclical learning rates for training neural networks", WACV 2017, section 3.3. Rates that grow by a factor,
smoothing and the suggestion as in J. Howard, S. Gugger, "fastai: a layered API for deep learning", Information 11(2), 2020.
"""

from dataclasses import dataclass
from typing import Any, final

import numpy as np

from thalweg.arrays import Floats
from thalweg.errors import InvalidProblem, InvalidSettings
from thalweg.optimizers.gradient import GradientDescent
from thalweg.optimizers.rules import AdamW, AnyRule, Exponential
from thalweg.problem import Candidates, Evaluations, Need, Problem, evaluate

__all__ = ["LearningRates", "find_learning_rate"]

MEMORY = 0.9  # of the smoothed loss
MARGIN = 10  # the suggestion lies so many times below the best rate of the test: it will be used for long
LEAST = 10  # evaluations: fewer show nothing


@final
@dataclass(frozen=True)
class LearningRates:
    """What a range test has found: data for a plot, with a logarithmic axis for the rates.

    Attributes:
        rates: (n,) learning rates, ascending.
        losses: (n,) the objective after the step with each, to be minimized.
        smoothed: (n,) a fading mean of the losses.
        suggestion: The rate to use.
        reason: Why that one, in words; also what is wrong with it, if anything is.
    """

    rates: Floats
    losses: Floats
    smoothed: Floats
    suggestion: float
    reason: str


def find_learning_rate(
    problem: Problem,
    rule: AnyRule | None = None,
    *,
    lowest: float = 1e-7,
    highest: float = 10.0,
    evaluations: int = 100,
    initial: Any = None,
) -> LearningRates:
    """Try rates from the lowest to the highest, one a step, and suggest one.

    αₖ = lowest (highest / lowest)^(k / (n − 1));  s ← β s + (1 − β) f,  corrected by 1 − βᵏ;  the suggestion is a tenth
    of the rate at which s is least.

    Args:
        problem: With a gradient; it has minibatches as a rule.
        rule: From gradient to direction; AdamW where it is None.
        lowest: First rate, positive.
        highest: Last rate, above the lowest.
        evaluations: n, at least 10. The test ends earlier where the objective diverges or fails.
        initial: Configuration to begin at, the middle of the space where it is None. A network must not begin there,
            where all its weights are equal.

    Raises:
        InvalidSettings: A setting is out of its range.
        InvalidProblem: The objective fails at the beginning.
        IncompatibleProblem: The problem has no gradient.

    Example:
        >>> import numpy as np, thalweg as tw
        >>> from thalweg.optimizers.rules import SGD
        >>> random = np.random.default_rng(0)
        >>> X = random.normal(size=(500, 3))
        >>> problem = tw.Problem(
        ...     lambda w, X, y: np.mean((X @ w - y) ** 2),
        ...     tw.Box(dim=3),
        ...     gradient=lambda w, X, y: 2 * X.T @ (X @ w - y) / len(y),
        ...     minibatches=tw.Minibatches(X, X @ [1.0, -2.0, 0.5], size=20),
        ... )
        >>> found = find_learning_rate(problem, SGD())
        >>> round(found.suggestion, 2), found.reason
        (0.33, 'a 10th of 3.3, where the smoothed loss is least')
    """
    if not (0 < lowest < highest < np.inf and evaluations >= LEAST):
        raise InvalidSettings(
            f"find_learning_rate: lowest={lowest}, highest={highest}, evaluations={evaluations}, expected positive rates, "
            f"the lowest below the highest, and at least {LEAST} evaluations"
        )
    factor = (highest / lowest) ** (1 / (evaluations - 1))
    schedule = Exponential(lowest, factor)
    optimizer = GradientDescent(schedule, AdamW() if rule is None else rule, tolerance=0.0)
    losses = _descend(optimizer, problem, evaluations, initial)
    rates = np.array([schedule.at(k) for k in range(len(losses))])
    smoothed = _smooth(losses)
    best = int(np.argmin(smoothed))
    suggestion = float(rates[best] / MARGIN)
    return LearningRates(rates, losses, smoothed, suggestion, _reason(rates, best, evaluations))


def _descend(optimizer: GradientDescent, problem: Problem, evaluations: int, initial: Any) -> Floats:
    """Give the losses after every step, until one fails or the descent ends."""
    need, columns = optimizer.capabilities.needs, problem.columns
    state, losses = optimizer.init(problem, 0), list[float]()
    if initial is not None:
        first = evaluate(problem, Candidates.at(columns, problem.space.encode([initial])[0]), need)
        state = optimizer.tell(state, _complete(first, need))
        losses.append(float(first.value[0, 0]))
    while len(losses) <= evaluations:
        candidates, state = optimizer.ask(state, 1, Candidates.none(columns))
        if not len(candidates):
            break
        told = evaluate(problem, candidates, need)
        if losses and not told.complete[0]:
            break
        losses.append(float(_complete(told, need).value[0, 0]))
        state = optimizer.tell(state, told)
    if len(losses) < LEAST:
        raise InvalidProblem(
            f"the objective had a value in {len(losses)} steps only ({optimizer.stop(state) or 'then it failed'}); "
            "give a smaller lowest rate, or another initial point"
        )
    return np.array(losses[1:])


def _complete(told: Evaluations, need: Need) -> Evaluations:
    """Refuse a beginning that has no value."""
    if not told.complete[0]:
        raise InvalidProblem(f"the objective failed at the beginning of the range test: {told.errors.get(0, '')}")
    return told


def _smooth(losses: Floats) -> Floats:
    """Give the fading mean, free of its beginning."""
    smoothed, mean = np.empty_like(losses), 0.0
    for k, loss in enumerate(losses):
        mean = MEMORY * mean + (1 - MEMORY) * loss
        smoothed[k] = mean / (1 - MEMORY ** (k + 1))
    return smoothed


def _reason(rates: Floats, best: int, evaluations: int) -> str:
    if best == 0:
        return f"the loss never falls: give a lowest rate below {rates[0]:.2g}, or check the gradient"
    where = f"a {MARGIN}th of {rates[best]:.2g}, where the smoothed loss is least"
    if best == evaluations - 1:
        return f"{where}; it still falls there: give a highest rate above that"
    return where
