"""Update rules against torch.optim, schedulefree, prodigyopt and the paper of Lion, step by step."""

import numpy as np
import pytest

from thalweg.optimizers.rules import (
    SGD,
    Adagrad,
    Adam,
    AdamW,
    Chain,
    HeavyBall,
    Lion,
    Muon,
    NAdamW,
    Nesterov,
    Prodigy,
    RMSProp,
    ScheduleFreeAdamW,
    ScheduleFreeSGD,
    WeightDecay,
)

STEPS = 200
START = np.array([[1.0, -2.0, 3.0], [0.5, 0.1, -4.0]])
CONSTANT = np.full(STEPS, 0.02)
RISING = 0.02 * np.minimum(1, np.arange(1, STEPS + 1) / 50)
CHANGING = 0.02 * (1 + 0.9 * np.sin(np.arange(STEPS)))  # up and down
PAIRS = [
    (SGD(), "SGD", {}),
    (HeavyBall(0.9), "SGD", {"momentum": 0.9}),
    (HeavyBall(0.0), "SGD", {}),
    (Nesterov(0.8), "SGD", {"momentum": 0.8, "nesterov": True}),
    (Chain((WeightDecay(0.3), HeavyBall(0.7))), "SGD", {"momentum": 0.7, "weight_decay": 0.3}),
    (Adagrad(), "Adagrad", {}),
    (Adagrad(0.1), "Adagrad", {"eps": 0.1}),
    (RMSProp(), "RMSprop", {"alpha": 0.9}),
    (RMSProp(0.99, 1e-2), "RMSprop", {"eps": 1e-2}),
    (Chain((RMSProp(), HeavyBall(0.8))), "RMSprop", {"alpha": 0.9, "momentum": 0.8}),
    (Adam(), "Adam", {}),
    (Adam(0.5, 0.9, 1e-3), "Adam", {"betas": (0.5, 0.9), "eps": 1e-3}),
    (Chain((WeightDecay(0.1), Adam())), "Adam", {"weight_decay": 0.1}),
    (AdamW(), "AdamW", {}),
    (AdamW(0.8, 0.95, 1e-4, 0.5), "AdamW", {"betas": (0.8, 0.95), "eps": 1e-4, "weight_decay": 0.5}),
    (NAdamW(weight_decay=0), "NAdam", {}),
    (
        NAdamW(0.8, 0.95, 1e-4, 0.5, 0.01),
        "NAdam",
        {
            "betas": (0.8, 0.95),
            "eps": 1e-4,
            "weight_decay": 0.5,
            "momentum_decay": 0.01,
            "decoupled_weight_decay": True,
        },
    ),
    (Muon(), "Muon", {"weight_decay": 0.0, "adjust_lr_fn": "match_rms_adamw"}),
    (Muon(0.7, 0.5), "Muon", {"momentum": 0.7, "weight_decay": 0.5, "adjust_lr_fn": "match_rms_adamw"}),
]


def gradient(x):
    """Of a bowl with a ripple: no component, sign or scale like another, and none that ends at zero."""
    scale = np.array([[1.0, 30.0, 0.01], [5.0, 2.0, 0.3]])
    away = x - np.array([[0.3, -0.2, 1.0], [1.0, -2.0, 0.7]])
    return scale * away + np.sin(3 * away)


def steps(rule, rates):
    """Every gradient, the point it leads to, and the state there."""
    x, state = START, rule.init(START)
    for rate in rates:
        g = gradient(x)
        direction, state = rule.update(state, g, x, float(rate))
        x = x - rate * direction
        yield g, x, state


def compare(rule, rates, make, before_step=lambda group: None):
    """Give the same gradients to a rule and to an optimizer of PyTorch's kind, and yield after every equal step.

    Each taking its own gradients, two equal rules would part after a while: near a ripple a difference in the last
    digit grows.
    """
    torch = pytest.importorskip("torch")
    parameter = torch.nn.Parameter(torch.tensor(START))
    optimizer = make(torch, [parameter])
    for rate, (g, x, state) in zip(rates, steps(rule, rates), strict=True):
        (group,) = optimizer.param_groups
        group["lr"] = float(rate)
        before_step(group)
        parameter.grad = torch.tensor(g)
        optimizer.step()
        np.testing.assert_allclose(x, parameter.detach().numpy(), rtol=1e-10)
        yield x, state, optimizer, parameter


@pytest.mark.parametrize("rates", [CONSTANT, CHANGING], ids=["constant", "changing"])
@pytest.mark.parametrize(("rule", "name", "settings"), PAIRS, ids=lambda value: str(value)[:40])
def test_takes_the_steps_of_torch(rule, name, settings, rates, monkeypatch):
    torch = pytest.importorskip("torch")
    if not hasattr(torch.optim, name):
        pytest.skip(f"this PyTorch has no {name}")
    monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.clone)  # Muon rounds to it; here in full precision
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)  # of the scalars that NAdam keeps
    try:
        equal = list(compare(rule, rates, lambda torch, x: getattr(torch.optim, name)(x, lr=1.0, **settings)))
    finally:
        torch.set_default_dtype(before)
    assert len(equal) == STEPS


@pytest.mark.parametrize("shape", [(4, 2), (3, 3)])
def test_muon_takes_the_steps_of_torch_on_other_shapes(shape, monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.clone)
    g = np.random.default_rng(0).normal(size=shape)
    parameter = torch.nn.Parameter(torch.zeros(shape, dtype=torch.float64))
    parameter.grad = torch.tensor(g)
    torch.optim.Muon([parameter], lr=1.0, adjust_lr_fn="match_rms_adamw").step()
    x, rule = np.zeros(shape), Muon()
    np.testing.assert_allclose(-rule.update(rule.init(x), g, x)[0], parameter.detach().numpy(), rtol=1e-10)


def test_muon_leaves_all_but_matrices_to_the_other_rule():
    x, rule, other = np.ones(3), Muon(other=Adam(0.5)), Adam(0.5)
    direction, state = rule.update(rule.init(x), x, x)
    expected, moments = other.update(other.init(x), x, x)
    np.testing.assert_array_equal(direction, expected)
    np.testing.assert_array_equal(state.v, moments.v)


def test_muon_stands_still_without_a_gradient():
    x, rule = np.zeros((2, 3)), Muon()
    np.testing.assert_array_equal(rule.update(rule.init(x), x, x)[0], x)


@pytest.mark.parametrize("rates", [CONSTANT, CHANGING], ids=["constant", "changing"])
def test_lion_takes_the_steps_of_its_paper(rates):
    x, m, (beta1, beta2, decay) = START, np.zeros_like(START), (0.85, 0.97, 0.3)
    for eta, (g, ours, _) in zip(rates, steps(Lion(beta1, beta2, decay), rates), strict=True):
        # algorithm 2
        c = beta1 * m + (1 - beta1) * g
        x = x - eta * (np.sign(c) + decay * x)
        m = beta2 * m + (1 - beta2) * g
        np.testing.assert_allclose(ours, x, rtol=1e-10)


SCHEDULE_FREE = [
    (ScheduleFreeSGD(), "SGDScheduleFree", {}),
    (Chain((WeightDecay(0.3), ScheduleFreeSGD(0.7))), "SGDScheduleFree", {"momentum": 0.7, "weight_decay": 0.3}),
    (ScheduleFreeAdamW(), "AdamWScheduleFree", {}),
    (
        ScheduleFreeAdamW(0.95, 0.9, 1e-3, 0.3),
        "AdamWScheduleFree",
        {"betas": (0.95, 0.9), "eps": 1e-3, "weight_decay": 0.3},
    ),
]


@pytest.mark.parametrize("rates", [CONSTANT, RISING, CHANGING], ids=["constant", "rising", "changing"])
@pytest.mark.parametrize(("rule", "name", "settings"), SCHEDULE_FREE, ids=lambda value: str(value)[:40])
def test_takes_the_steps_of_schedulefree(rule, name, settings, rates):
    schedulefree = pytest.importorskip("schedulefree")

    def make(torch, parameters):
        optimizer = getattr(schedulefree, name)(parameters, lr=1.0, **settings)
        optimizer.train()
        return optimizer

    def weigh_by_this_rate(group):
        if rates is CHANGING:  # as in the paper; theirs is the largest rate so far
            group["lr_max"] = -1.0

    for x, state, optimizer, parameter in compare(rule, rates, make, weigh_by_this_rate):
        optimizer.eval()
        np.testing.assert_allclose(rule.average(state, x), parameter.detach().numpy(), rtol=1e-10)
        optimizer.train()


@pytest.mark.parametrize("rule", [ScheduleFreeSGD(), ScheduleFreeAdamW()], ids=str)
def test_schedule_free_averages_its_steps_by_the_squared_rate(rule):
    """Equation by equation, with x kept: no algebra shared with what is tested."""
    beta = rule.momentum if isinstance(rule, ScheduleFreeSGD) else rule.beta1
    x, z, total = START, START, 0.0
    for gamma, (_, y, state) in zip(CHANGING, steps(rule, CHANGING), strict=True):
        z = (state if isinstance(rule, ScheduleFreeSGD) else state.sequence).z
        total += gamma**2
        x = x + gamma**2 / total * (z - x)
        np.testing.assert_allclose(y, (1 - beta) * z + beta * x, rtol=1e-10)
        np.testing.assert_allclose(rule.average(state, y), x, rtol=1e-10)


@pytest.mark.parametrize("rule", [ScheduleFreeSGD(), ScheduleFreeAdamW(), Prodigy()], ids=str)
def test_learns_nothing_wrong_at_a_rate_of_zero(rule):
    rates = np.concatenate([[0.0], CONSTANT[:20], [0.0, 0.0]])
    points = list(steps(rule, rates))
    assert all(np.isfinite(x).all() for _, x, _ in points)
    for _, x, state in (points[0], points[-1]):
        direction, after = rule.update(state, gradient(x), x, 0.0)
        assert np.isfinite(direction).all()
        if not isinstance(rule, Prodigy):
            np.testing.assert_array_equal(rule.average(after, x), rule.average(state, x))


@pytest.mark.parametrize("rates", [50 * CONSTANT, 50 * RISING, 25 * CHANGING], ids=["constant", "rising", "changing"])
@pytest.mark.parametrize(
    ("rule", "settings"),
    [
        (Prodigy(), {}),
        (
            Prodigy(0.8, 0.95, 1e-4, 0.05, 1e-3),
            {"betas": (0.8, 0.95), "eps": 1e-4, "weight_decay": 0.05, "d0": 1e-3},
        ),
    ],
    ids=str,
)
def test_takes_the_steps_of_prodigyopt(rule, settings, rates):
    prodigyopt = pytest.importorskip("prodigyopt")
    for _, state, optimizer, _ in compare(rule, rates, lambda torch, x: prodigyopt.Prodigy(x, **settings)):
        np.testing.assert_allclose(state.d, optimizer.param_groups[0]["d"], rtol=1e-10)
    assert state.d > 10 * rule.distance
