"""The default optimizer: chosen from the problem and the budget, with the reason in words."""

from dataclasses import replace
from typing import Any, ClassVar, final

from thalweg.arrays import Floats
from thalweg.errors import IncompatibleProblem, InvalidSettings
from thalweg.optimizers.base import AnyOptimizer, Capabilities, Optimizer, Recommends
from thalweg.optimizers.baseline.sobol_search import SobolSearch
from thalweg.optimizers.bayesian.bayesian_optimization import BayesianOptimization
from thalweg.optimizers.evolution.genetic_algorithm import GeneticAlgorithm
from thalweg.optimizers.evolution.nsga2 import NSGA2
from thalweg.optimizers.gradient.gradient_descent import GradientDescent
from thalweg.optimizers.gradient.lbfgs import LBFGS
from thalweg.optimizers.rules import AdamW
from thalweg.optimizers.swarm.particle_swarm import ParticleSwarm
from thalweg.problem import Candidates, Evaluations, Need, Problem
from thalweg.serial import frozen
from thalweg.space import Columns

__all__ = ["Auto", "AutoState"]

FRONT_EVALUATIONS = 1_000  # ten generations of NSGA-II
FEW_EVALUATIONS = 500  # up to here a model of the objective is worth its computing time
FEW_COLUMNS = 20  # up to here a model of it is good


@final
@frozen
class AutoState:
    """The optimizer that was chosen, its state, and why it was chosen."""

    optimizer: AnyOptimizer
    inner: Any
    reason: str


@final
@frozen
class Auto(Optimizer[AutoState]):
    """Choose an optimizer from what the problem offers and how often it may be evaluated.

    ==============================================  =====================================
    the first of these that holds                   takes
    ==============================================  =====================================
    several objectives, 1,000 evaluations or more   NSGA-II
    several objectives                              Sobol search
    constraints                                     a genetic algorithm
    a gradient of minibatches                       gradient descent with AdamW's rule
    a gradient                                      L-BFGS
    up to 500 evaluations and 20 columns, and not
    vectorized                                      Bayesian optimization
    only real-valued columns                        a particle swarm
    anything else                                   a genetic algorithm
    ==============================================  =====================================

    Args:
        evaluations: The budget; where it is None, many for a vectorized objective and few for any other.

    Raises:
        InvalidSettings: The budget is below 1.

    Example:
        >>> from thalweg.problem import Problem
        >>> from thalweg.space import Box
        >>> optimizer, reason = Auto(evaluations=100_000).choose(Problem(sum, Box(-1, 1, dim=5)))
        >>> type(optimizer).__name__, reason
        ('ParticleSwarm', '100,000 evaluations of 5 real-valued columns are enough for a swarm')
    """

    evaluations: int | None = None

    capabilities: ClassVar[Capabilities] = Capabilities(unbounded=True, several_objectives=True, constraints=True)

    def __post_init__(self) -> None:
        """Check the setting."""
        if self.evaluations is not None and self.evaluations < 1:
            raise InvalidSettings(f"Auto: evaluations={self.evaluations}, expected at least 1, or None where unknown")

    def choose(self, problem: Problem) -> tuple[AnyOptimizer, str]:
        """Give the optimizer for a problem, and the reason."""
        columns, d = problem.columns, problem.columns.dim
        if problem.objectives > 1:
            if (self.evaluations or 0) < FRONT_EVALUATIONS or not columns.bounded:
                return SobolSearch(), "there are several objectives, and evenly spread points show their trade-offs"
            return NSGA2(), "there are several objectives, and a population that spreads along their Pareto front"
        if problem.constraints:
            return self._genetic(), "there are constraints, and a population finds its way to where they hold"
        if Need.GRADIENT in problem.provides:
            if problem.minibatches is not None:
                return GradientDescent(
                    rule=AdamW()
                ), "there are gradients of minibatches; the learning rate is found on the way"
            return LBFGS(), "there is a gradient, which shows the way down in any number of columns"
        if not columns.bounded:
            raise IncompatibleProblem(
                "a space without finite bounds can only be searched along a gradient: give the Box low and high, or "
                "give gradient= a function, or 'torch'"
            )
        many = problem.vectorized or (self.evaluations or 0) > FEW_EVALUATIONS
        budget = "an unknown number of" if self.evaluations is None else f"{self.evaluations:,}"
        shape = f"{budget} evaluations of {d} {'real-valued ' if _real(columns) else ''}column{'s' * (d > 1)}"
        if not many and d <= FEW_COLUMNS:
            return BayesianOptimization(), f"{shape} are best spent with a model of the objective"
        if _real(columns):
            return ParticleSwarm(), f"{shape} are enough for a swarm"
        return self._genetic(), f"{shape}, not all of them real-valued, are a case for a genetic algorithm"

    def init(self, problem: Problem, seed: int) -> AutoState:
        """Choose, and begin with the chosen optimizer."""
        optimizer, reason = self.choose(problem)
        return AutoState(optimizer, optimizer.init(problem, seed), reason)

    def ask(self, state: AutoState, n: int, pending: Candidates) -> tuple[Candidates, AutoState]:
        """Let the chosen optimizer propose."""
        candidates, inner = state.optimizer.ask(state.inner, n, pending)
        return candidates, state if inner is state.inner else replace(state, inner=inner)

    def tell(self, state: AutoState, evaluations: Evaluations) -> AutoState:
        """Tell the chosen optimizer."""
        inner = state.optimizer.tell(state.inner, evaluations)
        return state if inner is state.inner else replace(state, inner=inner)

    def stop(self, state: AutoState) -> str:
        """Stop when the chosen optimizer does."""
        return state.optimizer.stop(state.inner)

    def recommend(self, state: AutoState) -> Floats | None:
        """Give the best guess of the chosen optimizer, where that is not a seen point."""
        return state.optimizer.recommend(state.inner) if isinstance(state.optimizer, Recommends) else None

    def _genetic(self) -> GeneticAlgorithm:
        """Make a population that has some twenty generations to live."""
        most = GeneticAlgorithm.size
        return GeneticAlgorithm(size=most if self.evaluations is None else max(10, min(most, self.evaluations // 20)))


def _real(columns: Columns) -> bool:
    return not columns.discrete.any() and not columns.conditions
