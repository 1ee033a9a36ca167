"""Baselines: the methods that every other one has to beat."""

from thalweg.optimizers.baseline.random_search import RandomSearch, RandomState

__all__ = ["RandomSearch", "RandomState"]
