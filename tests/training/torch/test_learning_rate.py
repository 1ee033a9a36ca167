"""The race of rates for a module: what it finds, and that it leaves no trace."""

import copy
import random

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from thalweg.errors import InvalidData
from thalweg.optimizers.rules import Accumulate, AdamW, ExponentialAverage, HeavyBall, Prodigy
from thalweg.problem import Minibatches
from thalweg.training.losses import Squared
from thalweg.training.torch.batches.randomness import random_state
from thalweg.training.torch.loop.learning_rate import choose_learning_rate
from thalweg.training.torch.settings import Hardware, Recipe

CPU = Hardware("cpu")


def data(rows=600):
    generator = torch.Generator().manual_seed(0)
    X = torch.randn(rows, 8, generator=generator)
    return X, torch.tanh(X[:, :1] * 2 + X[:, 1:2]) + 0.1 * torch.randn(rows, 1, generator=generator)


def net():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(8, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 1))


def choose(module=None, batches=None, rule=None, steps=400, seed=0, loss=None, hardware=CPU):
    module = net() if module is None else module
    batches = Minibatches(*data(), size=32) if batches is None else batches
    return choose_learning_rate(module, loss or nn.MSELoss(), batches, Recipe(rule or AdamW()), hardware, seed, steps)


def test_finds_rates_at_which_a_training_succeeds():
    rate, reason = choose()
    assert 0.003 < rate < 0.3 and "a quarter of a decade below" in reason
    rate, _ = choose(rule=HeavyBall())
    assert 0.005 < rate < 1


def test_the_same_call_gives_the_same_rate_and_leaves_everything_in_place():
    module = net()
    before = copy.deepcopy(module.state_dict())
    randomness = random_state()
    first = choose(module, seed=None)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert all(parameter.grad is None for parameter in module.parameters()) and module.training
    after = random_state()
    assert all(
        np.array_equal(after[name], state, equal_nan=state.is_floating_point()) for name, state in randomness.items()
    )
    torch.rand(3), random.random(), np.random.rand()
    assert choose(module, seed=None) == first


def test_a_data_loader_goes_on_as_if_nothing_had_been():
    def loader():
        return DataLoader(
            TensorDataset(*data()), batch_size=32, shuffle=True, generator=torch.Generator().manual_seed(5)
        )

    used, fresh = loader(), loader()
    first = choose(batches=used)
    for (X, _), (expected, _) in zip(used, fresh, strict=True):
        assert torch.equal(X, expected)
    assert choose(batches=loader()) == first


def test_attempts_see_nothing_of_what_they_are_judged_on():
    """Batches are told apart by a column: one of an attempt's steps must never bring a row of the judge's."""
    learned, judged = set(), set()

    class Watched(nn.Module):
        def __init__(self):
            super().__init__()
            self.line = nn.Linear(8, 1)

        def forward(self, X):
            (learned if torch.is_grad_enabled() else judged).update(X[:, 0].tolist())
            return self.line(X)

    choose(Watched())
    assert learned and judged and not learned & judged


def test_what_a_rule_averages_is_judged():
    rate, _ = choose(rule=ExponentialAverage(AdamW(), decay=0.9))
    assert 0.003 < rate < 0.6


def test_accumulated_steps_count_as_one():
    one, _ = choose(batches=Minibatches(*data(), size=32), steps=400)
    four, _ = choose(batches=Minibatches(*data(), size=8), rule=Accumulate(AdamW(), gradients=4), steps=1600)
    assert one / 4 < four < one * 4


def test_a_rule_that_needs_no_rate_is_not_raced():
    assert choose(rule=Prodigy(), steps=10**9) == (1.0, "the rule finds the size of its steps itself")


def test_weights_losses_of_ours_and_other_inputs_are_borne():
    X, y = data()
    weights = torch.linspace(0.0, 1.0, len(X))

    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.line = nn.Linear(8, 1)

        def forward(self, left, right):
            return self.line(torch.cat([left, right], dim=1))

    batches = Minibatches.of(
        lambda rows: ({"left": X[rows, :4], "right": X[rows, 4:]}, y[rows], weights[rows]), rows=len(X), size=32
    )
    rate, _ = choose(Two(), batches, loss=Squared(), hardware=Hardware("cpu", precision="bfloat16"))
    assert 0.001 < rate < 10


@pytest.mark.parametrize("count", [1, 2, 4])
def test_few_batches_are_enough(count):
    X, y = data(16 * count)
    assert choose(batches=[(X[i::count], y[i::count]) for i in range(count)], steps=20)[0] > 0


def test_no_batch_at_all_is_named():
    with pytest.raises(InvalidData, match="an epoch has no batch"):
        choose(batches=[])
