"""Restarts: an optimizer that comes to an end begins again, and again.

A. Auger, N. Hansen, "A restart CMA evolution strategy with increasing population size", CEC 2005, and what goes before: a
local search from many starts (A. H. G. Rinnooy Kan, G. T. Timmer, "Stochastic global optimization methods", Mathematical
Programming 39, 1987).
"""

from dataclasses import replace
from typing import Any, final

import numpy as np

from thalweg.arrays import Floats
from thalweg.errors import IncompatibleProblem, InvalidSettings
from thalweg.optimizers.base import AnyOptimizer, Capabilities, Optimizer, Recommends, require
from thalweg.optimizers.restarts.blank import Blank
from thalweg.optimizers.restarts.policies import BIPOP, Policy, SameSettings
from thalweg.optimizers.restarts.prospect import Prospect
from thalweg.optimizers.restarts.state import (
    POLICY,
    RUN,
    RestartsState,
    chance,
    inner_slots,
    judged,
    news,
    noted,
    proposed,
    with_start,
)
from thalweg.problem import Candidates, Evaluations, Problem
from thalweg.serial import frozen

__all__ = ["Restarts"]

MANY = 100  # so many first points tell whether chance plays a part in them
FEW = 10  # values that are all equal say little when they are fewer


@final
@frozen
class Restarts(Optimizer[RestartsState]):
    """Begin again whenever an optimizer stops, and so search for the best of many minima.

    Every run has fresh randomness; the first is the one that the optimizer would make alone. An optimizer that always
    begins at the same point, such as ``LBFGS`` or ``NelderMead``, begins every later run at a random one.
    The runs know nothing of each other, but one that settles in a minimum worse than the best of another run is given up.
    What arrives late from an earlier run is told as a foreign point.

    Args:
        optimizer: One that stops by itself: ``CMAES``, ``LBFGS``, ``NelderMead`` …
        policy: How a run differs from the one before: ``SameSettings()``, ``IPOP()`` or ``BIPOP()``. Where it is None,
            BIPOP if the optimizer has a population, that is a setting ``size`` in whole numbers, else the same settings.
        opening: A search of another kind before the first run, such as ``SeparableSearch()``, where it serves the problem.
        restarts: After so many it stops when the optimizer does, at least 1; None for no end but the budget's.

    Raises:
        InvalidSettings: A setting is out of its range, or a policy multiplies a population that the optimizer has not.

    Example:
        >>> import numpy as np, thalweg as tw
        >>> from thalweg.optimizers.restarts import Restarts
        >>> def rastrigin(x):
        ...     return 10 * x.shape[1] + (x**2 - 10 * np.cos(2 * np.pi * x)).sum(axis=1)
        >>> once, often = (
        ...     tw.minimize(rastrigin, tw.Box(-5, 5, dim=3), optimizer=o, evaluations=20_000, vectorized=True, seed=0)
        ...     for o in (tw.CMAES(), Restarts(tw.CMAES()))
        ... )
        >>> once.best.value > 0.9, often.best.value < 1e-6
        (True, True)
    """

    optimizer: AnyOptimizer
    policy: Policy | None = None
    opening: AnyOptimizer | None = None
    restarts: int | None = None

    def __post_init__(self) -> None:
        """Check the settings."""
        if not isinstance(self.optimizer, Optimizer):
            raise InvalidSettings(f"Restarts: optimizer={self.optimizer!r}, expected an optimizer such as CMAES()")
        if self.opening is not None and not isinstance(self.opening, Optimizer):
            raise InvalidSettings(f"Restarts: opening={self.opening!r}, expected an optimizer, or None")
        if self.policy is not None and not isinstance(self.policy, Policy):
            raise InvalidSettings(f"Restarts: policy={self.policy!r}, expected BIPOP(), IPOP(), SameSettings() or None")
        if self.policy is not None and self.policy.multiplies and not _has_population(self.optimizer):
            raise InvalidSettings(
                f"Restarts: policy={self.policy!r} multiplies the population, and {type(self.optimizer).__name__} has "
                "none; take SameSettings()"
            )
        if self.restarts is not None and self.restarts < 1:
            raise InvalidSettings(f"Restarts: restarts={self.restarts}, expected at least 1, or None for no end")

    @property
    def capabilities(self) -> Capabilities:  # type: ignore[override]
        """Those of the optimizer; it comes to an end where that does and the number of restarts is given."""
        inner = self.optimizer.capabilities
        needs = inner.needs if self.opening is None else inner.needs | self.opening.capabilities.needs
        return replace(inner, needs=needs, terminates=inner.terminates and self.restarts is not None)

    def init(self, problem: Problem, seed: int) -> RestartsState:
        """Begin the opening, or the first run, which is the optimizer's own."""
        inner = self.optimizer.init(problem, seed)
        if problem.minibatches is not None:
            raise IncompatibleProblem(
                "Restarts needs values that can be compared, and minibatches give samples; change the problem, or "
                "choose another optimizer"
            )
        blank, nothing = Blank.of(problem), Candidates.none(problem.columns)
        other = self.optimizer.init(problem, seed + 1)
        ours, others = (self.optimizer.ask(state, MANY, nothing)[0] for state in (inner, other))
        population = 0
        if _has_population(self.optimizer):
            population = _setting(self.optimizer, "size") or len(self.optimizer.ask(inner, 2**20, nothing)[0])
        prospect = Prospect.begin(population, problem.columns.dim)
        fixed = np.array_equal(ours.x, others.x)
        state = RestartsState(blank, seed, population, fixed, inner, nothing.slot, prospect)
        if self.opening is None or not _serves(self.opening, problem):
            return state
        return replace(state, inner=self.opening.init(problem, seed), main=inner)

    def ask(self, state: RestartsState, n: int, pending: Candidates) -> tuple[Candidates, RestartsState]:
        """Let the present run propose; or propose where it shall begin."""
        columns = state.blank.columns
        if state.ended:
            return Candidates.none(columns), state
        if state.start is not None:
            slot = np.array([state.first - 1])
            if slot[0] in pending.slot:
                return Candidates.none(columns), state
            return Candidates.at(columns, state.start[None], slot), proposed(state, slot)
        known = replace(pending, slot=inner_slots(state, pending.slot))
        candidates, inner = self._optimizer(state).ask(state.inner, n, known)
        candidates = replace(
            candidates,
            slot=candidates.slot + state.first,
            parent=np.where(candidates.parent < 0, -1, candidates.parent + state.first),
        )
        if inner is not state.inner:
            state = replace(state, inner=inner)
        return candidates, proposed(state, candidates.slot)

    def tell(self, state: RestartsState, evaluations: Evaluations) -> RestartsState:
        """Tell the present run, and begin the next one if that is its end."""
        fresh = news(state.open, evaluations.candidates.slot)
        if not fresh.any():
            return state
        if not fresh.all():
            evaluations = evaluations.take(fresh)
        slot = evaluations.candidates.slot
        own = slot >= state.first - (state.start is not None)
        state = noted(state, evaluations, own)
        state = replace(state, open=np.setdiff1d(state.open, slot, assume_unique=True))
        if state.ended:
            return state
        if state.start is not None:
            return self._begun(state, evaluations.take(own)) if own.any() else state
        if state.run and not state.spent:  # it begins where chance has put it, not at what is left of earlier runs
            evaluations = evaluations.take(own)
        return self._told(state, evaluations, int(own.sum())) if len(evaluations) else state

    def stop(self, state: RestartsState) -> str:
        """Stop when all restarts are used up, or where there is nothing to find."""
        return state.ended

    def recommend(self, state: RestartsState) -> Floats | None:
        """Give the best guess of the run that has found the best point."""
        leader = state.leader
        if leader is None:
            return None
        return self._guess(state) if leader.run == state.run else leader.guess

    def _told(self, state: RestartsState, evaluations: Evaluations, own: int) -> RestartsState:
        """Tell the optimizer by its own numbers."""
        c = evaluations.candidates
        slot, parent = inner_slots(state, c.slot), inner_slots(state, c.parent)
        told = replace(evaluations, candidates=replace(c, slot=slot, parent=parent))
        inner = self._optimizer(state).tell(state.inner, told)
        state = replace(state, inner=inner, spent=state.spent + own)
        if state.main is not None and (slot < 0).any():  # the first run may begin at a point that the user knows
            state = replace(state, main=self.optimizer.tell(state.main, told.take(slot < 0)))
        reason = self._optimizer(state).stop(inner)
        if not reason and own:
            state, reason = judged(state, told.take(slot >= 0))
        if not reason and state.plan.most is not None and state.spent >= state.plan.most:
            reason = f"it has had its {state.plan.most:,} evaluations"
        return self._restarted(state, reason) if reason else state

    def _begun(self, state: RestartsState, evaluations: Evaluations) -> RestartsState:
        """Tell the optimizer its start; or draw another one where that has failed."""
        if not evaluations.complete[0]:
            return with_start(state)
        state = replace(state, start=None)
        c = evaluations.candidates
        foreign = replace(evaluations, candidates=replace(c, slot=np.full(1, -1), parent=np.full(1, -1)))
        return self._told(state, foreign, own=1)

    def _restarted(self, state: RestartsState, reason: str) -> RestartsState:
        """Begin the next run, or see that this was the last."""
        seen = state.seen
        if seen.count >= FEW and seen.low == seen.high:
            return replace(state, ended=f"all {seen.count:,} values are equal, and the last run ended because {reason}")
        if self.restarts is not None and state.run >= self.restarts:
            return replace(
                state, ended=f"all {self.restarts} restarts are used up; the last run ended because {reason}"
            )
        leader = state.leader
        if leader is not None and leader.run == state.run:
            leader = replace(leader, guess=self._guess(state))
        if state.main is not None:
            leader = None if leader is None else replace(leader, run=-1)
            return replace(state, inner=state.main, main=None, first=state.free, spent=0, leader=leader)
        spent = state.spent
        state = replace(state, run=state.run + 1, first=state.free, spent=0, draws=0)
        policy = self.policy or (BIPOP() if state.population else SameSettings())
        plan = policy.following(state.plan, spent, chance(state, POLICY))
        state = replace(state, plan=plan, leader=leader)
        seed = int(chance(state, RUN).integers(2**63))
        inner = self._optimizer(state).init(state.blank.problem, seed)
        size = round(plan.size * state.population)
        state = replace(state, inner=inner, prospect=Prospect.begin(size, state.blank.columns.dim))
        return with_start(state) if state.fixed else state

    def _optimizer(self, state: RestartsState) -> AnyOptimizer:
        """Give the optimizer with the settings of this run."""
        if state.main is not None and self.opening is not None:
            return self.opening
        if not state.run or not state.population:
            return self.optimizer
        optimizer: Any = self.optimizer
        sigma = _setting(optimizer, "sigma")
        steps = {} if sigma is None else {"sigma": sigma * state.plan.sigma}
        changed: AnyOptimizer = replace(optimizer, size=round(state.plan.size * state.population), **steps)
        return changed

    def _guess(self, state: RestartsState) -> Floats | None:
        optimizer = self._optimizer(state)
        return optimizer.recommend(state.inner) if isinstance(optimizer, Recommends) else None


def _has_population(optimizer: AnyOptimizer) -> bool:
    """Whether there is a setting of whole numbers to multiply; the size of a simplex is a length."""
    return hasattr(optimizer, "size") and isinstance(_setting(optimizer, "size"), int | None)


def _setting(optimizer: AnyOptimizer, name: str) -> Any:
    return getattr(optimizer, name, None)


def _serves(optimizer: AnyOptimizer, problem: Problem) -> bool:
    try:
        require(optimizer, problem)
    except IncompatibleProblem:
        return False
    return True
