"""Where restarts stand: the present run, what is left of the earlier ones, and whose slot is whose."""

from dataclasses import replace
from typing import Any, final

import numpy as np

from thalweg.arrays import Bools, Floats, Ints
from thalweg.optimizers.base import order
from thalweg.optimizers.restarts.blank import Blank
from thalweg.optimizers.restarts.policies import Plan
from thalweg.optimizers.restarts.prospect import Prospect
from thalweg.problem import Evaluations
from thalweg.rng import generator
from thalweg.serial import frozen
from thalweg.space import Columns

__all__ = [
    "Leader",
    "RestartsState",
    "Seen",
    "chance",
    "inner_slots",
    "judged",
    "news",
    "noted",
    "proposed",
    "with_start",
]

RUN, START, POLICY = 1, 2, 3  # streams of chance of each run
FAMILY = 20050902  # apart from the streams of the optimizer, which may have the same seed


@final
@frozen
class Leader:
    """The run that has found the best point."""

    run: int  # −1 for a foreign point
    value: float
    infeasibility: float
    guess: Floats | None = None  # (d,) what it recommended when it ended


@final
@frozen
class Seen:
    """The range of all values told."""

    low: float = float("inf")
    high: float = float("-inf")
    count: int = 0


@final
@frozen
class RestartsState:
    """The present run, and what is left of the earlier ones."""

    blank: Blank
    seed: int
    population: int  # of the first run; 0 where there is nothing to multiply
    fixed: bool  # whether every run would begin at the same point
    inner: Any
    open: Ints  # slots proposed and not told, ascending
    prospect: Prospect
    main: Any = None  # the state of the first run proper while the opening is on, else None
    plan: Plan = Plan()
    run: int = 0  # the opening and the first run proper are both 0
    first: int = 0  # the slot of this run's slot 0; those before belong to earlier runs
    free: int = 0  # no slot from here on was proposed
    spent: int = 0  # points of this run that were told
    start: Floats | None = None  # (d,) where this run shall begin, under the slot before its first, until that is told
    draws: int = 0  # of starts in this run
    leader: Leader | None = None
    seen: Seen = Seen()
    ended: str = ""


def chance(state: RestartsState, *stream: int) -> np.random.Generator:
    """Make a generator of this run."""
    return generator(state.seed, FAMILY, state.run, *stream)


def proposed(state: RestartsState, slot: Ints) -> RestartsState:
    """Note which slots are in use."""
    if not len(slot) or np.isin(slot, state.open, assume_unique=True).all():
        return state
    return replace(state, open=np.union1d(state.open, slot), free=max(state.free, int(slot.max()) + 1))


def inner_slots(state: RestartsState, slot: Ints) -> Ints:
    """Give slots by this run's own numbers, −1 for those of others."""
    return np.where(slot >= state.first, slot - state.first, -1)


def news(open_slots: Ints, slot: Ints) -> Bools:
    """(n,) foreign points, and the first telling of each point that is waited for."""
    waited: Bools = np.isin(slot, open_slots)
    repeated = np.ones(len(slot), dtype=np.bool_)
    repeated[np.unique(slot, return_index=True)[1]] = False
    return waited & ~repeated | (slot < 0)


def judged(state: RestartsState, own: Evaluations) -> tuple[RestartsState, str]:
    """Say that a run is without prospect; it is compared with the best of the others, which must be feasible."""
    if state.main is not None or own.value.shape[1] > 1:
        return state, ""
    prospect = state.prospect.told(np.where(own.infeasibility > 0, np.inf, own.value[:, 0]))
    leader = state.leader
    if leader is not None and leader.run != state.run and leader.infeasibility == 0:
        prospect, hopeless = prospect.judged(state.spent, leader.value)
    else:
        hopeless = False
    state = replace(state, prospect=prospect)
    return state, "it settled in a minimum that is worse than the best of the earlier runs" if hopeless else ""


def noted(state: RestartsState, evaluations: Evaluations, own: Bools) -> RestartsState:
    """Remember which run is the best, and the range of the values."""
    complete = evaluations.complete
    if not complete.any() or evaluations.value.shape[1] > 1:
        return state
    value, infeasibility = evaluations.value[:, 0], evaluations.infeasibility
    seen, known = state.seen, value[complete]
    low, high = min(seen.low, float(known.min())), max(seen.high, float(known.max()))
    state = replace(state, seen=Seen(low, high, seen.count + len(known)))
    i, leader = order(value, infeasibility)[0], state.leader
    found = float(infeasibility[i]), float(value[i])
    if leader is not None and (leader.infeasibility, leader.value) <= found:
        return state
    return replace(state, leader=Leader(state.run if own[i] else -1, found[1], found[0]))


def with_start(state: RestartsState) -> RestartsState:
    """Draw where this run shall begin, under a slot of its own."""
    columns: Columns = state.blank.columns
    random = chance(state, START, state.draws)
    row = columns.random(random, 1)[0] if columns.bounded else _around_neutral(columns, random)
    return replace(state, start=row, draws=state.draws + 1, first=state.free + 1, free=state.free + 1)


def _around_neutral(columns: Columns, random: np.random.Generator) -> Floats:
    """Draw a row where bounds are infinite: normal, about the neutral values, reflected at a bound."""
    finite = np.isfinite(columns.low) & np.isfinite(columns.high)
    cube = replace(columns, low=np.where(finite, columns.low, 0.0), high=np.where(finite, columns.high, 1.0))
    step = random.standard_normal(columns.dim)
    step = np.where(np.isfinite(columns.low), np.abs(step), np.where(np.isfinite(columns.high), -np.abs(step), step))
    return np.where(finite, cube.random(random, 1)[0], columns.neutral + step)
