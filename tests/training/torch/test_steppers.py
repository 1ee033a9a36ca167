"""Steppers against the rules themselves, on a small net; their states; clipping, accumulation, averages, a scaler."""

import copy
import json

import numpy as np
import pytest
import torch
from torch import nn

from thalweg.errors import IncompatibleProblem, UnreadableState
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
from thalweg.serial import frozen
from thalweg.training.torch.steppers.rule_optimizer import RuleOptimizer
from thalweg.training.torch.steppers.stepper import stepper_of

OWN = RuleOptimizer
RULES = [
    (SGD(), torch.optim.SGD),
    (Chain((WeightDecay(0.1), SGD(), WeightDecay(0.2))), torch.optim.SGD),
    (Chain((ClipNorm(0.5),)), torch.optim.SGD),
    (HeavyBall(0.8), torch.optim.SGD),
    (Chain((WeightDecay(0.1), HeavyBall(0.8))), torch.optim.SGD),
    (Chain((HeavyBall(0.8), WeightDecay(0.1))), OWN),
    (Nesterov(0.8), torch.optim.SGD),
    (Nesterov(0.0), torch.optim.SGD),
    (Adagrad(1e-3), torch.optim.Adagrad),
    (Chain((WeightDecay(0.1), Adagrad(1e-3))), torch.optim.Adagrad),
    (RMSProp(0.9, 1e-3), torch.optim.RMSprop),
    (Chain((WeightDecay(0.1), RMSProp(0.9, 1e-3), HeavyBall(0.5))), torch.optim.RMSprop),
    (Chain((RMSProp(0.9, 1e-3), WeightDecay(0.1))), OWN),
    (Adam(0.8, 0.99, 1e-4), torch.optim.Adam),
    (Chain((WeightDecay(0.1), Adam(epsilon=1e-4))), torch.optim.Adam),
    (Chain((Adam(epsilon=1e-4), WeightDecay(0.1))), torch.optim.AdamW),
    (Chain((WeightDecay(0.1), Adam(epsilon=1e-4), WeightDecay(0.1))), OWN),
    (AdamW(0.8, 0.99, 1e-4, 0.1), torch.optim.AdamW),
    (Chain((AdamW(epsilon=1e-4, weight_decay=0.1), WeightDecay(0.2))), torch.optim.AdamW),
    (Chain((WeightDecay(0.1), AdamW(epsilon=1e-4))), OWN),
    (Chain((ClipValue(0.05), ClipNorm(0.1), AdamW(epsilon=1e-3))), torch.optim.AdamW),
    (Chain((ClipNorm(0.1), Chain((Adam(epsilon=1e-4), WeightDecay(0.1))))), torch.optim.AdamW),
    (Chain((AdamW(epsilon=1e-4), ClipNorm(0.3))), OWN),
    (NAdamW(0.8, 0.99, 1e-4, 0.1, 0.01), torch.optim.NAdam),
    (Lion(weight_decay=0.1), OWN),
    (Muon(weight_decay=0.1), OWN),
    (Chain((ClipNorm(0.1), Muon())), OWN),
    (Prodigy(distance=1e-3), OWN),
    (ScheduleFreeSGD(), OWN),
    (ScheduleFreeAdamW(epsilon=1e-4, weight_decay=0.1), OWN),
    (Chain((ClipNorm(0.1), ScheduleFreeAdamW(epsilon=1e-4))), OWN),
    (Accumulate(AdamW(epsilon=1e-4), 3), torch.optim.AdamW),
    (Accumulate(Chain((ClipNorm(0.1), ScheduleFreeSGD())), 3), OWN),
    (ExponentialAverage(AdamW(epsilon=1e-4), 0.9), torch.optim.AdamW),
    (Accumulate(ExponentialAverage(Chain((ClipNorm(0.1), HeavyBall()))), 2), torch.optim.SGD),
    (Chain((ClipNorm(0.1), ExponentialAverage(Adagrad(1e-3), 0.8))), torch.optim.Adagrad),
    (ExponentialAverage(Accumulate(Lion(), 2), 0.8), OWN),
    (ExponentialAverage(ScheduleFreeSGD(), 0.8), OWN),
]
every_rule = pytest.mark.parametrize("rule", [rule for rule, _ in RULES], ids=str)
RATE = 0.02


def net(dtype=torch.float32):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 6), nn.Tanh(), nn.Linear(6, 2)).to(dtype)


def data(dtype=torch.float32, n=48):
    random = np.random.default_rng(0)
    X = random.normal(size=(n, 4))
    y = np.stack([X[:, 0] * X[:, 1], np.sin(2 * X[:, 2])], axis=1)
    return torch.tensor(X, dtype=dtype), torch.tensor(y, dtype=dtype)


def backward(module, k, size=16):
    X, y = data(module[0].weight.dtype)
    part = torch.arange(k * size, (k + 1) * size) % len(X)
    (5 * (module(X[part]) - y[part]).square().mean()).backward()


def train(module, stepper, steps, begin=0):
    for k in range(begin, begin + steps):
        backward(module, k)
        stepper.step(RATE / (1 + k % 3))


def weights(module):
    return [parameter.detach().numpy().copy() for parameter in module.parameters()]


def flat(module):
    return np.concatenate([w.ravel() for w in weights(module)])


class ByHand:
    """The rule as its contract says: on one vector, or on matrices where Muon is the rule."""

    def __init__(self, rule, module):
        self.rule, self.module = rule, module
        self.clips = ()
        links = rule.links if isinstance(rule, Chain) else (rule,)
        self.apart = any(isinstance(link, Muon) for link in links)
        if self.apart and len(links) > 1:
            self.clips, self.rule = links[:1], links[1]
        self.states = [self.rule.init(x) for x in self.gather(weights(module))]

    def gather(self, arrays):
        if self.apart:
            return arrays
        return [np.concatenate([a.ravel() for a in arrays])]

    def step(self, rate):
        gradients = [p.grad.numpy().copy() for p in self.module.parameters()]
        for link in self.clips:
            whole, _ = link.update(None, np.concatenate([g.ravel() for g in gradients]), None)
            gradients = self.cut(whole)
        points = []
        for i, (x, g) in enumerate(zip(self.gather(weights(self.module)), self.gather(gradients), strict=True)):
            direction, self.states[i] = self.rule.update(self.states[i], g, x, rate)
            points.append(x - rate * direction)
        self.place(points)
        self.module.zero_grad()

    def cut(self, whole):
        pieces = np.split(whole, np.cumsum([p.numel() for p in self.module.parameters()])[:-1])
        return [a.reshape(p.shape) for a, p in zip(pieces, self.module.parameters(), strict=True)]

    def place(self, points):
        points = points if self.apart else self.cut(points[0])
        with torch.no_grad():
            for parameter, point in zip(self.module.parameters(), points, strict=True):
                parameter.copy_(torch.from_numpy(point))

    def average(self):
        (x,) = self.gather(weights(self.module))
        return self.rule.average(self.states[0], x) if isinstance(self.rule, Averages) else x


@pytest.mark.parametrize(("dtype", "near"), [(torch.float32, 1e-6), (torch.float64, 1e-10)], ids=str)
@every_rule
def test_moves_as_the_rule_says(rule, dtype, near):
    module, expected = net(dtype), net(dtype)
    stepper, hand = stepper_of(rule, list(module.parameters())), ByHand(rule, expected)
    start = flat(module)
    train(module, stepper, 50)
    train(expected, hand, 50)
    scale = np.linalg.norm(flat(expected))
    assert np.linalg.norm(flat(module) - flat(expected)) <= near * scale
    assert np.linalg.norm(flat(module) - start) > 1e-3 * scale
    if not hand.apart:
        with stepper.averaged():
            assert np.linalg.norm(flat(module) - hand.average()) <= near * scale


@pytest.mark.parametrize(("rule", "kind"), RULES, ids=[str(rule) for rule, _ in RULES])
def test_uses_what_pytorch_has(rule, kind):
    optimizer = stepper_of(rule, list(net().parameters())).optimizer
    assert type(optimizer) is kind
    if kind in (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW, torch.optim.Adagrad):
        assert optimizer.param_groups[0]["fused"]


@every_rule
def test_continues_from_its_state_bit_for_bit(rule):
    module = net()
    stepper = stepper_of(rule, list(module.parameters()))
    train(module, stepper, 7)
    weights_then, (tensors, facts) = copy.deepcopy(module.state_dict()), stepper.state()
    train(module, stepper, 7, begin=7)
    again = net()
    again.load_state_dict(weights_then)
    other = stepper_of(rule, list(again.parameters()))
    train(again, other, 1)  # so that it has to forget something
    again.load_state_dict(weights_then)
    other.load(tensors, json.loads(json.dumps(facts)))
    train(again, other, 7, begin=7)
    np.testing.assert_array_equal(flat(again), flat(module))
    with stepper.averaged(), other.averaged():
        np.testing.assert_array_equal(flat(again), flat(module))


@every_rule
def test_goes_back_to_its_beginning(rule):
    module, again = net(), net()
    stepper = stepper_of(rule, list(again.parameters()))
    beginning, weights_then = stepper.state(), copy.deepcopy(again.state_dict())
    train(again, stepper, 7)
    again.load_state_dict(weights_then)
    stepper.load(*beginning)
    train(again, stepper, 7)
    train(module, stepper_of(rule, list(module.parameters())), 7)
    np.testing.assert_array_equal(flat(again), flat(module))


@every_rule
def test_its_state_does_not_change_when_training_goes_on(rule):
    module = net()
    stepper = stepper_of(rule, list(module.parameters()))
    train(module, stepper, 4)
    tensors, _ = stepper.state()
    before = {name: tensor.clone() for name, tensor in tensors.items()}
    train(module, stepper, 4, begin=4)
    assert all(torch.equal(tensors[name], before[name]) for name in before)


@every_rule
def test_averages_come_and_go_without_a_trace(rule):
    module, undisturbed = net(), net()
    stepper, other = stepper_of(rule, list(module.parameters())), stepper_of(rule, list(undisturbed.parameters()))
    for k in range(6):
        train(module, stepper, 1, begin=k)
        train(undisturbed, other, 1, begin=k)
        before = flat(module)
        with pytest.raises(KeyError), stepper.averaged():
            raise KeyError
        np.testing.assert_array_equal(flat(module), before)
    np.testing.assert_array_equal(flat(module), flat(undisturbed))


def test_averaged_weights_are_others_only_where_the_rule_averages():
    for rule, _ in RULES:
        module = net()
        stepper = stepper_of(rule, list(module.parameters()))
        train(module, stepper, 6)
        before = flat(module)
        with stepper.averaged():
            moved = (flat(module) != before).any()
        assert moved == any(name in str(rule) for name in ("ExponentialAverage", "ScheduleFree")), rule


@pytest.mark.parametrize("rule", [HeavyBall(), AdamW(), Chain((ClipNorm(0.1), SGD())), Lion()], ids=str)
def test_accumulation_is_a_larger_batch(rule):
    small, large = net(torch.float64), net(torch.float64)
    stepper = stepper_of(Accumulate(rule, 3), list(small.parameters()))
    other = stepper_of(rule, list(large.parameters()))
    for k in range(12):
        before = flat(small)
        backward(small, k)
        stepper.step(RATE)
        assert (flat(small) != before).any() == (k % 3 == 2)
    for k in range(4):
        backward(large, k, size=48)
        other.step(RATE)
    np.testing.assert_allclose(flat(small), flat(large), rtol=1e-9)


@pytest.mark.parametrize("bound", [1e-3, 0.5, 100.0])
def test_clipping_is_that_of_pytorch(bound):
    for link, clip in (
        (ClipNorm(bound), nn.utils.clip_grad_norm_),
        (ClipValue(bound), nn.utils.clip_grad_value_),
    ):
        module, expected = net(torch.float64), net(torch.float64)
        stepper = stepper_of(Chain((link, SGD())), list(module.parameters()))
        backward(module, 0)
        backward(expected, 0)
        clip(expected.parameters(), bound)
        with torch.no_grad():
            for parameter in expected.parameters():
                parameter -= RATE * parameter.grad
        stepper.step(RATE)
        np.testing.assert_allclose(flat(module), flat(expected), rtol=2e-6)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("rule", [Chain((ClipNorm(1.0), SGD())), AdamW(), ScheduleFreeAdamW()], ids=str)
def test_what_is_not_finite_stays_visible(rule, bad):
    module = net()
    stepper = stepper_of(rule, list(module.parameters()))
    backward(module, 0)
    module[0].weight.grad[0, 0] = bad
    stepper.step(RATE)
    assert not np.isfinite(flat(module)).all()


def test_gradients_are_gone_after_a_step_and_kept_before_it():
    module = net()
    stepper = stepper_of(Accumulate(SGD(), 2), list(module.parameters()))
    for kept in (True, False):
        backward(module, 0)
        stepper.step(RATE)
        assert all((parameter.grad is not None) == kept for parameter in module.parameters())


@pytest.mark.parametrize("rule", [Chain((ClipNorm(0.1), AdamW())), Accumulate(HeavyBall(), 2), Lion(), SGD()], ids=str)
def test_a_scaler_changes_nothing_but_steps_that_overflow(rule):
    module, expected = net(), net()
    stepper, other = stepper_of(rule, list(module.parameters())), stepper_of(rule, list(expected.parameters()))
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10, growth_interval=3)
    X, y = data()
    for _ in range(8):
        scaler.scale((module(X) - y).square().mean()).backward()
        stepper.step(RATE, scaler)
        (expected(X) - y).square().mean().backward()
        other.step(RATE)
    np.testing.assert_allclose(flat(module), flat(expected), rtol=1e-5, atol=1e-7)
    scale, before = scaler.get_scale(), flat(module)
    assert scale > 2.0**10
    for _ in range(2):
        (scaler.scale((module(X) - y).square().mean()) * float("inf")).backward()
        stepper.step(RATE, scaler)
    np.testing.assert_array_equal(flat(module), before)
    assert scaler.get_scale() < scale


def test_precisions_may_be_mixed():
    """Lion and a norm are computed over all; half precision is only kept."""
    for rule in (Chain((ClipNorm(0.1), AdamW())), Lion(), Prodigy(), Muon()):
        module = net()
        module[0].to(torch.bfloat16)
        module[2].to(torch.float64)
        parameters = list(module.parameters())
        stepper = stepper_of(rule, parameters)
        before = [parameter.detach().clone() for parameter in parameters]
        for parameter in parameters:
            parameter.grad = torch.ones_like(parameter)
        stepper.step(0.5)
        assert [parameter.dtype for parameter in parameters] == [was.dtype for was in before]
        moved = [was.double() - now.detach().double() for was, now in zip(before, parameters, strict=True)]
        assert all((step > 0).all() for step in moved[2:]), rule
        state = stepper.state()
        stepper.load(*state)


def test_what_cannot_learn_is_left_out():
    module = net()
    module[0].requires_grad_(False)
    parameters = [*module.parameters(), *module.parameters()]
    for rule in (AdamW(), Lion(weight_decay=0.1)):
        stepper = stepper_of(rule, parameters)
        before = module[0].weight.clone()
        backward(module, 0)
        stepper.step(RATE)
        assert torch.equal(module[0].weight, before)
        assert len(stepper.optimizer.param_groups[0]["params"]) == 4
    module.requires_grad_(False)
    with pytest.raises(IncompatibleProblem, match="none of the 6 parameters needs a gradient"):
        stepper_of(AdamW(), list(module.parameters()))


@pytest.mark.parametrize(
    "rule", [Chain((ClipNorm(1.0), AdamW())), Lion(), Accumulate(SGD(), 2), Muon(other=Lion())], ids=str
)
def test_a_parameter_without_a_gradient_stays(rule):
    module = net()
    stepper = stepper_of(rule, list(module.parameters()))
    before = module[4].bias.clone()
    for _ in range(2):
        X, _ = data()
        module[:4](X).sum().backward()
        stepper.step(RATE)
    assert torch.equal(module[4].bias, before)
    stepper.step(RATE)  # there are none at all


def test_a_step_moves_a_layer_whatever_its_place_in_memory():
    """Convolutions may lie channels last; a state that was stored lies as it comes."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.LazyLinear(2))
    X = torch.randn(8, 3, 6, 6)
    module(X)
    other = copy.deepcopy(module).to(memory_format=torch.channels_last)
    for rule in (ExponentialAverage(AdamW(), 0.9), Lion()):
        modules = copy.deepcopy(module), copy.deepcopy(other)
        for one in modules:
            stepper = stepper_of(rule, list(one.parameters()))
            for _ in range(3):
                one(X).square().mean().backward()
                stepper.step(1e-3)
                tensors, facts = stepper.state()
                stepper = stepper_of(rule, list(one.parameters()))
                stepper.load({name: tensor.contiguous() for name, tensor in tensors.items()}, facts)
        assert modules[1][0].weight.is_contiguous(memory_format=torch.channels_last)
        with stepper.averaged():
            pass
        for a, b in zip(modules[0].parameters(), modules[1].parameters(), strict=True):
            torch.testing.assert_close(a, b, rtol=1e-4, atol=2e-5)


def test_refuses_the_state_of_another_module():
    tensors, facts = stepper_of(ExponentialAverage(SGD()), list(net().parameters())).state()
    small = stepper_of(ExponentialAverage(SGD()), list(nn.Linear(4, 6).parameters()))
    with pytest.raises(UnreadableState, match="no state of this rule on 2 parameters"):
        small.load(tensors, facts)
    other = stepper_of(ExponentialAverage(SGD()), [nn.Parameter(torch.zeros(n)) for n in range(1, 7)])
    with pytest.raises(UnreadableState, match=r"mean.0 has the shape \(6, 4\), and the parameter \(1,\)"):
        other.load(tensors, facts)


def test_complex_parameters_are_refused_where_numpy_works():
    parameter = nn.Parameter(torch.zeros(3, dtype=torch.complex64))
    with pytest.raises(IncompatibleProblem, match=r"Lion works on real parameters, and those of shape \[\(3,\)\]"):
        stepper_of(Lion(), [parameter])


@frozen
class Halving(UpdateRule[int]):
    """Somebody else's rule: half of the gradient, then a quarter …"""

    def init(self, x):
        assert x.shape == (2 + 3,)
        return 1

    def update(self, state, gradient, x, learning_rate=1.0):
        return gradient * 0.5**state, state + 1


def test_any_rule_works():
    parameters = [nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(1, 3))]
    stepper = stepper_of(Halving(), parameters)
    for _ in range(2):
        for parameter in parameters:
            parameter.grad = torch.ones_like(parameter)
        stepper.step(1.0)
    assert parameters[1].tolist() == [[-0.75] * 3]


@pytest.mark.parametrize("rule", [AdamW(), SGD(), Chain((ClipNorm(0.1), Adagrad())), Accumulate(Adam(), gradients=2)])
def test_sparse_gradients_do_what_dense_ones_do(rule):
    rows = torch.tensor([[1, 2], [2, 0]])
    found = []
    for sparse in (True, False):
        table = nn.Embedding(4, 3, sparse=sparse)
        nn.init.ones_(table.weight)
        stepper = stepper_of(rule, [table.weight])
        for _ in range(3):
            table(rows).square().sum().backward()
            stepper.step(0.1)
        assert all(tensor.layout == torch.strided for tensor in stepper.state()[0].values())
        found.append(table.weight.detach())
    assert torch.equal(*found)
