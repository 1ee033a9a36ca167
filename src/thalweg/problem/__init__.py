"""What is optimized: an objective over a space, its candidates, and what evaluating them gives."""

from thalweg.problem.candidates import Candidates, Evaluations, Status
from thalweg.problem.check_gradient import GradientCheck, check_gradient
from thalweg.problem.evaluate import evaluate, failure, judge
from thalweg.problem.minibatches import Minibatches
from thalweg.problem.problem import Goal, Need, Problem

__all__ = [
    "Candidates",
    "Evaluations",
    "Goal",
    "GradientCheck",
    "Minibatches",
    "Need",
    "Problem",
    "Status",
    "check_gradient",
    "evaluate",
    "failure",
    "judge",
]
