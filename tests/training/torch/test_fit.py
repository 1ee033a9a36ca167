"""The training loop: it does what a loop written by hand does, and says what it did."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from thalweg.optimizers.rules import SGD, Accumulate, AdamW, Cosine, ScheduleFreeAdamW
from thalweg.optimizers.rules.exponential_average import ExponentialAverage
from thalweg.problem import Minibatches
from thalweg.rng import generator
from thalweg.training.losses import Huber, Multinomial
from thalweg.training.torch.events import BatchEnded, EpochEnded, TrainingStarted, TrainingStopped
from thalweg.training.torch.fit import fit_module
from thalweg.training.torch.settings import EarlyStopping, Hardware, Metric, Recipe

ROWS = 300


def data():
    X = torch.from_numpy(generator(1).normal(size=(ROWS, 6)).astype(np.float32))
    return X, (X[:, 0] + X[:, 1] * X[:, 2] > 0).long()


X, y = data()
ACCURACY = Metric("accuracy", lambda output, target: (output.argmax(1) == target).float().mean())


def net(*, normalized=False, seed=0):
    torch.manual_seed(seed)
    between = nn.BatchNorm1d(16) if normalized else nn.Identity()
    return nn.Sequential(nn.Linear(6, 16), between, nn.ReLU(), nn.Linear(16, 2))


def by_hand(module, optimizer, rate=lambda step: None, epochs=3, size=32, weights=None):
    """Train with the batches that Minibatches of seed 0 gives."""
    batches = Minibatches(np.arange(ROWS), size=size)
    module.train()
    for step in range(epochs * batches.batches_per_epoch):
        rows = torch.from_numpy(batches.at(step)[0])
        if rate(step) is not None:
            optimizer.param_groups[0]["lr"] = rate(step)
        losses = nn.functional.cross_entropy(module(X[rows]), y[rows], reduction="none")
        loss = losses.mean() if weights is None else (losses * weights[rows]).sum() / weights[rows].sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return module.eval()


@torch.no_grad()
def loss_of(module, X, y):
    return float(nn.functional.cross_entropy(module(X), y))


def assert_same(one, other, **tolerance):
    torch.testing.assert_close(one.state_dict(), other.state_dict(), **tolerance)


def test_a_training_is_that_of_a_loop_written_by_hand_to_the_bit():
    module, expected = net(normalized=True), net(normalized=True)
    recipe = Recipe(AdamW(weight_decay=0.01), 0.01, epochs=3)
    result = fit_module(module, nn.CrossEntropyLoss(), Minibatches(X, y, size=32), recipe=recipe)
    by_hand(expected, torch.optim.AdamW(expected.parameters(), lr=0.01, weight_decay=0.01, fused=True))
    assert_same(module, expected, rtol=0, atol=0)
    assert result.module is module and not module.training
    assert result.stop_reason == "3 epochs were made"
    assert (result.learning_rate, result.learning_rate_reason) == (0.01, "given")


def test_a_schedule_is_followed_step_by_step():
    module, expected, schedule = net(), net(), Cosine(0.5, 30)
    recipe = Recipe(SGD(), schedule, epochs=3)
    result = fit_module(module, nn.CrossEntropyLoss(), Minibatches(X, y, size=32), recipe=recipe)
    by_hand(expected, torch.optim.SGD(expected.parameters()), schedule.at)
    assert_same(module, expected)
    assert [epoch.learning_rate for epoch in result.history] == [schedule.at(9), schedule.at(19), schedule.at(29)]


def test_rows_are_weighted():
    module, expected = net(), net()
    weights = torch.from_numpy(generator(2).exponential(size=ROWS).astype(np.float32))
    recipe = Recipe(SGD(), 0.3, epochs=2)
    result = fit_module(module, nn.CrossEntropyLoss(reduction="none"), Minibatches(X, y, weights, size=32), recipe=recipe,
                        validation=(X, y, weights))  # fmt: skip
    by_hand(expected, torch.optim.SGD(expected.parameters(), lr=0.3), epochs=2, weights=weights)
    assert_same(module, expected)
    losses = nn.functional.cross_entropy(expected(X), y, reduction="none")
    assert result.history[-1].validation_loss == pytest.approx(
        float((losses.detach() * weights).sum() / weights.sum()), rel=1e-5
    )


@pytest.mark.parametrize(
    "batches",
    [
        Minibatches(X.numpy().astype(np.float64), y.numpy().astype(np.int32), size=32),
        Minibatches.of(lambda rows: (X[rows], y[rows]), rows=ROWS, size=32),
        Minibatches.of(lambda rows: ((X[rows],), y.numpy()[rows]), rows=ROWS, size=32),
        Minibatches.of(lambda rows: ({"input": X[rows]}, y[rows]), rows=ROWS, size=32),
        [[X[rows], y[rows]] for rows in (Minibatches(np.arange(ROWS), size=32).at(k)[0] for k in range(10))],
    ],
    ids=["arrays", "function", "tuple", "mapping", "list"],
)  # fmt: skip
def test_batches_come_in_many_ways(batches):
    module, expected = net(), net()
    fit_module(module, Multinomial(), batches, recipe=Recipe(SGD(), 0.3, epochs=1))
    by_hand(expected, torch.optim.SGD(expected.parameters(), lr=0.3), epochs=1)
    assert_same(module, expected)


def test_the_history_tells_losses_over_all_rows():
    result = fit_module(
        net(), nn.CrossEntropyLoss(), Minibatches(X[:200], y[:200], size=64), recipe=Recipe(SGD(), 1e-9, epochs=1),
        validation=Minibatches(X[200:], y[200:], size=30), metric=ACCURACY,
    )  # fmt: skip
    (epoch,) = result.history
    module = net().eval()
    assert epoch.loss == pytest.approx(loss_of(module, X[:200], y[:200]), rel=1e-5)
    assert epoch.validation_loss == pytest.approx(loss_of(module, X[200:], y[200:]), rel=1e-5)
    assert epoch.metric == pytest.approx(float((module(X[200:]).argmax(1) == y[200:]).float().mean()))
    assert (epoch.epoch, epoch.step, epoch.metric_name, epoch.improved) == (1, 4, "accuracy", True)
    assert epoch.seconds > 0 and epoch.rows_per_second > 0


@pytest.mark.parametrize("goal", ["maximize", "minimize"])
def test_early_stopping_takes_the_weights_of_the_best_epoch_back(goal):
    seen = []
    values = iter([1, 3, 2, 5, 4, 4, 5, 9, 9])
    sign = 1 if goal == "maximize" else -1

    def measure(output, target):
        seen.append({name: tensor.clone() for name, tensor in module.state_dict().items()})
        return sign * next(values)

    module = net(normalized=True)
    recipe = Recipe(SGD(), 0.1, epochs=20, early_stopping=EarlyStopping(patience=3))
    result = fit_module(module, nn.CrossEntropyLoss(), Minibatches(X, y, size=64), recipe=recipe, validation=(X, y),
                        metric=Metric("number", measure, goal))  # fmt: skip
    assert (result.best_epoch, len(result.history)) == (4, 7)
    assert result.stop_reason == "no improvement in 3 epochs: the weights are those of epoch 4, the best"
    assert [epoch.improved for epoch in result.history] == [True, True, False, True, False, False, False]
    assert all(torch.equal(tensor, seen[3][name]) for name, tensor in module.state_dict().items())


def test_a_small_improvement_may_count_as_none():
    values = iter([1.0, 1.05, 1.09, 1.2])
    metric = Metric("number", lambda output, target: next(values))
    recipe = Recipe(SGD(), 0.1, epochs=4, early_stopping=EarlyStopping(patience=4, improvement=0.1))
    result = fit_module(
        net(), nn.CrossEntropyLoss(), Minibatches(X, y, size=64), recipe=recipe, validation=(X, y), metric=metric
    )
    assert [epoch.improved for epoch in result.history] == [True, False, False, True]


def test_the_average_is_validated_and_is_the_result():
    module, expected = net(), net()
    recipe = Recipe(ExponentialAverage(SGD(), decay=0.9), 0.3, epochs=2)
    result = fit_module(module, nn.CrossEntropyLoss(), Minibatches(X, y, size=32), recipe=recipe, validation=(X, y))
    plain = by_hand(expected, torch.optim.SGD(expected.parameters(), lr=0.3), epochs=2)
    assert not torch.allclose(module[0].weight, plain[0].weight, atol=0.01)
    assert result.history[-1].validation_loss == pytest.approx(loss_of(module, X, y), rel=1e-5)


def test_accumulated_batches_make_one_step():
    module, expected = net(), net()
    recipe = Recipe(Accumulate(SGD(), gradients=2), 0.3, epochs=1)
    fit_module(module, nn.CrossEntropyLoss(), Minibatches(X, y, size=150), recipe=recipe)
    fit_module(expected, nn.CrossEntropyLoss(), Minibatches(X, y, size=300), recipe=Recipe(SGD(), 0.3, epochs=1))
    assert_same(module, expected)


def test_a_learning_rate_is_chosen_and_follows_a_schedule():
    recipe = Recipe(epochs=8)
    result = fit_module(
        net(), nn.CrossEntropyLoss(), Minibatches(X, y, size=32), recipe=recipe, validation=(X, y), metric=ACCURACY
    )
    assert result.learning_rate > 0 and result.learning_rate_reason
    rates = [epoch.learning_rate for epoch in result.history]
    assert rates == sorted(rates, reverse=True) and rates[-1] < 0.01 * result.learning_rate
    assert result.history[-1].metric > 0.9


def test_observers_see_the_training_and_may_end_it():
    events = []

    def watch(event):
        events.append(event)
        return isinstance(event, EpochEnded) and event.epoch == 2

    batches = []

    class EveryBatch:
        every_batch = True

        def __call__(self, event):
            batches.append(event)

    result = fit_module(net(), nn.CrossEntropyLoss(), Minibatches(X, y, size=100), recipe=Recipe(SGD(), 0.1, epochs=9),
                        observers=[watch, EveryBatch()])  # fmt: skip
    assert result.stop_reason == "an observer asked to stop after epoch 2"
    assert [type(event) for event in events] == [TrainingStarted, EpochEnded, EpochEnded, TrainingStopped]
    assert events[0] == TrainingStarted(9, 1, 3, 146, "cpu", 0.1, "given")
    assert tuple(events[1:3]) == result.history
    told = [event for event in batches if isinstance(event, BatchEnded)]
    assert [(event.epoch, event.batch, event.batches, event.step) for event in told] == [
        (1, 1, 3, 1), (1, 2, 3, 2), (1, 3, 3, 3), (2, 1, 3, 4), (2, 2, 3, 5), (2, 3, 3, 6),
    ]  # fmt: skip
    assert len(batches) == 6 + len(events)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_learns_nearly_the_same(precision):
    recipe, losses = Recipe(AdamW(), 0.02, epochs=5), {}
    for chosen in ("float32", precision):
        module = net()
        fit_module(
            module, nn.CrossEntropyLoss(), Minibatches(X, y, size=32), recipe=recipe, hardware=Hardware("cpu", chosen)
        )
        assert all(weight.dtype == torch.float32 for weight in module.parameters())
        losses[chosen] = loss_of(module, X, y)
    assert losses["float32"] != losses[precision] == pytest.approx(losses["float32"], rel=0.05)


def test_losses_of_ours_and_lazy_modules_and_data_loaders_work_together():
    module = nn.Sequential(nn.LazyLinear(8), nn.Tanh(), nn.Linear(8, 1))
    loader = DataLoader(TensorDataset(X, X[:, 0]), batch_size=32, shuffle=True)
    recipe = Recipe(ScheduleFreeAdamW(), 0.05, epochs=10)
    result = fit_module(module, Huber(1.0), loader, recipe=recipe, validation=loader, seed=3)
    assert result.history[-1].validation_loss < 0.01 < result.history[0].loss


def test_the_same_seed_gives_the_same_weights_whatever_was_drawn_before():
    results = []
    for drawn in (0, 5):
        torch.manual_seed(0)
        module = nn.Sequential(net(), nn.Dropout(0.5), nn.Linear(2, 2))
        torch.rand(drawn)
        loader = DataLoader(TensorDataset(X, y), batch_size=32, shuffle=True)
        fit_module(module, nn.CrossEntropyLoss(), loader, recipe=Recipe(SGD(), 0.1, epochs=2), seed=4)
        results.append(module)
    assert_same(*results, rtol=0, atol=0)


def test_frozen_weights_stay():
    module = net()
    module[0].requires_grad_(False)
    before = module[0].weight.clone()
    fit_module(module, nn.CrossEntropyLoss(), Minibatches(X, y, size=32), recipe=Recipe(SGD(), 0.1, epochs=1))
    assert torch.equal(module[0].weight, before)
    assert not torch.equal(module[3].weight, net()[3].weight)


def test_a_module_may_answer_otherwise_in_training_and_tables_may_be_frames():
    class Heads(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = net()

        def forward(self, rows):
            return (self.net(rows), self.net(-rows)) if self.training else self.net(rows)

    def loss(output, target):
        return sum(nn.functional.cross_entropy(head, target) for head in output)

    frame = pd.DataFrame(X.numpy()), pd.Series(y.numpy())
    result = fit_module(Heads(), loss, Minibatches(*frame, size=32), recipe=Recipe(SGD(), 0.1, epochs=2))
    assert len(result.history) == 2 and not result.rollbacks
    result = fit_module(
        net(),
        nn.CrossEntropyLoss(),
        Minibatches(*frame, size=32),
        recipe=Recipe(SGD(), 0.1, epochs=1),
        validation=frame,
    )
    assert result.history[0].validation_loss == pytest.approx(loss_of(result.module, X, y), rel=1e-5)


def test_a_module_is_compiled_on_request_once(monkeypatch):
    compiled = []
    monkeypatch.setattr(torch, "compile", lambda module: compiled.append(module) or module)
    module = net()
    fit_module(
        module, nn.CrossEntropyLoss(), Minibatches(X, y, size=64), recipe=Recipe(SGD(), 0.1, epochs=2),
        hardware=Hardware("cpu", compile=True),
    )  # fmt: skip
    assert compiled == [module]
