"""The methods, ours and the peers', by kind; each has its documented defaults for a run of known length."""

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np

from bbob.measure import HIGH, LOW, Function, Method


def ours(make: Callable[[Any, Function], Any]) -> Method:
    """Make a method of an optimizer of ours, from the package thalweg and the function."""

    def method(function: Function) -> None:
        import thalweg

        box = thalweg.Box(LOW, HIGH, dim=function.dim)
        thalweg.minimize(
            function, box, optimizer=make(thalweg, function), evaluations=function.budget, vectorized=True,
            seed=function.seed,
        )  # fmt: skip

    return method


def differential_evolution(_: Any, function: Function) -> Any:
    from thalweg.optimizers.evolution.differential_evolution import DifferentialEvolution

    return DifferentialEvolution(evaluations=function.budget)


def cma_es(_: Any, function: Function) -> Any:
    from thalweg.optimizers.evolution.cma_es import CMAES
    from thalweg.optimizers.restarts import Restarts

    return Restarts(CMAES())


def cma_es_after_separable(_: Any, function: Function) -> Any:
    from thalweg.optimizers.evolution.cma_es import CMAES
    from thalweg.optimizers.restarts import Restarts, SeparableSearch

    return Restarts(CMAES(), opening=SeparableSearch())


def minion(algorithm: str, individuals: int = 0) -> Method:
    """Its defaults, or so many individuals a column in the first generation."""

    def method(function: Function) -> None:
        from minionpy import Minimizer

        def values(x: Any) -> list[float]:
            left = function.budget - function.evaluations  # an exception would have to pass through C++
            return function(np.array(x)).tolist() if left > 0 else [np.inf] * len(x)

        bounds = [(LOW, HIGH)] * function.dim
        options = {"population_size": individuals * function.dim} if individuals else {}
        Minimizer(values, bounds, None, algorithm, function.budget, None, function.seed, options).optimize()

    return method


def pymoo(make: Callable[[], Any]) -> Method:
    def method(function: Function) -> None:
        from pymoo.core.problem import Problem
        from pymoo.optimize import minimize

        class Wrapped(Problem):
            def __init__(self) -> None:
                super().__init__(n_var=function.dim, n_obj=1, xl=LOW, xu=HIGH)

            def _evaluate(self, x: np.ndarray, out: dict[str, Any], *_: Any, **__: Any) -> None:
                out["F"] = function(x)[:, None]

        minimize(Wrapped(), make(), ("n_eval", function.budget), seed=function.seed)

    return method


def pymoo_differential_evolution() -> Any:
    from pymoo.algorithms.soo.nonconvex.de import DE

    return DE()


def pymoo_genetic_algorithm() -> Any:
    from pymoo.algorithms.soo.nonconvex.ga import GA

    return GA()


def pymoo_particle_swarm() -> Any:
    from pymoo.algorithms.soo.nonconvex.pso import PSO

    return PSO()


def pyswarms(function: Function) -> None:
    """The settings of its README, and a swarm of 50."""
    from pyswarms.single import GlobalBestPSO

    np.random.seed(function.seed)
    bounds = (np.full(function.dim, LOW), np.full(function.dim, HIGH))
    swarm = GlobalBestPSO(50, function.dim, {"c1": 0.5, "c2": 0.3, "w": 0.9}, bounds=bounds)
    swarm.optimize(function, function.budget // 50, verbose=False)


def scipy_differential_evolution(function: Function) -> None:
    """A tenth of the budget is left for its polishing by L-BFGS-B."""
    from scipy.optimize import differential_evolution

    generations = int(0.9 * function.budget) // (15 * function.dim) - 1
    differential_evolution(function.one, [(LOW, HIGH)] * function.dim, maxiter=generations, rng=function.seed)


def pycma(function: Function) -> None:
    import cma

    random = np.random.default_rng(function.seed)
    options = {"bounds": [LOW, HIGH], "maxfevals": function.budget, "verbose": -9, "seed": function.seed}
    cma.fmin2(
        function.one, lambda: random.uniform(LOW, HIGH, function.dim), 2.0, options, restarts=99, bipop=True,
    )  # fmt: skip


KINDS: dict[str, dict[str, tuple[str, Method]]] = {
    "random search": {
        "thalweg": ("thalweg", ours(lambda tw, f: tw.RandomSearch())),
    },
    "particle swarm": {
        "thalweg": ("thalweg", ours(lambda tw, f: tw.ParticleSwarm())),
        "minion DMSPSO": ("minionpy", minion("DMSPSO")),
        "minion PSO": ("minionpy", minion("PSO")),
        "pymoo": ("pymoo", pymoo(pymoo_particle_swarm)),
        "pyswarms": ("pyswarms", pyswarms),
    },
    "genetic algorithm": {
        "thalweg": ("thalweg", ours(lambda tw, f: tw.GeneticAlgorithm())),
        "pymoo": ("pymoo", pymoo(pymoo_genetic_algorithm)),
    },
    "differential evolution": {
        "thalweg": ("thalweg", ours(differential_evolution)),
        "minion RDEX": ("minionpy", minion("RDEX")),
        "minion ARRDE": ("minionpy", minion("ARRDE")),
        "minion jSO": ("minionpy", minion("jSO")),
        "minion LSHADE": ("minionpy", minion("LSHADE")),
        "minion LSHADE, 4 a column": ("minionpy", minion("LSHADE", individuals=4)),
        "minion RDEX, 4 a column": ("minionpy", minion("RDEX", individuals=4)),
        "pymoo": ("pymoo", pymoo(pymoo_differential_evolution)),
        "SciPy": ("scipy", scipy_differential_evolution),
    },
    "CMA-ES": {
        "thalweg": ("thalweg", ours(cma_es)),
        "thalweg, separable opening": ("thalweg", ours(cma_es_after_separable)),
        "pycma BIPOP": ("cma", pycma),
        "minion RCMAES": ("minionpy", minion("RCMAES")),
    },
}


def installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None
