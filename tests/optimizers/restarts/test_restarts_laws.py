"""Restarts of several optimizers under every law."""

from thalweg.optimizers.baseline import NelderMead
from thalweg.optimizers.evolution import CMAES, GeneticAlgorithm
from thalweg.optimizers.gradient import LBFGS
from thalweg.optimizers.restarts import IPOP, Restarts, SameSettings, SeparableSearch
from thalweg.optimizers.swarm import ParticleSwarm
from thalweg.testing.optimizers import OptimizerLaws


class TestCMAES(OptimizerLaws):
    optimizer = Restarts(CMAES())


class TestShortRunsOfCMAES(OptimizerLaws):
    """With a restart after every few generations."""

    optimizer = Restarts(CMAES(size=4, tolerance=100.0), IPOP(1.5))
    evaluations = 400


class TestParticleSwarm(OptimizerLaws):
    optimizer = Restarts(ParticleSwarm(size=10))


class TestGeneticAlgorithm(OptimizerLaws):
    optimizer = Restarts(GeneticAlgorithm(size=10), restarts=2)


class TestLBFGS(OptimizerLaws):
    optimizer = Restarts(LBFGS())


class TestNelderMead(OptimizerLaws):
    optimizer = Restarts(NelderMead(tolerance=0.05), SameSettings(), restarts=3)
    evaluations = 200


class TestOpening(OptimizerLaws):
    optimizer = Restarts(CMAES(), opening=SeparableSearch())


class TestSeparableSearch(OptimizerLaws):
    optimizer = SeparableSearch()
