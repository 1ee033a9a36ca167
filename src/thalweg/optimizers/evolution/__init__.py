"""Evolution: populations that vary and are selected."""

from thalweg.optimizers.evolution.genetic_algorithm import GeneticAlgorithm, GeneticState

__all__ = ["GeneticAlgorithm", "GeneticState"]
