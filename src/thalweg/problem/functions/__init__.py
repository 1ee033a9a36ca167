"""Test functions with known optima: each name is a function that makes a :class:`Benchmark`.

=================  =============================================================  ==========================
kind               functions                                                      difficulty
=================  =============================================================  ==========================
unimodal           :func:`sphere`, :func:`ellipsoid`, :func:`rosenbrock`          conditioning, curvature
multimodal         :func:`rastrigin`, :func:`ackley`, :func:`griewank`,           local minima
                   :func:`levy`, :func:`styblinski_tang`, :func:`schwefel`
low-dimensional    :func:`branin`, :func:`hartmann3`, :func:`hartmann6`           few evaluations
two objectives     :func:`zdt1`, :func:`zdt2`, :func:`zdt3`, :func:`zdt4`,        shape of the front,
                   :func:`zdt6`                                                   local fronts
more objectives    :func:`dtlz1`, :func:`dtlz2`                                   number of objectives
conditional        :func:`model_selection`                                        mixed, nested variables
=================  =============================================================  ==========================

``ALL`` holds them by name, each callable without arguments, for suites that run over everything;
:func:`shifted` moves an optimum away from the centre of its box.

Reference:
    S. Surjanovic, D. Bingham, Virtual Library of Simulation Experiments: Test Functions and Datasets, Simon
    Fraser University, https://www.sfu.ca/~ssurjano. M. Molga, C. Smutnicki, Test Functions for Optimization
    Needs, 2005.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from thalweg.problem.functions.benchmark import Benchmark, shifted
from thalweg.problem.functions.conditional import model_selection
from thalweg.problem.functions.dtlz import dtlz1, dtlz2
from thalweg.problem.functions.low_dimensional import branin, hartmann3, hartmann6
from thalweg.problem.functions.multimodal import ackley, griewank, levy, rastrigin, schwefel, styblinski_tang
from thalweg.problem.functions.multiobjective import zdt1, zdt2, zdt3, zdt4, zdt6
from thalweg.problem.functions.unimodal import ellipsoid, rosenbrock, sphere

__all__ = [
    "ALL",
    "Benchmark",
    "ackley",
    "branin",
    "dtlz1",
    "dtlz2",
    "ellipsoid",
    "griewank",
    "hartmann3",
    "hartmann6",
    "levy",
    "model_selection",
    "rastrigin",
    "rosenbrock",
    "schwefel",
    "shifted",
    "sphere",
    "styblinski_tang",
    "zdt1",
    "zdt2",
    "zdt3",
    "zdt4",
    "zdt6",
]

_MAKERS: tuple[Callable[..., Benchmark], ...] = (
    sphere,
    ellipsoid,
    rosenbrock,
    rastrigin,
    ackley,
    griewank,
    levy,
    styblinski_tang,
    schwefel,
    branin,
    hartmann3,
    hartmann6,
    zdt1,
    zdt2,
    zdt3,
    zdt4,
    zdt6,
    dtlz1,
    dtlz2,
    model_selection,
)

ALL: Mapping[str, Callable[..., Benchmark]] = MappingProxyType({maker.__name__: maker for maker in _MAKERS})
"""Every test function by name; ``ALL["sphere"](dim=3)``."""
