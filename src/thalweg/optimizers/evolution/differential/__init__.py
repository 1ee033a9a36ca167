"""Parts of differential evolution."""

from thalweg.optimizers.evolution.differential.success_history import SuccessHistory
from thalweg.optimizers.evolution.differential.variation import (
    binomial_crossover,
    current_to_pbest,
    learn_covariance,
    pull_inside,
)

__all__ = ["SuccessHistory", "binomial_crossover", "current_to_pbest", "learn_covariance", "pull_inside"]
