"""Everything that searches: one contract, one file an algorithm, a folder a family."""

from thalweg.optimizers.auto import Auto
from thalweg.optimizers.base import AnyOptimizer, Capabilities, Optimizer, Recommends, order, require
from thalweg.optimizers.baseline import GridSearch, RandomSearch, SobolSearch
from thalweg.optimizers.bayesian import BayesianOptimization
from thalweg.optimizers.evolution import GeneticAlgorithm
from thalweg.optimizers.gradient import GradientDescent
from thalweg.optimizers.swarm import ParticleSwarm

__all__ = [
    "AnyOptimizer",
    "Auto",
    "BayesianOptimization",
    "Capabilities",
    "GeneticAlgorithm",
    "GradientDescent",
    "GridSearch",
    "Optimizer",
    "ParticleSwarm",
    "RandomSearch",
    "Recommends",
    "SobolSearch",
    "order",
    "require",
]
