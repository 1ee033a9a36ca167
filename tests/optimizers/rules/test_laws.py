"""Every update rule under every law of the contract."""

import subprocess
import sys

import numpy as np
import pytest

from thalweg.errors import InvalidSettings
from thalweg.optimizers import rules
from thalweg.optimizers.rules import (
    SGD,
    Accumulate,
    Adagrad,
    Adam,
    AdamW,
    Averages,
    Chain,
    ClipNorm,
    ClipValue,
    ExponentialAverage,
    HeavyBall,
    Lion,
    Muon,
    NAdamW,
    Nesterov,
    Prodigy,
    RMSProp,
    ScheduleFreeAdamW,
    ScheduleFreeSGD,
    UpdateRule,
    WeightDecay,
)
from thalweg.serial import construct, describe, from_bytes, frozen, to_bytes

RULES = [
    SGD(),
    HeavyBall(0.7),
    Nesterov(0.7),
    Adagrad(1e-3),
    RMSProp(0.8, 1e-3),
    Adam(0.5, 0.9, 1e-3),
    AdamW(0.5, 0.9, 1e-3, 0.1),
    NAdamW(0.5, 0.9, 1e-3, 0.1, 0.01),
    Lion(0.8, 0.9, 0.1),
    Muon(0.8, 0.1, other=Lion()),
    ScheduleFreeSGD(0.8),
    ScheduleFreeAdamW(0.8, 0.9, 1e-3, 0.1),
    Prodigy(0.8, 0.9, 1e-3, 0.1, 1e-3),
    WeightDecay(0.1),
    ClipNorm(0.5),
    ClipValue(0.5),
    Chain((ClipNorm(1.0), Adam(), WeightDecay(0.1), ScheduleFreeSGD())),
    Accumulate(AdamW(), 2),
    Accumulate(ScheduleFreeAdamW(), 3),
    ExponentialAverage(AdamW(0.5, 0.9, 1e-3, 0.1), 0.8),
]
SHAPES = [(5,), (3, 4), (2, 1, 3), (0,)]
every_rule = pytest.mark.parametrize("rule", RULES, ids=str)
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)


def data(shape, dtype="float64", steps=7):
    """A start, and gradients of it; nobody may write to them."""
    random = np.random.default_rng(0)
    x, *gradients = random.normal(size=(steps + 1, *shape)).astype(dtype)
    for array in (x, *gradients):
        array.flags.writeable = False
    return x, gradients


def run(rule, x, gradients, state=None, store=lambda state: state):
    """Every direction, and the last point and state, at learning rates that change."""
    state = rule.init(x) if state is None else state
    directions = []
    for k, g in enumerate(gradients):
        rate = 0.1 / (1 + k)
        direction, state = rule.update(store(state), g, x, rate)
        directions.append(direction)
        x = x - rate * direction
    return directions, x, state


def test_every_rule_is_here():
    public = [getattr(rules, name) for name in rules.__all__]
    classes = {value for value in public if isinstance(value, type) and issubclass(value, UpdateRule)}
    assert {type(rule) for rule in RULES} == classes - {UpdateRule}


@every_shape
@every_rule
def test_is_a_pure_function(rule, shape):
    x, (g, *_) = data(shape)
    _, _, state = run(rule, x, [g, g])
    before = to_bytes(state)
    first, second = rule.update(state, g, x, 0.3), rule.update(state, g, x, 0.3)
    assert to_bytes(first) == to_bytes(second)
    assert to_bytes(state) == before


@every_shape
@every_rule
def test_continues_from_storage_bit_for_bit(rule, shape):
    x, gradients = data(shape)
    whole = run(rule, x, gradients)
    stored = run(rule, x, gradients, store=lambda state: from_bytes(to_bytes(state)))
    assert to_bytes(whole) == to_bytes(stored)


@every_rule
def test_settings_can_be_stored(rule):
    assert construct(describe(rule)) == rule
    assert from_bytes(to_bytes(rule)) == rule


@every_shape
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@every_rule
def test_keeps_shape_and_precision(rule, dtype, shape):
    x, gradients = data(shape, dtype)
    directions, x, state = run(rule, x, gradients)
    arrays = [*directions, x, *arrays_of(state)]
    if isinstance(rule, Averages):
        arrays.append(rule.average(state, x))
    assert {(array.dtype.name, array.shape) for array in arrays} == {(dtype, shape)}
    assert all(np.isfinite(array).all() for array in arrays)


def arrays_of(state):
    """Every array in a state."""
    if isinstance(state, np.ndarray):
        return [state]
    if isinstance(state, tuple):
        return [array for part in state for array in arrays_of(part)]
    return [array for part in getattr(state, "__dict__", {}).values() for array in arrays_of(part)]


@every_rule
def test_remembers_what_it_saw_not_where_it_lies(rule):
    """A training loop may move its parameters, and fill its gradients, in place."""
    x, (g, *_) = data((2, 3))
    x, g = x.copy(), g.copy()
    state = rule.init(x)
    before = to_bytes(state)
    x += 1
    assert to_bytes(state) == before
    _, state = rule.update(state, g, x, 0.1)
    before = to_bytes(state)
    x += 1
    g += 1
    assert to_bytes(state) == before


@every_rule
def test_float32_agrees_with_float64(rule):
    x, gradients = data((3, 4))
    _, exact, _ = run(rule, x, gradients)
    _, single, _ = run(rule, x.astype("float32"), [g.astype("float32") for g in gradients])
    np.testing.assert_allclose(single, exact, rtol=1e-3, atol=1e-5)


@every_rule
def test_a_gradient_of_zero_is_harmless(rule):
    x = np.zeros((2, 3))
    directions, _, _ = run(rule, x, [x, x, x])
    np.testing.assert_array_equal(directions, np.zeros((3, 2, 3)))


@frozen
class Counting(UpdateRule[int]):
    """Looks at the learning rate only."""

    def init(self, x):
        return 0

    def update(self, state, gradient, x, learning_rate=1.0):
        return gradient * learning_rate, state + 1


WRAPPERS = {
    "Chain": lambda rule: Chain((SGD(), rule)),
    "Accumulate": lambda rule: Accumulate(rule, 1),
    "ExponentialAverage": lambda rule: ExponentialAverage(rule),
    "Muon": lambda rule: Muon(other=rule),
}


@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS)
def test_wrappers_hand_on_the_learning_rate(wrap):
    rule, x = wrap(Counting()), np.ones(2)
    np.testing.assert_array_equal(rule.update(rule.init(x), x, x, 0.25)[0], [0.25, 0.25])


def test_who_averages():
    kinds = {type(rule) for rule in RULES if isinstance(rule, Averages)}
    assert kinds == {ScheduleFreeSGD, ScheduleFreeAdamW, Chain, Accumulate, ExponentialAverage}


@pytest.mark.parametrize("wrap", [WRAPPERS["Chain"], WRAPPERS["Accumulate"]], ids=["Chain", "Accumulate"])
def test_wrappers_hand_on_the_average(wrap):
    x, gradients = data((3,))
    inner = ScheduleFreeSGD()
    _, end, state = run(inner, x, gradients)
    _, wrapped_end, wrapped_state = run(wrap(inner), x, gradients)
    np.testing.assert_array_equal(wrap(inner).average(wrapped_state, wrapped_end), inner.average(state, end))
    assert wrap(SGD()).average(wrap(SGD()).init(x), x) is x


NAN = float("nan")
OUT_OF_RANGE = [
    ((HeavyBall, Nesterov), "momentum", [1.0, -0.1, NAN, "0.9"]),
    ((Adagrad, RMSProp, Adam, AdamW, NAdamW, ScheduleFreeAdamW, Prodigy), "epsilon", [0.0, -1, float("inf"), NAN]),
    ((RMSProp,), "decay", [1.0, -0.1]),
    ((Adam, AdamW, NAdamW, Lion, ScheduleFreeAdamW, Prodigy), "beta1", [1.0, -0.1, None]),
    ((Adam, AdamW, NAdamW, Lion, ScheduleFreeAdamW, Prodigy), "beta2", [1, -1]),
    ((AdamW, NAdamW, Lion, Muon, ScheduleFreeAdamW, Prodigy, WeightDecay), "weight_decay", [-0.1, NAN, float("inf")]),
    ((NAdamW,), "momentum_decay", [-0.1]),
    ((Muon,), "momentum", [1.0]),
    ((Muon,), "other", ["adam", ScheduleFreeSGD()]),
    ((ScheduleFreeSGD,), "momentum", [0.0, 1.0]),
    ((ScheduleFreeAdamW,), "beta1", [0.0]),
    ((Prodigy,), "distance", [0.0]),
    ((ClipNorm,), "norm", [0.0, NAN]),
    ((ClipValue,), "value", [0.0, NAN]),
]


@pytest.mark.parametrize(
    ("rule", "name", "value"),
    [(rule, name, value) for kinds, name, values in OUT_OF_RANGE for rule in kinds for value in values],
)
def test_refuses_settings_out_of_range(rule, name, value):
    with pytest.raises(InvalidSettings) as caught:
        rule(**{name: value})
    assert str(caught.value).startswith(f"{rule.__name__}: {name}={value!r}, expected ")


def test_the_rules_load_numpy_and_no_more():
    code = "import sys, thalweg.optimizers.rules; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"scipy", "sklearn", "pandas", "torch"} & set(loaded)
