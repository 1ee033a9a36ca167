"""Differential evolution that learns its settings and shrinks: L-SHADE, with a crossover along learned axes beside its own.

R. Tanabe, A. Fukunaga, "Improving the search performance of SHADE using linear population size reduction", CEC 2014.
Letters are theirs. The axes: Y. Wang, H.-X. Li, T. Huang, L. Li, "Differential evolution based on covariance matrix
learning and bimodal distribution parameter setting", Applied Soft Computing 18, 2014.
"""

from dataclasses import replace
from typing import ClassVar, final

import numpy as np

from thalweg.arrays import Floats, Ints
from thalweg.errors import InvalidSettings
from thalweg.optimizers.base import Capabilities, Optimizer, order, require
from thalweg.optimizers.evolution.differential.success_history import SuccessHistory, gain_of
from thalweg.optimizers.evolution.differential.variation import (
    binomial_crossover,
    current_to_pbest,
    learn_covariance,
    pull_inside,
)
from thalweg.optimizers.generation import Generation
from thalweg.problem import Candidates, Evaluations, Problem
from thalweg.rng import generator
from thalweg.serial import frozen
from thalweg.space import Columns

__all__ = ["DifferentialEvolution", "DifferentialState"]

PER_COLUMN = 1000  # evaluations that are planned where nothing is said
FEWEST = 4  # N_min: current-to-pbest/1 takes four different ones
LARGEST = 500  # columns up to which the axes of their covariance are worth computing
REST = 20  # evaluations a column that a new population needs


@final
@frozen
class DifferentialState:
    """A population of n individuals in the unit cube of d columns, best first, and the trials that challenge them.

    A generation has places for the first population; those that the population has given up count as told.
    """

    columns: Columns
    seed: int
    generation: Generation  # of the trials
    trial: Floats  # (n, d) u
    F: Floats  # (n,) with which a trial was made
    CR: Floats  # (n,)
    system: Ints  # (n,) 1 where it was crossed along the axes
    u: Floats  # (n, d) x, the parents
    value: Floats  # (n,) NaN before there is one
    infeasibility: Floats  # (n,) inf before there is one
    archive: Floats  # (a, d) A
    history: SuccessHistory
    covariance: Floats  # (d, d) of the better half; zeros before there is one; (0, 0) where d is too large
    first: int  # N_init, with which this population began
    spent: int = 0  # evaluations, in complete generations
    begun: int = 0  # of them, before this population


@final
@frozen
class DifferentialEvolution(Optimizer[DifferentialState]):
    """Let trials made of differences between individuals challenge their parents.

    v = x_i + F (x_pbest − x_i) + F (x_r1 − x̃_r2);  u takes each coordinate from v with probability CR, else from x_i;
    u takes the place of x_i where it is at least as good.

    The coordinates are the columns, or (up to 500 of them) the axes of the population's covariance: which of the two
    more often, and which F and CR in each, is learned from the trials that were better than their parents. The
    population shrinks linearly to four over the planned evaluations. Where it has come together in one point before, a
    new one is drawn, which shrinks over the rest. Individuals stay real-valued in the unit cube of the searched scales;
    integers, grids and choices are the bins of their interval, as in DEHB (Awad, Mallik, Hutter 2021). Feasible
    individuals beat infeasible ones, which beat each other by how little they violate.

    Differences from L-SHADE: the axes; the size of the first population and of the archive, for 1,000 evaluations a
    column instead of 10,000; new populations.

    Args:
        evaluations: The plan: for how many evaluations the schedule is made, after which it stops. 1,000 a column where
            it is None; give it the budget of the run.
        size: N_init, individuals in the first generation, at least 4; (10 + 3.5 d) (evaluations / 1,000 d)^0.4 where it is
            None.
        p: pbest is one of this share of the population, the best, and of two at least; in (0, 1].
        archive: r_arc, size of the archive in populations, not negative.
        history: H, places in the memory of F and CR, at least 1.

    Raises:
        InvalidSettings: A setting is out of its range.

    Example:
        >>> import thalweg as tw
        >>> from thalweg.problem.functions import rosenbrock
        >>> function = rosenbrock(dim=5)
        >>> result = tw.minimize(
        ...     function, function.space, optimizer=DifferentialEvolution(evaluations=20_000), vectorized=True, seed=0
        ... )
        >>> result.best.value < 1e-8
        True
    """

    evaluations: int | None = None
    size: int | None = None
    p: float = 0.11
    archive: float = 1.0
    history: int = 6

    capabilities: ClassVar[Capabilities] = Capabilities(constraints=True, terminates=True)

    def __post_init__(self) -> None:
        """Check the settings."""
        for refused, what in (
            (self.evaluations is not None and self.evaluations < 1, f"evaluations={self.evaluations}, at least 1"),
            (self.size is not None and self.size < FEWEST, f"size={self.size}, at least {FEWEST} individuals"),
            (not 0 < self.p <= 1, f"p={self.p}, a share above 0 and up to 1"),
            (not self.archive >= 0, f"archive={self.archive}, a number that is not negative"),
            (self.history < 1, f"history={self.history}, at least 1 place"),
        ):
            if refused:
                setting, expected = what.split(", ")
                raise InvalidSettings(f"DifferentialEvolution: {setting}, expected {expected}")

    def init(self, problem: Problem, seed: int) -> DifferentialState:
        """Draw the first population uniformly; its members are the first trials."""
        require(self, problem)
        columns = problem.columns
        n, d = self.size or _first_size(columns.dim, self._plan(columns)), columns.dim
        first, none = Generation.begin(0, n), np.empty(0)
        state = DifferentialState(
            columns, seed, first, np.empty((0, d)), none, none, none.astype(np.int64), np.empty((0, d)), none, none,
            np.empty((0, d)), SuccessHistory.begin(self.history), np.zeros((d, d) if d <= LARGEST else (0, 0)), n,
        )  # fmt: skip
        return self._populate(state, n, number=0)

    def ask(self, state: DifferentialState, n: int, pending: Candidates) -> tuple[Candidates, DifferentialState]:
        """Propose trials that are neither told nor pending; none when all are."""
        trials = state.generation.waiting(n, pending)
        x = state.columns.from_unit(state.trial[trials])
        return Candidates.at(state.columns, x, state.generation.slots(trials)), state

    def tell(self, state: DifferentialState, evaluations: Evaluations) -> DifferentialState:
        """Note the values; select, and make the next trials, when the whole generation is known."""
        foreign = (evaluations.candidates.slot < 0) & evaluations.complete
        if foreign.any():
            state = _adopt(state, evaluations.take(foreign))
        generation = state.generation.tell(evaluations)
        if generation is state.generation:
            return state
        state = replace(state, generation=generation)
        return self._evolve(state) if generation.complete else state

    def stop(self, state: DifferentialState) -> str:
        """Stop when the plan is spent, or its rest too short for a new population."""
        if not state.generation.complete:
            return ""
        plan = self._plan(state.columns)
        if state.spent < plan:
            return "all individuals rest at one point"
        return f"the {plan:,} evaluations that differential evolution planned for are spent"

    def _plan(self, columns: Columns) -> int:
        return PER_COLUMN * columns.dim if self.evaluations is None else self.evaluations

    def _populate(self, state: DifferentialState, n: int, number: int) -> DifferentialState:
        """Draw a new population, whose members are its first trials."""
        u = generator(state.seed, number).random((n, state.columns.dim))
        return replace(
            state, generation=_generation(number, len(state.generation.told), n), trial=u, F=np.zeros(n),
            CR=np.zeros(n), system=np.zeros(n, dtype=np.int64), u=u, value=np.full(n, np.nan),
            infeasibility=np.full(n, np.inf), archive=u[:0], history=SuccessHistory.begin(self.history),
            covariance=np.zeros_like(state.covariance), first=n, begun=state.spent,
        )  # fmt: skip

    def _evolve(self, state: DifferentialState) -> DifferentialState:
        """Select, and vary what is left; or begin anew; or change nothing more, which is the end."""
        plan, number = self._plan(state.columns), state.generation.number + 1
        random = generator(state.seed, number)
        state = self._select(state, random)
        rest = plan - state.spent
        if rest <= 0:
            return state
        if not _resting(state):
            return self._vary(state, number, random)
        if rest < REST * state.columns.dim:
            return state
        return self._populate(state, min(_first_size(state.columns.dim, rest), len(state.generation.told)), number)

    def _select(self, state: DifferentialState, random: np.random.Generator) -> DifferentialState:
        """Let trials take the place of parents they equal, archive the beaten, learn from what beat them, and shrink."""
        n = len(state.u)
        value, infeasibility = state.generation.value[:n], state.generation.infeasibility[:n]
        gain = gain_of(state.value, state.infeasibility, value, infeasibility)
        better = gain > 0
        taken = better | ((infeasibility == state.infeasibility) & (value == state.value))
        value = np.where(taken, value, state.value)
        infeasibility = np.where(taken, infeasibility, state.infeasibility)
        best = order(value, infeasibility)[: self._size(state, state.spent + n)]
        learned = np.where(better & np.isfinite(gain) & (state.F > 0), gain, 0.0)
        archive = np.concatenate([state.archive, state.u[learned > 0]])
        if len(archive) > self.archive * len(best):
            archive = archive[random.permutation(len(archive))[: int(self.archive * len(best))]]
        return replace(
            state,
            u=np.where(taken[:, None], state.trial, state.u)[best],
            value=value[best],
            infeasibility=infeasibility[best],
            archive=archive,
            history=state.history.update(state.system, state.F, state.CR, learned),
            spent=state.spent + n,
        )

    def _size(self, state: DifferentialState, spent: int) -> int:
        """Give N after so many evaluations: equation (10), for a population that did not begin with the plan."""
        gone = (spent - state.begun) / (self._plan(state.columns) - state.begun)
        return max(FEWEST, round(state.first + (FEWEST - state.first) * gone))

    def _vary(self, state: DifferentialState, number: int, random: np.random.Generator) -> DifferentialState:
        """Make a trial of each individual."""
        n, d = state.u.shape
        covariance, axes, system = state.covariance, state.covariance, np.zeros(n, dtype=np.int64)
        if covariance.size:
            covariance = learn_covariance(covariance, state.u[: max(n // 2, min(n, d // 2 + 2))])
            axes, system = np.linalg.eigh(covariance)[1], random.binomial(1, state.history.share, size=(n,))
        F, CR = state.history.draw(system, random)
        v = current_to_pbest(state.u, state.archive, F, max(2, round(self.p * n)), random)
        trial = pull_inside(binomial_crossover(state.u, v, CR, system == 1, axes, random), state.u)
        generation = _generation(number, len(state.generation.told), n)
        return replace(state, generation=generation, trial=trial, F=F, CR=CR, system=system, covariance=covariance)


def _first_size(d: int, evaluations: int) -> int:
    """Give N_init of a population that lives for so many evaluations: what was best on the functions of BBOB."""
    length = evaluations / (PER_COLUMN * d)
    return max(FEWEST, round((10 + 3.5 * d) * float(length**0.4)))


def _generation(number: int, places: int, n: int) -> Generation:
    """Begin a generation of n trials in a given number of places: the others count as told."""
    return Generation(number, np.full(places, np.nan), np.full(places, np.inf), np.arange(places) >= n)


def _resting(state: DifferentialState) -> bool:
    """Whether differences are lost in rounding: of the individuals, or of their values."""
    value, infeasibility = state.value, state.infeasibility
    same = infeasibility[0] == infeasibility[-1] < np.inf
    return bool(same and value[-1] - value[0] <= 1e-12 * abs(value[0])) or bool(0 < np.trace(state.covariance) < 1e-22)


def _adopt(state: DifferentialState, foreign: Evaluations) -> DifferentialState:
    """Give foreign points, best first, the places of the worst parents, where they are better and not there yet."""
    u = state.columns.to_unit(foreign.candidates.x)
    parents, value, infeasibility = state.u.copy(), state.value.copy(), state.infeasibility.copy()
    for row in order(foreign.value[:, 0], foreign.infeasibility):
        worst = order(value, infeasibility)[-1]
        gain = gain_of(value[worst], infeasibility[worst], foreign.value[row, 0], foreign.infeasibility[row])
        if not gain > 0:
            break
        if not (parents == u[row]).all(axis=1).any():
            parents[worst], value[worst], infeasibility[worst] = (
                u[row],
                foreign.value[row, 0],
                foreign.infeasibility[row],
            )
    return replace(state, u=parents, value=value, infeasibility=infeasibility)
