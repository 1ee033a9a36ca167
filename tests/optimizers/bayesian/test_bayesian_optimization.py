"""Bayesian optimization: known minima, failures, pending points, noise, batches, numbers of any size."""

import numpy as np
import pytest

from thalweg.errors import IncompatibleProblem, InvalidSettings
from thalweg.optimizers import BayesianOptimization
from thalweg.problem import Candidates, Evaluations, Problem, evaluate
from thalweg.problem.functions import branin, hartmann6
from thalweg.rng import generator
from thalweg.space import Box, Categorical, Float, Int


def drive(problem, trials, seed=0, optimizer=None, batch=1):
    """Ask and tell; give the rows, the values and the last state."""
    optimizer = optimizer or BayesianOptimization()
    state, nothing, x, value = optimizer.init(problem, seed), Candidates.none(problem.columns), [], []
    while len(x) < trials:
        candidates, state = optimizer.ask(state, batch, nothing)
        told = evaluate(problem, candidates)
        state = optimizer.tell(state, told)
        x.extend(candidates.x)
        value.extend(told.value[:, 0])
    return np.array(x), np.array(value), state
