"""Bayesian optimization: model → posterior → acquisition."""

from thalweg.optimizers.bayesian.bayesian_optimization import BayesianOptimization, BayesianState

__all__ = ["BayesianOptimization", "BayesianState"]
