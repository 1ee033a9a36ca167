"""Learning rates: how far to go along a direction. Constants, schedules, line searches, and rates that adapt."""

from thalweg.optimizers.gradient.learning_rates.armijo import Armijo
from thalweg.optimizers.gradient.learning_rates.automatic import automatic
from thalweg.optimizers.gradient.learning_rates.barzilai_borwein import BarzilaiBorwein
from thalweg.optimizers.gradient.learning_rates.base import AnyLearningRate, Attempt, LearningRate, Point
from thalweg.optimizers.gradient.learning_rates.fixed import Fixed
from thalweg.optimizers.gradient.learning_rates.malitsky_mishchenko import MalitskyMishchenko
from thalweg.optimizers.gradient.learning_rates.stochastic_armijo import StochasticArmijo
from thalweg.optimizers.gradient.learning_rates.stochastic_polyak import StochasticPolyak
from thalweg.optimizers.gradient.learning_rates.strong_wolfe import StrongWolfe

__all__ = [
    "AnyLearningRate",
    "Armijo",
    "Attempt",
    "BarzilaiBorwein",
    "Fixed",
    "LearningRate",
    "MalitskyMishchenko",
    "Point",
    "StochasticArmijo",
    "StochasticPolyak",
    "StrongWolfe",
    "automatic",
]
