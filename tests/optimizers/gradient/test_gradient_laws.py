"""Every learning rate, and every stochastic method, under the laws of an optimizer: on all data, and on minibatches."""

import numpy as np

from thalweg.optimizers.gradient import SAGA, SVRG, Averaged, GradientDescent
from thalweg.optimizers.gradient.learning_rates import (
    Armijo,
    BarzilaiBorwein,
    MalitskyMishchenko,
    StochasticArmijo,
    StochasticPolyak,
    StrongWolfe,
)
from thalweg.optimizers.rules import HeavyBall, ScheduleFreeSGD
from thalweg.problem import Minibatches, Problem
from thalweg.space import Box
from thalweg.testing.optimizers import OptimizerLaws, problems

X = np.random.default_rng(0).normal(size=(11, 2))
SAMPLED = Problem(
    lambda w, X, y: np.mean((X @ w - y) ** 2),
    Box(-2, 2, dim=2),
    gradient=lambda w, X, y: 2 * X.T @ (X @ w - y) / len(y),
    minibatches=Minibatches(X, X @ [1.0, 3.0], size=4),
)


class SampledLaws(OptimizerLaws):
    """The laws that take a problem, on one with minibatches and bounds."""

    def pytest_generate_tests(self, metafunc):
        for name in {"problem", "any_problem"} & set(metafunc.fixturenames):
            others = {} if name == "problem" else {"no gradient": problems()["no gradient"]}
            metafunc.parametrize(name, [SAMPLED, *others.values()], ids=["minibatches", *others])


class TestAutomatic(OptimizerLaws):
    optimizer = GradientDescent()


class TestArmijoWithMomentum(OptimizerLaws):
    optimizer = GradientDescent(Armijo(), HeavyBall())


class TestStrongWolfe(OptimizerLaws):
    optimizer = GradientDescent(StrongWolfe())


class TestBarzilaiBorwein(OptimizerLaws):
    optimizer = GradientDescent(BarzilaiBorwein())


class TestMalitskyMishchenko(OptimizerLaws):
    optimizer = GradientDescent(MalitskyMishchenko())


class TestStochasticArmijo(SampledLaws):
    optimizer = GradientDescent(StochasticArmijo())


class TestStochasticPolyak(SampledLaws):
    optimizer = GradientDescent(StochasticPolyak())


class TestScheduleFree(SampledLaws):
    optimizer = GradientDescent(0.1, ScheduleFreeSGD())


class TestSVRG(SampledLaws):
    optimizer = SVRG()


class TestSVRGOnAllData(OptimizerLaws):
    optimizer = SVRG(learning_rate=0.2)


class TestSAGA(SampledLaws):
    optimizer = SAGA()


class TestSAGAOnAllData(OptimizerLaws):
    optimizer = SAGA(learning_rate=0.2)


class TestAveraged(SampledLaws):
    optimizer = Averaged(GradientDescent(0.1))


class TestAveragedOnAllData(OptimizerLaws):
    optimizer = Averaged(SAGA())
