"""The weights of a module as a problem for every optimizer."""

from thalweg.training.torch.problem.module_problem import ModuleProblem

__all__ = ["ModuleProblem"]
