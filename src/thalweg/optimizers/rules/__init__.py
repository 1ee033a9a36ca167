"""Update rules: from gradients to steps. They make gradient descent SGD, momentum or Adam. And schedules for its rate."""

from thalweg.optimizers.rules.accumulate import Accumulate
from thalweg.optimizers.rules.adagrad import Adagrad
from thalweg.optimizers.rules.adam import Adam
from thalweg.optimizers.rules.adamw import AdamW
from thalweg.optimizers.rules.chain import Chain
from thalweg.optimizers.rules.exponential_average import ExponentialAverage
from thalweg.optimizers.rules.links import ClipNorm, ClipValue, WeightDecay
from thalweg.optimizers.rules.lion import Lion
from thalweg.optimizers.rules.momentum import HeavyBall, Nesterov
from thalweg.optimizers.rules.muon import Muon
from thalweg.optimizers.rules.nadamw import NAdamW
from thalweg.optimizers.rules.prodigy import Prodigy
from thalweg.optimizers.rules.rmsprop import RMSProp
from thalweg.optimizers.rules.rule import AnyRule, Averages, UpdateRule
from thalweg.optimizers.rules.schedule_free import ScheduleFreeAdamW, ScheduleFreeSGD
from thalweg.optimizers.rules.schedules import (
    Constant,
    Cosine,
    Exponential,
    InverseTime,
    OneCycle,
    Schedule,
    Step,
    WarmUp,
    WarmUpStableDecay,
)
from thalweg.optimizers.rules.sgd import SGD

__all__ = [
    "SGD",
    "Accumulate",
    "Adagrad",
    "Adam",
    "AdamW",
    "AnyRule",
    "Averages",
    "Chain",
    "ClipNorm",
    "ClipValue",
    "Constant",
    "Cosine",
    "Exponential",
    "ExponentialAverage",
    "HeavyBall",
    "InverseTime",
    "Lion",
    "Muon",
    "NAdamW",
    "Nesterov",
    "OneCycle",
    "Prodigy",
    "RMSProp",
    "Schedule",
    "ScheduleFreeAdamW",
    "ScheduleFreeSGD",
    "Step",
    "UpdateRule",
    "WarmUp",
    "WarmUpStableDecay",
    "WeightDecay",
]
