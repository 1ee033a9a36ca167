"""NSGA-II: the elitist non-dominated sorting genetic algorithm.

K. Deb, A. Pratap, S. Agarwal, T. Meyarivan, "A fast and elitist multiobjective genetic algorithm: NSGA-II", IEEE
Transactions on Evolutionary Computation 6(2), 2002. Letters and order are theirs.
"""

from dataclasses import replace
from typing import ClassVar, final

import numpy as np

from thalweg.arrays import Floats, Ints
from thalweg.errors import InvalidSettings
from thalweg.optimizers.base import Capabilities, Optimizer, require
from thalweg.optimizers.evolution.dominance import crowding_distance, non_dominated_sort, survivors, tournaments
from thalweg.optimizers.evolution.mixed import MixedVariation, to_bins
from thalweg.optimizers.evolution.operators import (
    Crossover,
    Mutation,
    PolynomialMutation,
    ResamplingMutation,
    SimulatedBinary,
    UniformCrossover,
)
from thalweg.optimizers.generation import Generation
from thalweg.problem import Candidates, Evaluations, Problem
from thalweg.rng import generator
from thalweg.serial import frozen
from thalweg.space import Columns

__all__ = ["NSGA2", "NSGA2State"]


@final
@frozen
class NSGA2State:
    """N children Q of d genes in the unit cube, in the middle of being told, and their parents P; at first none."""

    columns: Columns
    seed: int
    generation: Generation  # of the children: who is told, and its violation
    children: Floats  # (N, d) Q
    value: Floats  # (N, m) objectives of the children, NaN until told or where they failed
    parents: Floats  # (k, d) P, the best so far, foreign points among them
    parent_value: Floats  # (k, m)
    parent_infeasibility: Floats  # (k,)


@final
@frozen
class NSGA2(Optimizer[NSGA2State]):
    """Breed towards the whole Pareto front: what few others dominate survives, and of those what has room around it.

    1. P and Q together are sorted into fronts F₁, F₂ … by constrained non-domination: feasible points dominate
       infeasible ones, which dominate each other by how little they violate.
    2. The next P takes whole fronts while they fit, and of the first that does not the points with the largest crowding
       distance, which is computed anew after points are removed (Kukkonen and Deb, 2006).
    3. Parents of the next Q win binary tournaments by the front, then by the crowding distance (≺ₙ).
    4. Numbers are crossed by simulated binary crossover and moved by polynomial mutation on their searched scale,
       integers and grids rounded, with a mutation at least to the next value. Choices are exchanged and drawn anew.

    With one objective, where each value is a front of its own, it is a plain genetic algorithm.

    Args:
        size: N, parents, and children in a generation; at least 2.
        crossover: Of numbers.
        mutation: Of numbers.
        choice_crossover: Of choices.
        choice_mutation: Of choices.

    Raises:
        InvalidSettings: A setting is out of its range.

    Example:
        >>> import thalweg as tw
        >>> from thalweg.problem.functions import zdt1
        >>> f = zdt1(dim=5)
        >>> result = tw.minimize(
        ...     f, f.space, goal=["minimize"] * 2, vectorized=True, optimizer=NSGA2(size=40), evaluations=4000, seed=0
        ... )
        >>> 0.855 < result.hypervolume([1.1, 1.1]) < 0.8767  # that of the true front
        True
    """

    size: int = 100
    crossover: Crossover = SimulatedBinary(eta=15.0)
    mutation: Mutation = PolynomialMutation()
    choice_crossover: Crossover = UniformCrossover()
    choice_mutation: Mutation = ResamplingMutation()

    capabilities: ClassVar[Capabilities] = Capabilities(several_objectives=True, constraints=True)

    def __post_init__(self) -> None:
        """Check the settings."""
        if self.size < 2:
            raise InvalidSettings(f"NSGA2: size={self.size}, expected at least 2 individuals")

    def init(self, problem: Problem, seed: int) -> NSGA2State:
        """Draw the first generation uniformly."""
        require(self, problem)
        columns, m = problem.columns, problem.objectives
        children = to_bins(columns, generator(seed, 0).random((self.size, columns.dim)))
        return NSGA2State(
            columns, seed, Generation.begin(0, self.size), children, np.full((self.size, m), np.nan),
            parents=children[:0], parent_value=np.empty((0, m)), parent_infeasibility=np.empty(0),
        )  # fmt: skip

    def ask(self, state: NSGA2State, n: int, pending: Candidates) -> tuple[Candidates, NSGA2State]:
        """Propose children that are neither told nor pending; none when all are."""
        children = state.generation.waiting(n, pending)
        x = state.columns.from_unit(state.children[children])
        return Candidates.at(state.columns, x, state.generation.slots(children)), state

    def tell(self, state: NSGA2State, evaluations: Evaluations) -> NSGA2State:
        """Note the values, and breed when the whole generation is known."""
        foreign = (evaluations.candidates.slot < 0) & evaluations.complete
        if foreign.any():
            state = self._adopt(state, evaluations.take(foreign))
        state = _note(state, evaluations)
        return self._breed(state) if state.generation.complete else state

    def stop(self, state: NSGA2State) -> str:
        """Never stop: a mutation may always help."""
        return ""

    def _adopt(self, state: NSGA2State, foreign: Evaluations) -> NSGA2State:
        """Let foreign points be parents, where they are good enough."""
        genes = state.columns.to_unit(foreign.candidates.x)
        return self._survive(state, genes, foreign.value, foreign.infeasibility)[0]

    def _survive(
        self, state: NSGA2State, genes: Floats, value: Floats, infeasibility: Floats
    ) -> tuple[NSGA2State, Ints, Floats]:
        """Keep the best of the parents and of others; give their fronts and crowding distances, too."""
        genes = np.concatenate([state.parents, genes])
        value = np.concatenate([state.parent_value, value])
        infeasibility = np.concatenate([state.parent_infeasibility, infeasibility])
        rank = non_dominated_sort(value, infeasibility, self.size)
        best = survivors(value, rank, self.size)
        parents = replace(
            state, parents=genes[best], parent_value=value[best], parent_infeasibility=infeasibility[best]
        )
        return parents, rank[best], crowding_distance(parents.parent_value, rank[best])

    def _breed(self, state: NSGA2State) -> NSGA2State:
        """Make the next generation."""
        told, columns = state.generation, state.columns
        state, rank, distance = self._survive(state, state.children, state.value, told.infeasibility)
        random = generator(state.seed, told.number + 1)
        pairs = (self.size + 1) // 2
        winners = tournaments(rank, distance, 2 * pairs, random)
        chosen = state.parents[winners]
        variation = MixedVariation(self.crossover, self.mutation, self.choice_crossover, self.choice_mutation)
        children = variation.breed(columns, chosen[:pairs], chosen[pairs:], self.size, state.parents, random)
        return replace(state, generation=told.following(), children=children, value=np.full_like(state.value, np.nan))


def _note(state: NSGA2State, evaluations: Evaluations) -> NSGA2State:
    """Note what is told of children that were not told before; the first of two counts."""
    generation = state.generation.tell(evaluations)
    if generation is state.generation:
        return state
    new = np.flatnonzero(generation.told & ~state.generation.told)
    slot = evaluations.candidates.slot
    order = np.argsort(slot, kind="stable")
    rows = order[np.searchsorted(slot[order], generation.slots(new))]
    value = state.value.copy()
    value[new] = evaluations.value[rows]
    return replace(state, generation=generation, value=value)
