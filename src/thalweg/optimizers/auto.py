"""Choosing an optimizer from what the problem is and how much may be spent on it."""

from dataclasses import replace
from typing import Any, ClassVar, final

from thalweg.arrays import Floats
from thalweg.errors import InvalidSettings
from thalweg.optimizers.base import AnyOptimizer, Capabilities, Optimizer, Recommends, require
from thalweg.optimizers.baseline.random_search import RandomSearch
from thalweg.optimizers.bayesian.bayesian_optimization import BayesianOptimization
from thalweg.optimizers.evolution.genetic_algorithm import GeneticAlgorithm
from thalweg.optimizers.gradient.gradient_descent import GradientDescent
from thalweg.optimizers.swarm.particle_swarm import ParticleSwarm
from thalweg.problem import Candidates, Evaluations, Problem
from thalweg.serial import frozen
from thalweg.space import CATEGORICAL

__all__ = ["Auto", "AutoState"]

FEW = 500  # evaluations up to which a model of the objective pays for its cubic cost


@final
@frozen
class AutoState:
    """The optimizer that was chosen, why, and its own state."""

    chosen: Any  # an optimizer's settings
    reason: str
    inner: Any


@final
@frozen
class Auto(Optimizer[AutoState]):
    """Choose an optimizer for the problem, and be it.

    Args:
        evaluations: How many evaluations there will be, at least 1; None where that is not known: then few are assumed,
            unless the objective is vectorized.

    Raises:
        InvalidSettings: ``evaluations`` is below 1.

    Example:
        >>> import thalweg as tw
        >>> problem = tw.Problem(lambda p: p["x"], {"x": tw.Float(0, 1)})
        >>> Auto(evaluations=100).choose(problem)[1]
        'BayesianOptimization: at most 500 evaluations, so each is worth a model of the objective'
    """

    evaluations: int | None = None

    capabilities: ClassVar[Capabilities] = Capabilities(unbounded=True, several_objectives=True, constraints=True)

    def __post_init__(self) -> None:
        """Check the settings."""
        if self.evaluations is not None and self.evaluations < 1:
            raise InvalidSettings(f"Auto: evaluations={self.evaluations}, expected at least 1, or None")

    def choose(self, problem: Problem) -> tuple[AnyOptimizer, str]:
        """Give the optimizer for a problem, and the reason in words. The first rule that fits decides."""
        chosen, why = self._rule(problem)
        return chosen, f"{type(chosen).__name__}: {why}"

    def init(self, problem: Problem, seed: int) -> AutoState:
        """Choose, and begin.

        Raises:
            IncompatibleProblem: No optimizer serves this problem.
        """
        chosen, reason = self.choose(problem)
        require(chosen, problem)
        return AutoState(chosen, reason, chosen.init(problem, seed))

    def ask(self, state: AutoState, n: int, pending: Candidates) -> tuple[Candidates, AutoState]:
        """Let the chosen optimizer propose."""
        candidates, inner = state.chosen.ask(state.inner, n, pending)
        return candidates, state if inner is state.inner else replace(state, inner=inner)

    def tell(self, state: AutoState, evaluations: Evaluations) -> AutoState:
        """Tell the chosen optimizer."""
        inner = state.chosen.tell(state.inner, evaluations)
        return state if inner is state.inner else replace(state, inner=inner)

    def stop(self, state: AutoState) -> str:
        """Ask the chosen optimizer."""
        return str(state.chosen.stop(state.inner))

    def recommend(self, state: AutoState) -> Floats | None:
        """Give the chosen optimizer's best guess, where it has one."""
        return state.chosen.recommend(state.inner) if isinstance(state.chosen, Recommends) else None

    def _rule(self, problem: Problem) -> tuple[AnyOptimizer, str]:
        columns = problem.columns
        if problem.gradient is not None:
            return GradientDescent(), "the gradient is given"
        if problem.objectives > 1:
            return RandomSearch(), "several objectives, which no other optimizer here serves yet"
        if problem.constraints:
            return GeneticAlgorithm(), "constraints, which it ranks by feasibility"
        few = not problem.vectorized if self.evaluations is None else self.evaluations <= FEW
        if few:
            return BayesianOptimization(), f"at most {FEW} evaluations, so each is worth a model of the objective"
        if (columns.kind == CATEGORICAL).any() or columns.conditions:
            return GeneticAlgorithm(), "many evaluations of a space with choices or conditions"
        return ParticleSwarm(), "many evaluations of a space of numbers"
