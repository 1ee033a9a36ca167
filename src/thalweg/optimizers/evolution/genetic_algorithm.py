"""A real-coded genetic algorithm with elitism.

J. H. Holland, "Adaptation in natural and artificial systems", 1975. D. E. Goldberg, "Genetic algorithms in
search, optimization, and machine learning", 1989. Real-coded operators and constraints after K. Deb, "An
efficient constraint handling method for genetic algorithms", Computer Methods in Applied Mechanics and
Engineering 186, 2000.
"""

from dataclasses import replace
from typing import ClassVar, final

import numpy as np

from thalweg.arrays import Floats
from thalweg.errors import InvalidSettings
from thalweg.optimizers.base import Capabilities, Optimizer, order, require
from thalweg.optimizers.evolution.mixed import MixedVariation, to_bins
from thalweg.optimizers.evolution.operators import (
    Crossover,
    Mutation,
    PolynomialMutation,
    ResamplingMutation,
    Selection,
    SimulatedBinary,
    Tournament,
    UniformCrossover,
)
from thalweg.optimizers.generation import Generation
from thalweg.problem import Candidates, Evaluations, Problem
from thalweg.rng import generator
from thalweg.serial import frozen
from thalweg.space import Columns

__all__ = ["GeneticAlgorithm", "GeneticState"]


@final
@frozen
class GeneticState:
    """Parents, and their s children of d genes in the unit cube, in the middle of a generation; the first has no parents."""

    columns: Columns
    seed: int
    generation: Generation  # of the children
    children: Floats  # (s, d)
    parents: Floats  # (k, d) the best so far, and foreign points
    parent_value: Floats  # (k,)
    parent_infeasibility: Floats  # (k,)


@final
@frozen
class GeneticAlgorithm(Optimizer[GeneticState]):
    """Breed by selection, crossover and mutation; of parents and children the best survive (μ + λ).

    Numbers are crossed by simulated binary crossover and moved by polynomial mutation on their searched
    scale, integers and grids rounded, with a mutation at least to the next value. Choices are exchanged and
    drawn anew. Inactive genes are carried along. Feasible individuals beat infeasible ones, which beat each
    other by how little they violate.

    Args:
        size: Parents, and children in a generation; at least 2.
        selection: Who becomes a parent.
        crossover: Of numbers.
        mutation: Of numbers.
        choice_crossover: Of choices.
        choice_mutation: Of choices.

    Raises:
        InvalidSettings: A setting is out of its range.

    Example:
        >>> import thalweg as tw
        >>> space = {"x": tw.Float(-5, 5), "n": tw.Int(1, 100), "kind": tw.Categorical(["a", "b", "c"])}
        >>> result = tw.minimize(
        ...     lambda p: p["x"] ** 2 + abs(p["n"] - 42) + (p["kind"] != "b"), space,
        ...     optimizer=tw.GeneticAlgorithm(size=30), evaluations=1500, seed=0,
        ... )
        >>> result.best.params["n"], result.best.params["kind"], result.best.value < 1e-3
        (42, 'b', True)
    """

    size: int = 50
    selection: Selection = Tournament()
    crossover: Crossover = SimulatedBinary()
    mutation: Mutation = PolynomialMutation()
    choice_crossover: Crossover = UniformCrossover()
    choice_mutation: Mutation = ResamplingMutation()

    capabilities: ClassVar[Capabilities] = Capabilities(constraints=True)

    def __post_init__(self) -> None:
        """Check the settings."""
        if self.size < 2:
            raise InvalidSettings(f"GeneticAlgorithm: size={self.size}, expected at least 2 individuals")

    def init(self, problem: Problem, seed: int) -> GeneticState:
        """Draw the first generation uniformly."""
        require(self, problem)
        columns, none = problem.columns, np.empty(0)
        children = to_bins(columns, generator(seed, 0).random((self.size, columns.dim)))
        first = Generation.begin(0, self.size)
        return GeneticState(problem.columns, seed, first, children, np.empty((0, columns.dim)), none, none)

    def ask(self, state: GeneticState, n: int, pending: Candidates) -> tuple[Candidates, GeneticState]:
        """Propose children that are neither told nor pending; none when all are."""
        children = state.generation.waiting(n, pending)
        x = state.columns.from_unit(state.children[children])
        return Candidates.at(state.columns, x, state.generation.slots(children)), state

    def tell(self, state: GeneticState, evaluations: Evaluations) -> GeneticState:
        """Note the values, and breed when the whole generation is known."""
        foreign = (evaluations.candidates.slot < 0) & evaluations.complete
        if foreign.any():
            state = self._adopt(state, evaluations.take(foreign))
        generation = state.generation.tell(evaluations)
        if generation is not state.generation:
            state = replace(state, generation=generation)
        return self._breed(state) if generation.complete else state

    def stop(self, state: GeneticState) -> str:
        """Never stop: a mutation may always help."""
        return ""

    def _adopt(self, state: GeneticState, foreign: Evaluations) -> GeneticState:
        """Let foreign points be parents, where they are good enough."""
        genes = state.columns.to_unit(foreign.candidates.x)
        return self._survive(state, genes, foreign.value[:, 0], foreign.infeasibility)

    def _survive(self, state: GeneticState, genes: Floats, value: Floats, infeasibility: Floats) -> GeneticState:
        """Keep the best of the parents and of others, best first."""
        genes = np.concatenate([state.parents, genes])
        value = np.concatenate([state.parent_value, value])
        infeasibility = np.concatenate([state.parent_infeasibility, infeasibility])
        best = order(value, infeasibility)[: self.size]
        return replace(state, parents=genes[best], parent_value=value[best], parent_infeasibility=infeasibility[best])

    def _breed(self, state: GeneticState) -> GeneticState:
        """Make the next generation."""
        told = state.generation
        state = self._survive(state, state.children, told.value, told.infeasibility)
        columns, random = state.columns, generator(state.seed, told.number + 1)
        pairs = (self.size + 1) // 2
        chosen = state.parents[self.selection.select(np.arange(self.size), 2 * pairs, random)]
        variation = MixedVariation(self.crossover, self.mutation, self.choice_crossover, self.choice_mutation)
        children = variation.breed(columns, chosen[:pairs], chosen[pairs:], self.size, state.parents, random)
        return replace(state, generation=told.following(), children=children)
