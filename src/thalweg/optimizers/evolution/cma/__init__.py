"""The parts of CMA-ES: its distribution, shapes of it, coordinates, margins of integers, and when it is done."""

from thalweg.optimizers.evolution.cma.coordinates import Coordinates
from thalweg.optimizers.evolution.cma.covariance import Covariance, FullCovariance, SeparableCovariance, Shape
from thalweg.optimizers.evolution.cma.distribution import Distribution
from thalweg.optimizers.evolution.cma.parameters import Parameters, parameters
from thalweg.optimizers.evolution.cma.termination import History, why_ended

__all__ = [
    "Coordinates",
    "Covariance",
    "Distribution",
    "FullCovariance",
    "History",
    "Parameters",
    "SeparableCovariance",
    "Shape",
    "parameters",
    "why_ended",
]
