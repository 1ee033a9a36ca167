"""Whole networks: one flat vector, the same functions as PyTorch's modules, the same bits again."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch import nn

from thalweg.errors import InvalidSettings
from thalweg.training.network import Network
from thalweg.training.network.layers import (
    GELU,
    CategoryEmbedding,
    ColumnSplit,
    Dense,
    Dropout,
    LayerNorm,
    OneHot,
    Periodic,
    ReLU,
    Residual,
    Scale,
    SiLU,
    Tanh,
)


class Table(nn.Module):
    """Two numbers and a category, each first through something of its own."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(2))
        self.embedding = nn.Embedding(5, 3)  # the first row is that of unknown codes
        self.inner = nn.Sequential(nn.LayerNorm(5), nn.Linear(5, 9), nn.SiLU(), nn.Linear(9, 5))
        self.last = nn.Linear(5, 2)

    def forward(self, x):
        codes = x[:, 2].long() + 1
        h = torch.cat([x[:, :2] * self.scale, self.embedding(codes)], dim=1)
        return self.last(torch.relu(h + self.inner(h)))


PAIRS = {
    "multi-layer perceptron": (
        (Dense(16), ReLU(), Dense(8), ReLU(), Dense(2)),
        lambda: nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 2)),
    ),
    "one layer": ((Dense(2),), lambda: nn.Sequential(nn.Linear(3, 2))),
    "normalized": (
        (LayerNorm(), Dense(6), GELU(), LayerNorm(), Dense(2), Tanh()),
        lambda: nn.Sequential(
            nn.LayerNorm(3), nn.Linear(3, 6), nn.GELU("tanh"), nn.LayerNorm(6), nn.Linear(6, 2), nn.Tanh()
        ),
    ),
    "table": (
        (
            ColumnSplit(((2, (Scale(),)), (1, (CategoryEmbedding((4,), 3),)))),
            Residual((LayerNorm(), Dense(9), SiLU(), Dense(5))),
            ReLU(),
            Dense(2),
        ),
        Table,
    ),
}
both = pytest.mark.parametrize("name", PAIRS)


def batch(n, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    return np.column_stack([rng.normal(size=(n, 2)), rng.integers(-1, 4, n)]).astype(dtype)


def flat_of(module, read):
    """The numbers of a module, or of its gradient, in our order: a matrix of PyTorch is the transpose of ours."""
    parts = []
    for layer in module.modules():
        for parameter in layer.parameters(recurse=False):
            array = read(parameter)
            parts.append((array.T if isinstance(layer, nn.Linear) else array).ravel())
    return np.concatenate(parts)


def pair(name, dtype=np.float64, seed=0):
    """A network of ours and the module of the same weights."""
    layers, make = PAIRS[name]
    net = Network(layers, inputs=3, seed=seed, dtype=dtype)
    module = make().to(torch.float64 if dtype == np.float64 else torch.float32)
    net.weights[:] = flat_of(module, lambda p: p.detach().numpy())
    return net, module


@both
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-5)])
@pytest.mark.parametrize("n", [1, 50])
def test_outputs_and_gradient_are_those_of_the_module(name, dtype, tolerance, n):
    net, module = pair(name, dtype)
    x, slope = batch(n, dtype=dtype), np.random.default_rng(1).normal(size=(n, 2)).astype(dtype)
    y = net.forward(x)
    theirs = module(torch.from_numpy(x))
    theirs.backward(torch.from_numpy(slope))
    expected = flat_of(module, lambda p: p.grad.numpy())
    assert y.dtype == net.weights.dtype == net.gradient.dtype == dtype
    assert np.allclose(y, theirs.detach(), atol=tolerance)
    assert np.abs(net.backward(slope) - expected).max() <= tolerance * max(1, np.abs(expected).max())


def test_every_weight_has_its_place_in_the_vector():
    net = Network(PAIRS["table"][0], inputs=3, dtype=np.float64)
    assert net.weights.shape == net.gradient.shape == (2 + 5 * 3 + 5 + 5 + 5 * 9 + 9 + 9 * 5 + 5 + 5 * 2 + 2,)
    x, changed = batch(200), []
    y = net.forward(x).copy()
    for i in range(len(net.weights)):
        net.weights[i] += 0.25
        changed.append(not np.array_equal(net.forward(x), y))
        net.weights[i] -= 0.25
    assert all(changed)


def test_many_rows_are_predicted_as_one_by_one_and_nothing_is_dropped():
    layers = (Dropout(0.5), Dense(4), ReLU(), Dropout(0.9), Dense(2))
    net, without = (Network(part, inputs=3, seed=1, dtype=np.float64) for part in (layers, (*layers[1:3], layers[4])))
    X = batch(2500)
    y = net.predict(X)
    assert np.allclose(y, np.concatenate([net.forward(row[None]).copy() for row in X]), atol=1e-12)
    assert np.array_equal(y, without.predict(X))
    assert np.array_equal(net.predict(np.asfortranarray(X, np.float32)), net.predict(X.astype(np.float32)))
    assert net.predict(X[:0]).shape == (0, 2)


def test_what_is_dropped_depends_on_the_step_alone():
    net = Network((Dense(50), Dropout(0.5)), inputs=3, dtype=np.float64)
    X = batch(20)
    first = net.forward(X, step=4).copy()
    other = net.forward(X, step=5).copy()
    net.predict(X)
    assert np.array_equal(net.forward(X, step=4), first)
    assert np.array_equal(net.forward(X, step=4), first)
    assert not np.array_equal(first, other)


def test_the_seed_decides_the_weights():
    layers = (ColumnSplit(((2, (Periodic(),)), (1, (OneHot((4,)),)))), Dense(4), ReLU(), Dense(1))
    weights = [Network(layers, inputs=3, seed=seed).weights for seed in (0, 0, 1)]
    assert np.array_equal(weights[0], weights[1])
    assert not np.array_equal(weights[0], weights[2])
    assert weights[0].dtype == np.float32


def test_what_is_no_network_is_refused():
    with pytest.raises(InvalidSettings, match="expected one or more layers"):
        Network((), inputs=3)
    with pytest.raises(InvalidSettings, match="expected one or more layers"):
        Network((Dense,), inputs=3)
    with pytest.raises(InvalidSettings, match="3 inputs into 4 outputs"):
        Network((Residual((Dense(4),)), Dense(1)), inputs=3)


@both
@pytest.mark.parametrize("sign", [-1, 1])
def test_a_weight_that_is_no_number_shows(name, sign):
    net, _ = pair(name, np.float32)
    net.weights[0] = np.copysign(np.nan, sign)
    assert np.isnan(net.forward(batch(5, dtype=np.float32))).any()


def test_threads_may_predict_at_once():
    net = Network([Dense(64), GELU(), Dense(64), ReLU(), Dense(1)], inputs=8)
    tables = [np.random.default_rng(seed).normal(size=(3000, 8)).astype(np.float32) for seed in range(4)]
    expected = [net.predict(table) for table in tables]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(net.predict, tables * 10))
    assert all(np.array_equal(eta, expected[i % 4]) for i, eta in enumerate(found))


def test_a_width_may_be_a_number_of_numpy():
    assert Network([Dense(np.int64(3)), Dense(1)], inputs=2).weights.shape == (13,)
