"""Update rules against torch.optim, step by step."""

import numpy as np
import pytest

from thalweg.errors import InvalidSettings
from thalweg.optimizers import SGD, Adam, HeavyBall, Nesterov
from thalweg.serial import from_bytes, to_bytes

RATE = 0.02
PAIRS = [
    (SGD(), "SGD", {}),
    (HeavyBall(0.9), "SGD", {"momentum": 0.9}),
    (HeavyBall(0.0), "SGD", {}),
    (Nesterov(0.8), "SGD", {"momentum": 0.8, "nesterov": True}),
    (Adam(), "Adam", {}),
    (Adam(0.5, 0.9, 1e-3), "Adam", {"betas": (0.5, 0.9), "eps": 1e-3}),
]


def gradient(x):
    """Of a bowl with a ripple: no component, sign or scale like another."""
    scale = np.array([[1.0, 30.0, 0.01], [5.0, 2.0, 0.3]])
    return scale * x + np.sin(3 * x)


@pytest.mark.parametrize(("rule", "name", "settings"), PAIRS, ids=lambda value: str(value)[:30])
def test_takes_the_steps_of_torch(rule, name, settings):
    torch = pytest.importorskip("torch")
    start = np.array([[1.0, -2.0, 3.0], [0.5, 0.1, -4.0]])
    parameter = torch.nn.Parameter(torch.tensor(start, dtype=torch.float64))
    reference = getattr(torch.optim, name)([parameter], lr=RATE, **settings)
    x, state = start, rule.init(start)
    for _ in range(200):
        direction, state = rule.update(state, gradient(x), x)
        x = x - RATE * direction
        parameter.grad = torch.tensor(gradient(parameter.detach().numpy()))
        reference.step()
        np.testing.assert_allclose(x, parameter.detach().numpy(), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("rule", [rule for rule, _, _ in PAIRS], ids=str)
def test_is_a_pure_function(rule):
    x, g = np.ones(3), np.array([1.0, -2.0, 0.0])
    for array in (x, g):
        array.flags.writeable = False
    _, state = rule.update(rule.init(x), g, x)
    before = to_bytes(state)
    first, second = rule.update(state, g, x), rule.update(from_bytes(before), g, x)
    assert to_bytes(first) == to_bytes(second)
    assert to_bytes(state) == before


@pytest.mark.parametrize(
    ("rule", "setting"),
    [
        (HeavyBall, {"momentum": 1.0}),
        (Nesterov, {"momentum": -0.1}),
        (Adam, {"beta1": 1.0}),
        (Adam, {"beta2": -1}),
        (Adam, {"epsilon": 0.0}),
    ],
)
def test_refuses_settings_out_of_range(rule, setting):
    ((name, value),) = setting.items()
    with pytest.raises(InvalidSettings, match=f"{rule.__name__}: {name}={value}, expected"):
        rule(**setting)
