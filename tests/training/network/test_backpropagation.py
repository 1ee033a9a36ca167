"""Learning step for step as a loop of PyTorch does, with every loss; and the same bits again."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from thalweg.optimizers.rules import SGD, AdamW
from thalweg.training.losses import Huber, Logistic, Multinomial, Poisson, Quantile, Squared
from thalweg.training.network import Batch, Network, learn, mean_loss
from thalweg.training.network.layers import Dense, Dropout, LayerNorm, ReLU, Residual, SiLU


def pinball(eta, y, q):
    return torch.maximum(q * (y - eta), (1 - q) * (eta - y))


def half_deviance(eta, y):
    return F.poisson_nll_loss(eta, y, reduction="none") + torch.special.xlogy(y, y) - y


LOSSES = {
    "squared": (Squared(), lambda eta, y: 0.5 * F.mse_loss(eta, y, reduction="none")),
    "huber": (Huber(0.7), lambda eta, y: F.huber_loss(eta, y, reduction="none", delta=0.7)),
    "quantile": (Quantile(0.8), lambda eta, y: pinball(eta, y, 0.8)),
    "poisson": (Poisson(), half_deviance),
    "logistic": (Logistic(), lambda eta, y: F.binary_cross_entropy_with_logits(eta, y, reduction="none")),
    "multinomial": (Multinomial(), lambda eta, y: F.cross_entropy(eta, y.long(), reduction="none")),
}
every = pytest.mark.parametrize("name", LOSSES)
targets = pytest.mark.parametrize(
    ("name", "several"), [(n, s) for n in LOSSES for s in (False, True) if (n, s) != ("multinomial", True)]
)
STEPS = 100


def rows(name, several, n=320, dtype=np.float64):
    """A table that there is something to learn from, weights of mean 1 among its columns."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 6))
    signal = np.tanh(X[:, :3]) + 0.3 * rng.normal(size=(n, 3))
    if name == "multinomial":
        y = np.argmax(signal, axis=1).astype(float)
    else:
        y = {"logistic": lambda: (signal > 0) * 1.0, "poisson": lambda: rng.poisson(np.exp(signal)) * 1.0}.get(
            name, lambda: signal
        )()
        y = y if several else y[:, 0]
    v = rng.gamma(2.0, size=n)
    return X.astype(dtype), y.astype(dtype), (v / v.mean()).astype(dtype)


def outputs_of(name, several):
    return 3 if several or name == "multinomial" else 1


def copied(net, modules):
    """The weights of Dense layers, in turn, into PyTorch's; and LayerNorm's."""
    begin = 0
    with torch.no_grad():
        for module in modules:
            for parameter in module.parameters():
                numbers = torch.from_numpy(net.weights[begin : begin + parameter.numel()].copy())
                parameter.copy_(numbers.reshape(parameter.shape[::-1]).T if parameter.ndim == 2 else numbers)
                begin += parameter.numel()
    assert begin == len(net.weights)
    return nn.Sequential(*modules)


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.inner = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.SiLU())

    def forward(self, x):
        return x + self.inner(x)


def pair(outputs, dtype):
    """A residual network of ours and of theirs, with the same weights."""
    layers = (Dense(16), ReLU(), Residual((LayerNorm(), Dense(16), SiLU())), Dense(outputs))
    net = Network(layers, inputs=6, seed=3, dtype=dtype)
    modules = [nn.Linear(6, 16), nn.ReLU(), Block(16), nn.Linear(16, outputs)]
    return net, copied(net, [m.to(torch.float64 if dtype == np.float64 else torch.float32) for m in modules])


def batches(X, y, v, size=32):
    """STEPS batches, the same for both."""
    rng = np.random.default_rng(1)
    for _ in range(STEPS):
        i = rng.choice(len(X), size, replace=False)
        yield Batch(X[i], y[i], None if v is None else v[i])


def our_curve(net, loss, table, rule, rate):
    state, curve = rule.init(net.weights), []
    for step, batch in enumerate(batches(*table)):
        value, state = learn(net, loss, batch, rule, state, rate, step)
        curve.append(value)
    return np.array(curve)


def their_mean(row_loss, module, batch):
    X, y = torch.from_numpy(batch.X), torch.from_numpy(batch.y)
    eta = module(X)
    losses = row_loss(eta[:, 0] if eta.shape[1] == 1 else eta, y)
    losses = losses.mean(dim=1) if losses.ndim == 2 else losses
    return (losses if batch.v is None else torch.from_numpy(batch.v) * losses).mean()


def their_curve(module, row_loss, table, optimizer):
    curve = []
    for batch in batches(*table):
        value = their_mean(row_loss, module, batch)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        curve.append(value.item())
    return np.array(curve)


@targets
@pytest.mark.parametrize("weighted", [False, True])
def test_the_loss_curve_of_adamw_is_that_of_a_loop_of_pytorch(name, several, weighted):
    loss, row_loss = LOSSES[name]
    X, y, v = rows(name, several)
    table = (X, y, v if weighted else None)
    net, module = pair(outputs_of(name, several), np.float64)
    ours = our_curve(net, loss, table, AdamW(weight_decay=0.1), 0.01)
    theirs = their_curve(module, row_loss, table, torch.optim.AdamW(module.parameters(), lr=0.01, weight_decay=0.1))
    assert np.allclose(ours, theirs, rtol=1e-9, atol=1e-10)
    assert ours[-10:].mean() < 0.8 * ours[:5].mean()


@every
def test_so_is_that_of_plain_descent(name):
    loss, row_loss = LOSSES[name]
    table = rows(name, False)
    net, module = pair(outputs_of(name, False), np.float64)
    ours = our_curve(net, loss, table, SGD(), 0.02)
    theirs = their_curve(module, row_loss, table, torch.optim.SGD(module.parameters(), lr=0.02))
    assert np.allclose(ours, theirs, rtol=1e-9, atol=1e-10)
    assert ours[-10:].mean() < ours[:5].mean()


@pytest.mark.parametrize("name", ["squared", "multinomial"])
def test_in_single_precision_the_curves_are_alike(name):
    loss, row_loss = LOSSES[name]
    table = rows(name, False, dtype=np.float32)
    net, module = pair(outputs_of(name, False), np.float32)
    ours = our_curve(net, loss, table, AdamW(), 0.003)
    theirs = their_curve(module, row_loss, table, torch.optim.AdamW(module.parameters(), lr=0.003))
    assert net.weights.dtype == np.float32
    assert np.allclose(ours, theirs, rtol=1e-3, atol=1e-4)


@targets
@pytest.mark.parametrize("n", [1, 7])
def test_the_slope_of_the_mean_loss_is_its_derivative(name, several, n):
    loss, row_loss = LOSSES[name]
    X, y, v = rows(name, several)
    eta = np.random.default_rng(2).normal(size=(n, outputs_of(name, several)))
    for weights in (None, v[:n]):
        batch = Batch(X[:n], y[:n], weights)
        kept = [a.copy() for a in (eta, batch.y)]
        value, slope = mean_loss(loss, eta, batch)
        tensor = torch.from_numpy(eta.copy()).requires_grad_()
        expected = their_mean(row_loss, lambda _, tensor=tensor: tensor, batch)
        expected.backward()
        assert value == pytest.approx(expected.item(), rel=1e-12)
        assert slope.shape == eta.shape and np.allclose(slope, tensor.grad, rtol=1e-12, atol=1e-15)
        assert all(np.array_equal(a, b) for a, b in zip((eta, batch.y), kept, strict=True))


def test_a_column_of_targets_is_as_good_as_a_vector():
    X, y, _ = rows("squared", False)
    curves = []
    for column in (y, y[:, None]):
        net, _ = pair(1, np.float64)
        curves.append(our_curve(net, Squared(), (X, column, None), SGD(), 0.02))
    assert np.array_equal(*curves)


def test_learning_again_gives_the_same_bits_and_other_seeds_others():
    def weights(seed):
        net = Network((Dense(32), ReLU(), Dropout(0.2), Dense(1)), inputs=6, seed=seed)
        our_curve(net, Squared(), rows("squared", False, dtype=np.float32), AdamW(), 0.01)
        return net.weights

    assert np.array_equal(weights(0), weights(0))
    assert not np.array_equal(weights(0), weights(1))


def test_a_batch_is_not_written_to():
    X, y, v = rows("squared", True)
    for array in (X, y, v):
        array.flags.writeable = False
    net, _ = pair(3, np.float64)
    learn(net, Squared(), Batch(X, y, v), SGD(), None, 0.1, 0)
