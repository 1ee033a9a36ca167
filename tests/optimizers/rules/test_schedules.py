"""Schedules against torch.optim.lr_scheduler, step by step."""

import math

import numpy as np
import pytest

from thalweg.errors import InvalidSettings
from thalweg.optimizers.rules import (
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
from thalweg.serial import construct, describe

SCHEDULES = [
    Constant(0.3),
    Step(0.3, 7, 0.5),
    Exponential(0.3, 0.97),
    InverseTime(0.3, 20, 0.7),
    Cosine(0.3, 60, 0.01),
    OneCycle(0.3, 61, 0.4),
    WarmUp(Cosine(0.3, 50), 9),
    WarmUp(WarmUp(Constant(0.3), 5), 5),
    WarmUpStableDecay(0.3, 60, 0.25, 0.5),
]


def torch_schedule(make):
    """The rates of a schedule of PyTorch, which ``make`` makes for an optimizer at 0.3."""
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.3)
    schedule = make(torch.optim.lr_scheduler, optimizer)
    while True:
        yield optimizer.param_groups[0]["lr"]
        optimizer.step()
        schedule.step()


def linear(lr, optimizer, steps):
    """A warm-up from the first of so many steps to the last of them."""
    return lr.LinearLR(optimizer, start_factor=1 / steps, total_iters=steps - 1)


PAIRS = [
    (Constant(0.3), 50, lambda lr, o: lr.ConstantLR(o, factor=1.0)),
    (Step(0.3, 7, 0.5), 50, lambda lr, o: lr.StepLR(o, 7, 0.5)),
    (Step(0.3, 10), 50, lambda lr, o: lr.StepLR(o, 10)),
    (InverseTime(0.3, 20, 0.7), 200, lambda lr, o: lr.LambdaLR(o, lambda t: (1 + t / 20) ** -0.7)),
    (Exponential(0.3, 0.97), 200, lambda lr, o: lr.ExponentialLR(o, 0.97)),
    (Cosine(0.3, 60), 60, lambda lr, o: lr.CosineAnnealingLR(o, 60)),
    (Cosine(0.3, 60, 0.01), 60, lambda lr, o: lr.CosineAnnealingLR(o, 60, 0.01)),
    (OneCycle(0.3, 61), 61, lambda lr, o: lr.OneCycleLR(o, 0.3, 61, cycle_momentum=False)),
    (OneCycle(0.3, 100, 0.45), 100, lambda lr, o: lr.OneCycleLR(o, 0.3, 100, pct_start=0.45, cycle_momentum=False)),
    (
        WarmUp(Cosine(0.3, 50), 9),
        59,
        lambda lr, o: lr.SequentialLR(o, [linear(lr, o, 9), lr.CosineAnnealingLR(o, 50)], [9]),
    ),
    (
        WarmUpStableDecay(0.3, 60, 0.25, 0.5),
        61,
        lambda lr, o: lr.SequentialLR(
            o,
            [
                linear(lr, o, 15),
                lr.ConstantLR(o, factor=1.0),
                lr.LambdaLR(o, lambda t: 1 - math.sqrt(t / 30)),
            ],
            [15, 30],
        ),
    ),
]


@pytest.mark.filterwarnings("ignore:The epoch parameter")  # how SequentialLR calls its own parts
@pytest.mark.parametrize(
    ("schedule", "steps", "make"), PAIRS, ids=lambda value: "torch" if callable(value) else str(value)[:40]
)
def test_gives_the_rates_of_torch(schedule, steps, make):
    for step, expected in zip(range(steps), torch_schedule(make), strict=False):
        assert math.isclose(schedule.at(step), expected, rel_tol=1e-10, abs_tol=1e-16), step


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
def test_is_a_plain_value(schedule):
    assert construct(describe(schedule)) == schedule
    rates = [schedule.at(step) for step in range(200)]
    assert {type(rate) for rate in rates} == {float}
    assert all(0 <= rate <= 0.3 for rate in rates)
    assert type(schedule.at(np.int64(3))) is float


@pytest.mark.parametrize(
    ("schedule", "last"),
    [(Cosine(0.3, 60, 0.01), 0.01), (OneCycle(0.3, 60), 1.2e-6), (WarmUpStableDecay(0.3, 60), 0.0)],
)
def test_stays_where_it_ends(schedule, last):
    assert [schedule.at(step) for step in (60, 61, 10_000)] == pytest.approx([last] * 3, rel=1e-9, abs=1e-15)


def test_shares_of_nothing_leave_the_highest_rate():
    assert [WarmUpStableDecay(0.3, 10, 0.0, 0.0).at(step) for step in (0, 9)] == [0.3, 0.3]
    assert OneCycle(0.3, 10, rise=0.0).at(0) == 0.3


@pytest.mark.parametrize("kind", [Cosine, OneCycle, WarmUpStableDecay])
def test_one_step_is_a_schedule_too(kind):
    assert all(0 <= kind(0.3, 1).at(step) <= 0.3 for step in range(3))


OUT_OF_RANGE = [
    (Constant, {"learning_rate": 0.0}),
    (Constant, {"learning_rate": "auto"}),
    (Step, {"learning_rate": 0.1, "every": 0}),
    (Step, {"learning_rate": 0.1, "every": 5, "factor": 0.0}),
    (Exponential, {"learning_rate": 0.1, "factor": -0.5}),
    (InverseTime, {"learning_rate": 0.1, "steps": 0}),
    (InverseTime, {"learning_rate": 0.1, "steps": 5, "power": -1}),
    (Cosine, {"learning_rate": -0.1, "steps": 10}),
    (Cosine, {"learning_rate": 0.1, "steps": 10.5}),
    (Cosine, {"learning_rate": 0.1, "steps": 10, "last": -0.1}),
    (OneCycle, {"learning_rate": 0.1, "steps": 0}),
    (OneCycle, {"learning_rate": 0.1, "steps": 10, "rise": 1.0}),
    (WarmUp, {"schedule": Constant(0.1), "steps": 0}),
    (WarmUp, {"schedule": 0.1, "steps": 5}),
    (WarmUpStableDecay, {"learning_rate": 0.1, "steps": 10, "warm_up": -0.1}),
    (WarmUpStableDecay, {"learning_rate": 0.1, "steps": 10, "decay": 1.0}),
    (WarmUpStableDecay, {"learning_rate": 0.1, "steps": 10, "warm_up": 0.6, "decay": 0.6}),
]


@pytest.mark.parametrize(("kind", "settings"), OUT_OF_RANGE)
def test_refuses_settings_out_of_range(kind, settings):
    with pytest.raises(InvalidSettings, match=f"{kind.__name__}: .*, expected "):
        kind(**settings)


def test_a_schedule_is_abstract():
    with pytest.raises(TypeError):
        Schedule()
