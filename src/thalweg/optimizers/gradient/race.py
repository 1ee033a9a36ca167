"""A race: settings of one method learn side by side from the same minibatches, and the worst are dropped again and again.

K. Jamieson, A. Talwalkar, "Non-stochastic best arm identification and hyperparameter optimization", AISTATS 2016
(successive halving). Different from the paper, a runner is judged by where its losses lead, not by the last of them.
"""

from dataclasses import replace
from typing import Any, ClassVar, final

import numpy as np

from thalweg.arrays import Bools, Floats
from thalweg.errors import InvalidSettings
from thalweg.optimizers.base import AnyOptimizer, Capabilities, Optimizer, Recommends, require
from thalweg.optimizers.rules.checks import check_count
from thalweg.problem import Candidates, Evaluations, Need, Problem
from thalweg.serial import frozen

__all__ = ["Race", "RaceState"]

EPOCHS = 7  # the race takes as many, where nobody says how long it is
SHORTEST, LONGEST = 150, 2000  # but no fewer and no more evaluations
LEAST = 4  # steps of a round: fewer show no direction


@final
@frozen
class RaceState:
    """All runners, their states, and the losses that they were told."""

    optimizers: tuple[AnyOptimizer, ...]
    states: tuple[Any, ...]  # None for those that have dropped out
    ends: tuple[int, ...]  # steps of a runner until the end of each round
    losses: Floats  # (runners, steps) by a runner's own slot: NaN where nothing was told, inf where it failed
    sampled: bool  # whether every evaluation sees a minibatch
    round: int = 0


@final
@frozen
class Race(Optimizer[RaceState]):
    """Let optimizers run side by side from one start on the same minibatches, and go on with the best of them.

    All runners make the same number of steps; then the worst third drops out, and the others go on from where they are,
    until one is left. Every round takes the same number of evaluations, so that the last decisions, which are
    close, are made on the longest paths. In the first epoch a loss is an honest one: the runner has not seen that data yet.

    A runner's rank is the loss at which it would soon be. With m₂ the mean of the later half of its losses, and m₁ that of
    the quarter before, it is m₂ · m₂ / m₁, as if the loss went on by the same factor (above the lowest loss of all, where
    that is negative). So a learning rate that fell fast and got stuck gives way to a smaller one that still falls.

    Args:
        optimizers: The runners, at least 2. Of equal ones the first wins: begin with the most careful.
        evaluations: Length of the race, positive; 7 epochs where it is None, but no fewer than 150 and no more
            than 2000 evaluations. A third of a whole run is a good length.

    Raises:
        InvalidSettings: A setting is out of its range.

    Example:
        >>> import numpy as np, thalweg as tw
        >>> from thalweg.optimizers.rules import Adam
        >>> random = np.random.default_rng(0)
        >>> X = random.normal(size=(500, 3))
        >>> result = tw.minimize(
        ...     lambda w, X, y: np.mean((X @ w - y) ** 2),
        ...     tw.Box(dim=3),
        ...     gradient=lambda w, X, y: 2 * X.T @ (X @ w - y) / len(y),
        ...     minibatches=tw.Minibatches(X, X @ [1.0, -2.0, 0.5], size=20),
        ...     optimizer=Race(tuple(tw.GradientDescent(rate, Adam()) for rate in (0.001, 0.01, 0.1))),
        ...     evaluations=600,
        ...     seed=0,
        ... )
        >>> result.recommended.round(3)
        array([ 1. , -2. ,  0.5])
    """

    optimizers: tuple[AnyOptimizer, ...]
    evaluations: int | None = None

    capabilities: ClassVar[Capabilities] = Capabilities(
        needs=Need.VALUE | Need.GRADIENT, integers=False, categories=False, conditions=False, unbounded=True
    )

    def __post_init__(self) -> None:
        """Check the settings."""
        if len(self.optimizers) < 2 or not all(isinstance(runner, Optimizer) for runner in self.optimizers):
            raise InvalidSettings(f"Race: optimizers={self.optimizers!r}, expected a tuple of at least 2 optimizers")
        if self.evaluations is not None:
            check_count(self, "evaluations")

    def init(self, problem: Problem, seed: int) -> RaceState:
        """Begin with all runners, and plan the rounds."""
        require(self, problem)
        batches = problem.minibatches
        epoch = 0 if batches is None else batches.batches_per_epoch or LONGEST
        length = self.evaluations or min(max(EPOCHS * epoch, SHORTEST), LONGEST)
        ends = _plan(len(self.optimizers), length)
        states = tuple(runner.init(problem, seed) for runner in self.optimizers)
        return RaceState(self.optimizers, states, ends, np.full((len(states), ends[-1]), np.nan), batches is not None)

    def ask(self, state: RaceState, n: int, pending: Candidates) -> tuple[Candidates, RaceState]:
        """Let those propose that have not come to the end of the round, the last ones first."""
        parts, states, count = [], list(state.states), len(state.states)
        steps = _steps(state)
        for i in sorted(self._running(state), key=lambda i: steps[i]):
            if n < 1:
                break
            mine = pending.take((pending.slot >= 0) & (pending.slot % count == i))
            mine = replace(mine, slot=mine.slot // count)
            proposed, states[i] = self.optimizers[i].ask(states[i], n, mine)
            parts.append(_numbered(proposed, i, state))
            n -= len(proposed)
        if not parts:
            return pending.take(np.s_[:0]), state
        return Candidates.join(*parts), replace(state, states=tuple(states))

    def tell(self, state: RaceState, evaluations: Evaluations) -> RaceState:
        """Tell every runner what it has asked for, and drop the worst where the round is over."""
        count, slot = len(state.states), evaluations.candidates.slot
        states, losses = list(state.states), state.losses.copy()
        for i in _alive(state):
            foreign, own = slot < 0, (slot >= 0) & (slot % count == i)
            if not (own | foreign).any():
                continue
            states[i] = self.optimizers[i].tell(states[i], _of_runner(evaluations, own | foreign, count))
            steps = np.minimum(slot[own] // count, losses.shape[1] - 1)
            losses[i, steps] = np.where(evaluations.complete[own], evaluations.value[own, 0], np.inf)
        state = replace(state, states=tuple(states), losses=losses if len(_alive(state)) > 1 else state.losses)
        while len(_alive(state)) > 1 and not self._running(state):
            state = _drop(state)
        return state

    def stop(self, state: RaceState) -> str:
        """Stop when the winner does."""
        alive = _alive(state)
        return "" if len(alive) > 1 else self.optimizers[alive[0]].stop(state.states[alive[0]])

    def recommend(self, state: RaceState) -> Floats | None:
        """Give the best guess of the winner, or of whoever leads."""
        leader = _ranked(state)[0]
        optimizer = self.optimizers[leader]
        return optimizer.recommend(state.states[leader]) if isinstance(optimizer, Recommends) else None

    def _running(self, state: RaceState) -> list[int]:
        """Give the runners that are neither at the end of the round nor at their own end; the winner has no rounds."""
        alive, steps = _alive(state), _steps(state)
        if len(alive) == 1:
            return alive
        end = state.ends[state.round]
        return [i for i in alive if steps[i] < end and not self.optimizers[i].stop(state.states[i])]


def _plan(runners: int, evaluations: int) -> tuple[int, ...]:
    """Share evaluations between the rounds of a race, equally."""
    sizes = [runners]
    while sizes[-1] > 2:
        sizes.append(_kept(sizes[-1]))
    steps = [max(LEAST, evaluations // len(sizes) // size) for size in sizes]
    return tuple(int(end) for end in np.cumsum(steps))


def _alive(state: RaceState) -> list[int]:
    return [i for i, inner in enumerate(state.states) if inner is not None]


def _steps(state: RaceState) -> list[int]:
    """Count steps by the latest slot: an optimizer may leave numbers out."""
    told = ~np.isnan(state.losses)
    return [int(np.flatnonzero(row)[-1]) + 1 if row.any() else 0 for row in told]


def _ranked(state: RaceState) -> list[int]:
    """Sort the runners that are left from best to worst; equal ones keep their order."""
    alive = _alive(state)
    floor = float(np.fmin.reduce(state.losses[alive], axis=None, initial=0.0))  # 0, or the lowest loss
    return sorted(alive, key=lambda i: _promise(state.losses[i] - floor))


def _promise(losses: Floats) -> float:
    """Extrapolate the losses ≥ 0 of a runner; infinity where there is nothing to hope for."""
    told = losses[~np.isnan(losses)]
    later, before = told[len(told) // 2 :], told[len(told) // 4 : len(told) // 2]
    if not len(later) or not np.isfinite(told).all():
        return np.inf
    with np.errstate(over="ignore"):
        level = float(later.mean())
        earlier = float(before.mean()) if len(before) else level
    return level * (level / earlier) if 0 < earlier < np.inf else level


def _kept(runners: int) -> int:
    """Tell how many of at least 2 runners go on after a round: two thirds."""
    return min(-(-2 * runners // 3), runners - 1)


def _drop(state: RaceState) -> RaceState:
    """Let the worst third drop out."""
    ranked = _ranked(state)
    kept = ranked[: _kept(len(ranked))]
    states = tuple(inner if i in kept else None for i, inner in enumerate(state.states))
    return replace(state, states=states, round=state.round + 1)


def _numbered(candidates: Candidates, runner: int, state: RaceState) -> Candidates:
    """Number a runner's points so that no other has the same number; each sees the minibatch that it would see alone."""
    parent = candidates.minibatch if state.sampled else np.full(len(candidates), -1)
    return replace(candidates, slot=candidates.slot * len(state.states) + runner, parent=parent)


def _of_runner(evaluations: Evaluations, rows: Bools, runners: int) -> Evaluations:
    """Give a runner its own points by its own numbers, and foreign ones."""
    taken = evaluations.take(rows)
    slot = taken.candidates.slot
    return replace(taken, candidates=replace(taken.candidates, slot=np.where(slot < 0, -1, slot // runners)))
