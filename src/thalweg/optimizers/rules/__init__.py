"""Update rules: from gradients to steps. They make gradient descent SGD, momentum or Adam."""

from thalweg.optimizers.rules.adam import Adam
from thalweg.optimizers.rules.momentum import HeavyBall, Nesterov
from thalweg.optimizers.rules.rule import AnyRule, Averages, UpdateRule
from thalweg.optimizers.rules.sgd import SGD

__all__ = ["SGD", "Adam", "AnyRule", "Averages", "HeavyBall", "Nesterov", "UpdateRule"]
