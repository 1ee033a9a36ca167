"""Losses as PyTorch sees them: values and slopes are those of the losses themselves."""

import numpy as np
import pytest
import torch
from torch import nn

from thalweg.errors import InvalidData, InvalidSettings
from thalweg.serial import frozen
from thalweg.training import losses
from thalweg.training.losses import (
    Hinge,
    Huber,
    Logistic,
    Loss,
    Multinomial,
    Poisson,
    Quantile,
    Squared,
    SquaredHinge,
)
from thalweg.training.torch.losses import row_loss


@frozen
class LogCosh(Loss):
    """Somebody else's loss."""

    def value(self, eta, y):
        return np.logaddexp(eta - y, y - eta) - np.log(eta.dtype.type(2))

    def slope(self, eta, y):
        assert eta.dtype == y.dtype
        return self.value(eta, y), np.tanh(eta - y)

    curvature = mean = constant = check = None


@frozen
class Boltzmann(Loss):
    """Somebody else's loss with a predictor a class."""

    def value(self, eta, y):
        return Multinomial().value(eta, y)

    def slope(self, eta, y):
        return Multinomial().slope(eta, y)

    curvature = mean = constant = check = None


for unfinished in (LogCosh, Boltzmann):
    unfinished.__abstractmethods__ = frozenset()

NUMBERS = [Squared(), Huber(0.7), Quantile(0.3), Quantile(0.9), LogCosh()]
SIGNS = [Logistic(), Hinge(), SquaredHinge()]
CLASSES = [Multinomial(), Boltzmann()]
LOSSES = [*NUMBERS, *SIGNS, Poisson(), *CLASSES]
every_loss = pytest.mark.parametrize("loss", LOSSES, ids=str)


def data(loss, dtype):
    """Predictors, large and small ones and those at kinks among them, and targets."""
    random = np.random.default_rng(0)
    eta = np.concatenate([random.normal(scale=3, size=30), [0, 1, -1, 0.7, 25, -25, 45, -45, 300, -300]]).astype(dtype)
    n = len(eta)
    if loss in CLASSES:
        return random.permuted(np.stack([eta, eta[::-1], 0.3 * eta], axis=1), axis=0), random.integers(0, 3, n)
    if loss in SIGNS:
        return eta, random.integers(0, 2, n)
    if isinstance(loss, Poisson):
        return np.minimum(eta, 62).astype(dtype), random.poisson(2, n)
    y = random.normal(size=n)
    y[30:35] = 0  # so that kinks are met
    return eta, y.astype(dtype)


def test_every_loss_is_here():
    public = {getattr(losses, name) for name in losses.__all__}
    assert {type(loss) for loss in LOSSES} - {LogCosh, Boltzmann} == public - {Loss}


@pytest.mark.parametrize(("dtype", "near"), [("float32", 2e-6), ("float64", 1e-14)])
@every_loss
def test_values_and_slopes_are_those_of_the_loss(loss, dtype, near):
    eta, y = data(loss, dtype)
    output = torch.tensor(eta, requires_grad=True)
    got = row_loss(loss)(output, torch.tensor(y))
    value, slope = loss.slope(eta, y.astype(dtype))
    assert got.shape == (len(eta),)
    assert got.dtype == output.dtype
    np.testing.assert_allclose(got.detach().numpy(), value, rtol=near, atol=near)
    weights = torch.linspace(0.5, 2, len(eta), dtype=output.dtype)
    (weights * got).sum().backward()
    expected = slope * weights.numpy().reshape(-1, *[1] * (slope.ndim - 1))
    np.testing.assert_allclose(output.grad.numpy(), expected, rtol=10 * near, atol=10 * near)


@every_loss
def test_types_and_shapes_of_targets_do_not_matter(loss):
    eta, y = data(loss, "float32")
    output, expected = torch.tensor(eta), row_loss(loss)(torch.tensor(eta), torch.tensor(y))
    whole = np.issubdtype(y.dtype, np.integer)
    for target in [y[:, None], y.astype("float32"), y.astype("float64"), *([y.astype("int32")] if whole else [])]:
        torch.testing.assert_close(row_loss(loss)(output, torch.tensor(target)), expected, rtol=0, atol=0)
    if output.ndim == 1:
        torch.testing.assert_close(row_loss(loss)(output[:, None], torch.tensor(y)), expected, rtol=0, atol=0)


@every_loss
def test_half_precision_is_lifted(loss):
    eta, y = data(loss, "float32")
    output = torch.tensor(eta).bfloat16().requires_grad_()
    got = row_loss(loss)(output, torch.tensor(y))
    torch.testing.assert_close(got, row_loss(loss)(output.detach().float(), torch.tensor(y)))
    assert got.dtype == torch.float32
    got.sum().backward()
    assert output.grad.dtype == torch.bfloat16


@pytest.mark.parametrize("loss", [Squared(), Huber(1.0), Logistic()], ids=str)
def test_several_outputs_are_averaged(loss):
    output, target = torch.randn(5, 3, generator=torch.Generator().manual_seed(0)), torch.eye(5, 3)
    each = torch.stack([row_loss(loss)(output[:, j], target[:, j]) for j in range(3)])
    torch.testing.assert_close(row_loss(loss)(output, target), each.mean(0))


@pytest.mark.parametrize(
    ("loss", "output", "target", "said"),
    [
        (Squared(), (8, 1), (7,), r"\(8,\) and the target \(7,\)"),
        (Squared(), (8, 2), (8,), r"\(8, 2\) and the target \(8,\): expected the same one"),
        (LogCosh(), (8,), (8, 2), r"\(8,\) and the target \(8, 2\): expected as many rows, and one target for each"),
        (Multinomial(), (8,), (8,), r"\(8,\) and the target \(8,\): expected \(n, classes\) and \(n,\)"),
        (Multinomial(), (8, 3), (8, 3), r"\(8, 3\) and the target \(8, 3\)"),
        (Multinomial(), (8, 3), (7,), r"\(8, 3\) and the target \(7,\)"),
    ],
    ids=str,
)
def test_shapes_that_do_not_fit_are_named(loss, output, target, said):
    with pytest.raises(InvalidData, match=said):
        row_loss(loss)(torch.zeros(output), torch.zeros(target))


def test_what_is_no_loss_of_ours_is_handed_back():
    for loss in (nn.CrossEntropyLoss(), nn.functional.mse_loss, lambda output, target: output.sum()):
        assert row_loss(loss) is loss


@pytest.mark.parametrize("loss", [Squared, nn.MSELoss, "squared", None])
def test_what_is_no_loss_is_refused(loss):
    with pytest.raises(InvalidSettings, match=r"expected a loss such as Squared\(\)"):
        row_loss(loss)


def test_serves_many_nets_at_once():
    """Populations of weights are computed by vmap."""
    outputs, target = torch.randn(4, 6, generator=torch.Generator().manual_seed(0)), torch.ones(6)
    for loss in (Squared(), Huber(1.0), Quantile(), Logistic(), Poisson(), Hinge(), SquaredHinge()):
        function = row_loss(loss)
        together = torch.func.vmap(function, in_dims=(0, None))(outputs, target)
        torch.testing.assert_close(together, torch.stack([function(output, target) for output in outputs]))
