"""Update rules: from gradients to steps. Gradient descent is one method; the rule makes it SGD, momentum or Adam."""

from thalweg.optimizers.rules.adam import Adam
from thalweg.optimizers.rules.momentum import HeavyBall, Nesterov
from thalweg.optimizers.rules.rule import AnyRule, UpdateRule
from thalweg.optimizers.rules.sgd import SGD

__all__ = ["SGD", "Adam", "AnyRule", "HeavyBall", "Nesterov", "UpdateRule"]
