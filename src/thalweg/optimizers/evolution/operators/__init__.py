"""Genetic operators: the parts that evolutionary algorithms are composed of."""

from thalweg.optimizers.evolution.operators.operator import Crossover, Mutation, Selection
from thalweg.optimizers.evolution.operators.polynomial import PolynomialMutation
from thalweg.optimizers.evolution.operators.simulated_binary import SimulatedBinary
from thalweg.optimizers.evolution.operators.tournament import Tournament
from thalweg.optimizers.evolution.operators.uniform import ResamplingMutation, UniformCrossover

__all__ = [
    "Crossover",
    "Mutation",
    "PolynomialMutation",
    "ResamplingMutation",
    "Selection",
    "SimulatedBinary",
    "Tournament",
    "UniformCrossover",
]
