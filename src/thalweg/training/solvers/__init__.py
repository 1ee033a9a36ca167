"""Solvers of linear models. Each is one file; loss, penalty and data are known to them by contract only."""

from thalweg.training.solvers.solver import Solution, Solver

__all__ = ["Solution", "Solver"]
