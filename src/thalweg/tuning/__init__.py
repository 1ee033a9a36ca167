"""Tuning models on a table: which kind of model, and with which hyperparameters."""

from thalweg.tuning.families import FAMILIES
from thalweg.tuning.family import Family
from thalweg.tuning.result import TuningResult
from thalweg.tuning.scoring import Scores
from thalweg.tuning.search_cv import OptimizedSearchCV
from thalweg.tuning.tune import tune

__all__ = ["FAMILIES", "Family", "OptimizedSearchCV", "Scores", "TuningResult", "tune"]
