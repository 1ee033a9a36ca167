"""Losses that are no numbers, and data, modules and losses that do not fit: undone or refused, in words that name shapes."""

import math
import warnings

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from thalweg.errors import IncompatibleProblem, InvalidData, InvalidSettings, ThalwegError
from thalweg.optimizers.rules import SGD, Accumulate
from thalweg.problem import Minibatches
from thalweg.training.losses import Multinomial, Squared
from thalweg.training.torch.events import RolledBack
from thalweg.training.torch.fit import fit_module
from thalweg.training.torch.loop.checks import check_last_batch
from thalweg.training.torch.settings import Checkpoint, EarlyStopping, Hardware, Metric, Recipe

X = torch.linspace(-1, 1, 60).reshape(20, 3)
y = X.sum(1)
RECIPE = Recipe(SGD(), 0.01, epochs=3)


def line(outputs=1):
    torch.manual_seed(0)
    return nn.Linear(3, outputs)


def flat():
    return nn.Sequential(line(), nn.Flatten(0))


class FailsAt:
    """A loss that is infinite at some of its calls, of which the trial of the first batch is number 0."""

    def __init__(self, *calls):
        self.calls, self.made = calls, -1

    def __call__(self, output, target):
        self.made += output.requires_grad
        return functional.mse_loss(output, target) * (math.inf if self.made in self.calls else 1.0)


class Counting(nn.Module):
    """A module whose buffer is a new tensor after every pass, and which keeps its last outputs."""

    def __init__(self):
        super().__init__()
        self.line = line()
        self.register_buffer("passes", torch.zeros((), dtype=torch.int64))

    def forward(self, rows):
        if self.training:
            self.passes = self.passes + 1
        self.outputs = self.line(rows).flatten()
        return self.outputs


def test_a_look_leaves_no_trace_in_buffers_that_are_replaced(tmp_path):
    module = Counting()
    checkpoint = Checkpoint(str(tmp_path / "net"), steps=1)
    fit_module(module, nn.MSELoss(), Minibatches(X, y, size=4), recipe=RECIPE, checkpoint=checkpoint)
    assert module.passes == 15


def test_a_module_that_keeps_its_outputs_is_copied_for_the_race():
    recipe = Recipe(SGD(), epochs=2)
    assert fit_module(Counting(), nn.MSELoss(), Minibatches(X, y, size=4), recipe=recipe).learning_rate > 0


def test_a_lazy_normalization_finds_its_shape():
    module = nn.Sequential(nn.LazyLinear(2), nn.LazyBatchNorm1d(), nn.LazyLinear(1), nn.Flatten(0))
    fit_module(module, nn.MSELoss(), Minibatches(X, y, size=4), recipe=RECIPE)
    assert module[1].num_batches_tracked == 15


def test_where_the_validation_is_never_a_number_the_weights_are_the_last():
    watch = Metric("nothing", lambda output, target: math.nan)
    recipe = Recipe(SGD(), 0.01, epochs=9, early_stopping=EarlyStopping(patience=2))
    result = fit_module(flat(), nn.MSELoss(), Minibatches(X, y, size=4), recipe=recipe, validation=(X, y), metric=watch)
    words = "no improvement in 2 epochs: nothing that was watched was a number, and the weights are the last"
    assert (result.stop_reason, result.best_epoch) == (words, 0)


def test_an_infinite_loss_brings_training_back_to_the_last_good_state_with_half_the_rate():
    events = []
    loss = FailsAt(8)  # of the second epoch of five batches
    result = fit_module(flat(), loss, Minibatches(X, y, size=4), recipe=RECIPE, observers=[events.append])
    assert result.stop_reason == "3 epochs were made"
    (words,) = result.rollbacks
    assert words == "the loss of batch 3 of epoch 2 was inf: back to epoch 1, batch 0, the learning rate times 0.5"
    (back,) = [event for event in events if isinstance(event, RolledBack)]
    assert (back.epoch, back.batch, back.factor) == (1, 0, 0.5)
    # Nothing is left of the bad epoch: the training is the one that half the rate makes.
    expected = fit_module(flat(), nn.MSELoss(), Minibatches(X, y, size=4), recipe=Recipe(SGD(), 0.005, epochs=3))
    assert torch.equal(result.module[0].weight, expected.module[0].weight)
    assert [epoch.loss for epoch in result.history] == [epoch.loss for epoch in expected.history]


def test_the_way_back_is_no_longer_than_to_the_last_look(tmp_path):
    loss, checkpoint = FailsAt(13), Checkpoint(str(tmp_path / "a"), steps=3)
    result = fit_module(flat(), loss, Minibatches(X, y, size=4), recipe=RECIPE, checkpoint=checkpoint)
    assert result.rollbacks == (
        "the loss of batch 3 of epoch 3 was inf: back to epoch 3, batch 2, the learning rate times 0.5",
    )


def test_weights_that_explode_at_the_last_step_are_undone():
    recipe = Recipe(SGD(), 1e30, epochs=1)
    result = fit_module(flat(), nn.MSELoss(), Minibatches(X, y, size=20), recipe=recipe)
    assert len(result.rollbacks) == 10
    assert "the weights exploded in step 1" in result.stop_reason
    assert "has not helped 10 times" in result.stop_reason
    assert "the weights are those of epoch 1, batch 0, the last that were good" in result.stop_reason
    assert torch.equal(result.module[0].weight, line().weight)


def test_a_training_may_stop_instead():
    recipe = Recipe(SGD(), 0.01, epochs=3, on_divergence="stop")
    result = fit_module(flat(), FailsAt(8), Minibatches(X, y, size=4), recipe=recipe)
    assert result.stop_reason.startswith(
        "the loss of batch 3 of epoch 2 was inf; the weights are those of epoch 1, batch 0"
    )
    assert result.rollbacks == ()
    assert torch.equal(result.module[0].weight, line().weight)


def test_statistics_of_batch_normalization_are_undone_too():
    def module():
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1), nn.Flatten(0))

    holed = X.clone()
    holed[7] = math.nan  # in no batch that comes first
    some = Minibatches(holed, y, size=4)
    assert 7 not in some.rows_of(0)
    result = fit_module(module(), nn.MSELoss(), some, recipe=RECIPE)
    assert "was nan" in result.stop_reason
    assert all(tensor.isfinite().all() for tensor in result.module.state_dict().values())
    assert torch.equal(result.module[1].running_mean, module()[1].running_mean)


def test_a_checkpoint_never_holds_what_has_exploded(tmp_path):
    path = tmp_path / "net.safetensors"
    recipe = Recipe(SGD(), 1e30, epochs=1)
    result = fit_module(
        flat(), nn.MSELoss(), Minibatches(X, y, size=4), recipe=recipe, checkpoint=Checkpoint(str(path), 0.0, 1)
    )
    again = fit_module(flat(), nn.MSELoss(), Minibatches(X, y, size=4), recipe=recipe, checkpoint=path)
    assert again.stop_reason == result.stop_reason
    assert again.module[0].weight.isfinite().all()


def refused(module, loss, given, **settings):
    """Try to train, and see that the module is untouched; give the words."""
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    with pytest.raises(ThalwegError) as caught:
        fit_module(module, loss, given, recipe=RECIPE, **settings)
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())
    return caught.type, str(caught.value)


def normalized():
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1), nn.Flatten(0))


labels = torch.arange(20) % 5
DATA, MISFIT, SQUARES, ENTROPY, WHOLE = InvalidData, IncompatibleProblem, nn.MSELoss(), nn.CrossEntropyLoss(), [(X, y)]
NINE = Minibatches(X[:9], y[:9], size=4)
TEXTS = Minibatches(np.array([["a"]] * 4), np.arange(4.0), size=2)


def batches(targets):
    return Minibatches(X, targets, size=4)


def frozen():
    return flat().requires_grad_(False)


def scattered():
    return nn.Sequential(line(), nn.Linear(1, 1, device="meta"))


CASES = {
    "one row": (normalized, SQUARES, [(X[:1], y[:1])], DATA, ["one row", "(1, 3) float32", "module's 1"]),
    "one row at the end": (normalized, SQUARES, NINE, DATA, ["9 rows", "last batch of 1"]),
    "no batch": (flat, SQUARES, [], DATA, ["an epoch has no batch"]),
    "no row": (flat, SQUARES, [(X[:0], y[:0])], DATA, ["no row", "(0, 3) float32"]),
    "labels": (lambda: line(4), ENTROPY, batches(labels), DATA, ["from 0 to 4", "(4, 4) float32"]),
    "labels of another batch": (lambda: line(4), Multinomial(), batches(labels.roll(-4)), DATA, ["0 to 4"]),
    "negative labels": (lambda: line(5), functional.cross_entropy, [(X, labels - 1)], DATA, ["from -1 to 3"]),
    "no classes": (flat, ENTROPY, [(X, labels)], MISFIT, ["(20,) float32", "(n, classes)"]),
    "all pairs": (line, SQUARES, WHOLE, MISFIT, ["(20, 1) float32", "(20,) float32", "every other's"]),
    "all pairs by hand": (line, lambda o, t: ((o - t) ** 2).mean(), WHOLE, MISFIT, ["every other's"]),
    "too many outputs": (lambda: line(2), SQUARES, WHOLE, MISFIT, ["the loss failed", "(20, 2)", "(20,)"]),
    "too many outputs of ours": (lambda: line(2), Squared(), WHOLE, DATA, ["(20, 2)", "(20,)"]),
    "too many inputs": (flat, SQUARES, [(X[:, :2], y)], MISFIT, ["the module failed on (20, 2)"]),
    "type of targets": (lambda: line(5), ENTROPY, [(X, labels.float())], MISFIT, ["(20,) float32"]),
    "type of inputs": (flat, SQUARES, [(X.double(), y)], MISFIT, ["(20, 3) float64"]),
    "missing": (flat, SQUARES, [(X / 0, y)], DATA, ["60 numbers of the batch are NaN or infinite"]),
    "number": (flat, lambda o, t: 1.0, WHOLE, MISFIT, ["of type float"]),
    "matrix": (flat, lambda o, t: torch.outer(o, t), WHOLE, MISFIT, ["(20, 20)", "(20,)"]),
    "detached": (flat, lambda o, t: ((o.detach() - t) ** 2).mean(), WHOLE, MISFIT, ["differentiated"]),
    "nothing to train": (frozen, SQUARES, WHOLE, MISFIT, ["Sequential", "no parameter"]),
    "weights of a mean": (flat, SQUARES, [(X, y, y.abs())], MISFIT, ['reduction="none"']),
    "weights too few": (flat, nn.MSELoss(reduction="none"), [(X, y, y[:3])], DATA, ["weights (3,) float32"]),
    "four parts": (flat, SQUARES, [(X, y, y, y)], DATA, ["4 parts"]),
    "iterator": (flat, SQUARES, iter(WHOLE), DATA, ["used up after one epoch"]),
    "table": (flat, SQUARES, (X, y), DATA, ["tuple", "Minibatches"]),
    "tensor": (flat, SQUARES, X, DATA, ["Tensor", "Minibatches"]),
    "texts": (flat, SQUARES, TEXTS, DATA, ["<U1", "encode"]),
    "loss without parentheses": (flat, nn.MSELoss, WHOLE, InvalidSettings, ["parentheses"]),
    "devices": (scattered, SQUARES, WHOLE, MISFIT, ["cpu, meta"]),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_does_not_fit_is_refused_before_anything_is_trained(case):
    make, loss, given, kind, words = CASES[case]
    module = make()
    if case == "devices":
        with pytest.raises(kind, match=words[0]):
            fit_module(module, loss, given, recipe=RECIPE)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some of PyTorch's own words are warnings
        got, text = refused(module, loss, given)
    assert got is kind
    for word in words:
        assert word in text


def test_batch_normalization_needs_two_rows_in_every_process():
    check_last_batch(normalized(), Minibatches(X[:12], y[:12], size=8), world=2)
    with pytest.raises(InvalidData, match="last batch of 3, for 2"):
        check_last_batch(normalized(), Minibatches(X[:11], y[:11], size=8), world=2)
    check_last_batch(normalized().eval(), Minibatches(X[:11], y[:11], size=8), world=2)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"validation": (X[:0], y[:0])}, "validation data has no row"),
        ({"validation": []}, "validation data has no row"),
        ({"validation": (X[:, :1], y)}, "the module failed on (20, 1) float32"),
        ({"metric": Metric("error", lambda output, target: 0.0)}, "there is none"),
        ({"hardware": Hardware(device="cuda:77")}, "is not here"),
        ({"hardware": Hardware(device="abacus")}, "is not here"),
    ],
    ids=["rows", "batches", "shape", "metric", "cuda", "unknown"],
)
def test_validation_metric_and_device_are_checked_before_too(settings, words):
    assert words in refused(flat(), nn.MSELoss(), Minibatches(X, y, size=4), **settings)[1]


def test_what_only_looks_wrong_is_accepted():
    shapes = []

    def squeezed(output, target):
        shapes.append((output.shape, target.shape))
        return functional.mse_loss(output.squeeze(1), target)

    fit_module(line(), squeezed, Minibatches(X, y, size=4), recipe=RECIPE)
    fit_module(line(), Squared(), Minibatches(X, y, size=4), recipe=RECIPE)
    ignored = labels.clone()
    ignored[3] = -100
    fit_module(line(5), nn.CrossEntropyLoss(), Minibatches(X, ignored, size=4), recipe=RECIPE)
    holed = X.clone()
    holed[3] = math.nan
    fill = nn.Sequential(line(), nn.Flatten(0))
    fill.register_forward_pre_hook(lambda module, inputs: (inputs[0].nan_to_num(),))
    fit_module(fill, nn.MSELoss(), Minibatches(holed, y, size=4), recipe=RECIPE)
    fit_module(normalized(), nn.MSELoss(), Minibatches(X[:10], y[:10], size=4), recipe=RECIPE)


def test_an_epoch_that_turns_out_to_be_empty_is_no_epoch():
    class Shrinking(list):
        def __iter__(self):
            self.reads = getattr(self, "reads", 0) + 1
            return iter([] if self.reads > 3 else list(self.copy()))

    with pytest.raises(InvalidData, match="epoch 3 had 0 batches"):
        fit_module(flat(), nn.MSELoss(), Shrinking([(X, y)]), recipe=RECIPE)


def test_rows_without_weight_teach_nothing():
    weights = torch.zeros(20)
    weights[:4] = 1.0
    loss, both = nn.MSELoss(reduction="none"), [(X, y, weights), (X[4:], y[4:], weights[4:])]
    result = fit_module(flat(), loss, both, recipe=RECIPE)
    expected = fit_module(flat(), loss, [(X[:4], y[:4])], recipe=RECIPE)
    torch.testing.assert_close(result.module.state_dict(), expected.module.state_dict())
    assert [epoch.loss for epoch in result.history] == pytest.approx([epoch.loss for epoch in expected.history])
    with pytest.raises(InvalidData, match="no row of a positive weight"):
        fit_module(flat(), loss, [(X, y, weights * 0)], recipe=RECIPE)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Recipe(learning_rate=-1), "learning_rate=-1"),
        (lambda: Recipe(learning_rate="fast"), "a schedule"),
        (lambda: Recipe(rule=0.1), "an update rule"),
        (lambda: Recipe(epochs=0), "epochs=0"),
        (lambda: Recipe(on_divergence="ignore"), '"rollback" or "stop"'),
        (lambda: Recipe(early_stopping=3), "EarlyStopping"),
        (lambda: EarlyStopping(patience=0.5), "patience=0.5"),
        (lambda: EarlyStopping(improvement=-1), "improvement=-1"),
        (lambda: Metric("a", abs, "upwards"), "goal='upwards'"),
        (lambda: Checkpoint(""), "path=''"),
        (lambda: Checkpoint("a", seconds=-1), "seconds=-1"),
        (lambda: Checkpoint("a", steps=0), "steps=0"),
        (lambda: Hardware(precision="float8"), "precision='float8'"),
        (lambda: Hardware(device=0), "device=0"),
    ],
    ids=range(14),
)
def test_settings_out_of_their_range_are_refused(make, words):
    with pytest.raises(InvalidSettings) as caught:
        make()
    assert words in str(caught.value)


def test_targets_of_the_validation_that_do_not_match_its_outputs_are_refused():
    batches = Minibatches(X, y[:, None], size=4)
    with pytest.raises(IncompatibleProblem, match="compares every row with every other's target"):
        fit_module(line(), nn.MSELoss(), batches, recipe=RECIPE, validation=(X, y))


def test_gradients_that_somebody_has_left_are_forgotten():
    rule, weights = Accumulate(SGD(), gradients=4), []
    for left in (None, torch.ones(1, 3)):
        module = flat()
        module[0].weight.grad = left
        fit_module(module, nn.MSELoss(), Minibatches(X, y, size=4), recipe=Recipe(rule, 0.01, epochs=2))
        assert module[0].weight.grad is None  # of the two that waited for two more
        weights.append(module[0].weight.detach())
    assert torch.equal(*weights)


def test_numbers_of_epochs_are_whole():
    with pytest.raises(InvalidSettings, match=r"epochs=2\.0, expected a whole number"):
        Recipe(epochs=2.0)
