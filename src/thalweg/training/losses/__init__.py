"""Losses: what a wrong prediction costs. Each is one file; a solver knows only their contract."""

from thalweg.training.losses.logistic import Logistic
from thalweg.training.losses.loss import Loss
from thalweg.training.losses.squared import Squared

__all__ = ["Logistic", "Loss", "Squared"]
