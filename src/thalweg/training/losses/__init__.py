"""Losses: what a wrong prediction costs. Each is one file; a solver knows only their contract."""

from thalweg.training.losses.hinge import Hinge, SquaredHinge
from thalweg.training.losses.huber import Huber
from thalweg.training.losses.logistic import Logistic
from thalweg.training.losses.loss import Loss
from thalweg.training.losses.multinomial import Multinomial
from thalweg.training.losses.poisson import Poisson
from thalweg.training.losses.quantile import Quantile
from thalweg.training.losses.squared import Squared

__all__ = ["Hinge", "Huber", "Logistic", "Loss", "Multinomial", "Poisson", "Quantile", "Squared", "SquaredHinge"]
