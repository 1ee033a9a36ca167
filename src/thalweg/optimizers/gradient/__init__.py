"""Methods that follow gradients."""

from thalweg.optimizers.gradient.averaged import Averaged
from thalweg.optimizers.gradient.bfgs import BFGS
from thalweg.optimizers.gradient.gradient_descent import DescentState, GradientDescent
from thalweg.optimizers.gradient.lbfgs import LBFGS
from thalweg.optimizers.gradient.line_search import WolfeSearch, WolfeState
from thalweg.optimizers.gradient.newton_cg import NewtonCG
from thalweg.optimizers.gradient.race import Race, RaceState
from thalweg.optimizers.gradient.saga import SAGA
from thalweg.optimizers.gradient.svrg import SVRG

__all__ = [
    "BFGS",
    "LBFGS",
    "SAGA",
    "SVRG",
    "Averaged",
    "DescentState",
    "GradientDescent",
    "NewtonCG",
    "Race",
    "RaceState",
    "WolfeSearch",
    "WolfeState",
]
