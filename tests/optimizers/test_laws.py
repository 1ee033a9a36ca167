"""Every optimizer under every law."""

from thalweg.optimizers import (
    Adam,
    Auto,
    BayesianOptimization,
    GeneticAlgorithm,
    GradientDescent,
    GridSearch,
    HeavyBall,
    Nesterov,
    ParticleSwarm,
    RandomSearch,
    SobolSearch,
)
from thalweg.testing.optimizers import OptimizerLaws


class TestRandomSearch(OptimizerLaws):
    optimizer = RandomSearch()
    sphere_ratio = 1.01


class TestSobolSearch(OptimizerLaws):
    optimizer = SobolSearch()
    sphere_ratio = 1.5


class TestGridSearch(OptimizerLaws):
    optimizer = GridSearch(resolution=3)


class TestGridThatEnds(OptimizerLaws):
    optimizer = GridSearch(resolution=1)


class TestParticleSwarm(OptimizerLaws):
    optimizer = ParticleSwarm(size=10)
    sphere_ratio = 0.1


class TestGeneticAlgorithm(OptimizerLaws):
    optimizer = GeneticAlgorithm(size=9)
    sphere_ratio = 0.1


class TestGradientDescent(OptimizerLaws):
    optimizer = GradientDescent()


class TestGradientDescentThatEnds(OptimizerLaws):
    optimizer = GradientDescent(learning_rate=0.4, rule=HeavyBall(0.1))


class TestNesterov(OptimizerLaws):
    optimizer = GradientDescent(rule=Nesterov())


class TestAdam(OptimizerLaws):
    optimizer = GradientDescent(learning_rate=0.1, rule=Adam())


class TestBayesianOptimization(OptimizerLaws):
    optimizer = BayesianOptimization(initial=4)
    evaluations = 9
    sphere_evaluations = 25


class TestAuto(OptimizerLaws):
    optimizer = Auto(evaluations=20)
    evaluations = 6
    sphere_evaluations = 25


class TestAutoWithManyEvaluations(OptimizerLaws):
    optimizer = Auto(evaluations=1000)
