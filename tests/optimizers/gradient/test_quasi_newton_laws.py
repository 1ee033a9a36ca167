"""LBFGS, BFGS and NewtonCG under every law."""

from thalweg.optimizers.gradient import BFGS, LBFGS, NewtonCG, WolfeSearch
from thalweg.testing.optimizers import OptimizerLaws


class TestLBFGS(OptimizerLaws):
    optimizer = LBFGS()


class TestLBFGSThatForgets(OptimizerLaws):
    optimizer = LBFGS(memory=1, tolerance=0.0, search=WolfeSearch(curvature=0.1))


class TestBFGS(OptimizerLaws):
    optimizer = BFGS()


class TestNewtonCG(OptimizerLaws):
    optimizer = NewtonCG()
