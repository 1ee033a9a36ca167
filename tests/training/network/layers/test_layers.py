"""What every layer promises, alone and in stacks; and PyTorch's derivatives of the same functions."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from thalweg.serial import from_bytes, to_bytes
from thalweg.training.network.layers import (
    GELU,
    CategoryEmbedding,
    ColumnSplit,
    Dense,
    Dropout,
    LayerNorm,
    Memory,
    OneHot,
    Periodic,
    PiecewiseLinear,
    ReLU,
    Residual,
    Run,
    Scale,
    SiLU,
    Tanh,
    quantile_edges,
)

EDGES = ((-1.0, -0.2, 0.5), (-0.5, 0.0, 0.1, 2.0), (0.0, 1.0))
CARDINALITIES = (3, 1, 5)

# Layer, width of its inputs, number of columns of codes among them (the last ones).
CASES = {
    "dense": (Dense(4), 3, 0),
    "relu": (ReLU(), 3, 0),
    "gelu": (GELU(), 3, 0),
    "silu": (SiLU(), 3, 0),
    "tanh": (Tanh(), 3, 0),
    "dropout": (Dropout(0.3), 3, 0),
    "scale": (Scale(), 3, 0),
    "layer norm": (LayerNorm(), 5, 0),
    "layer norm, one input": (LayerNorm(), 1, 0),
    "residual": (Residual((Dense(7), SiLU(), Dense(3))), 3, 0),
    "residual in a residual": (Residual((LayerNorm(), Residual((Dense(3), Tanh())), Dropout(0.2))), 3, 0),
    "periodic": (Periodic(frequencies=5, width=4, sigma=0.5), 3, 0),
    "periodic, smallest": (Periodic(frequencies=1, width=2), 1, 0),
    "piecewise linear": (PiecewiseLinear(EDGES), 3, 0),
    "category embedding": (CategoryEmbedding(CARDINALITIES, width=4), 3, 3),
    "one-hot": (OneHot(CARDINALITIES), 3, 3),
    "column split": (
        ColumnSplit(
            (
                (1, ()),
                (2, (Periodic(frequencies=3), Dense(5), ReLU())),
                (3, (PiecewiseLinear(EDGES), Scale())),
                (2, (OneHot((2, 4)),)),
                (1, (CategoryEmbedding((6,), width=2), Tanh())),
            )
        ),
        9,
        3,
    ),
}
every = pytest.mark.parametrize("case", CASES)


class Pass:
    """A layer with parameters, gradients and memory of its own."""

    def __init__(self, layer, inputs, dtype=np.float64, seed=0, step=None, propagate=True):
        self.layer, self.inputs, self.dtype = layer, inputs, dtype
        self.outputs = layer.outputs(inputs)
        start = layer.start(inputs, np.random.default_rng(seed))
        rng = np.random.default_rng(seed + 1)
        self.parameters = mapped(lambda a: (a + 0.1 * rng.normal(size=a.shape)).astype(dtype), start)
        self.gradients = mapped(lambda a: np.full(a.shape, np.nan, dtype), start)
        self.memory = Memory(Run(seed, step), propagate=propagate)

    def forward(self, x):
        return self.layer.forward(self.parameters, x, self.memory)

    def backward(self, slope):
        return self.layer.backward(self.parameters, self.gradients, slope, self.memory)

    def both(self, x, slope):
        """Everything that comes out, as new arrays."""
        y = self.forward(x).copy()
        dx = self.backward(slope).copy()
        return [y, dx, *(g.copy() for g in flat(self.gradients))]


def mapped(function, tree):
    return tuple(mapped(function, t) for t in tree) if isinstance(tree, tuple) else function(tree)


def flat(tree):
    return [leaf for t in tree for leaf in flat(t)] if isinstance(tree, tuple) else [tree]


def batch(inputs, codes, n, seed=0, dtype=np.float64):
    """Numbers, then codes among which some are unknown."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, inputs))
    x[:, inputs - codes :] = rng.choice([-1.0, np.nan, 0, 1, 2, 3, 4, 9], size=(n, codes))
    return np.ascontiguousarray(x, dtype)


def slope_of(outputs, n, seed=0, dtype=np.float64):
    return np.random.default_rng(seed + 9).normal(size=(n, outputs)).astype(dtype)


def peer(layer, p, x):
    """The same function, of tensors."""
    match layer:
        case Dense():
            return F.linear(x, p[0].T, p[1])
        case ReLU():
            return F.relu(x)
        case GELU():
            return F.gelu(x, approximate="tanh")
        case SiLU():
            return F.silu(x)
        case Tanh():
            return torch.tanh(x)
        case Dropout():
            return x
        case Scale():
            return x * p[0]
        case LayerNorm():
            return F.layer_norm(x, x.shape[1:], p[0], p[1], layer.epsilon)
        case Residual():
            return x + peers(layer.layers, p, x)
        case Periodic():
            columns = []
            for xj, (w, b), Vc in zip(x.T, p[0], p[1], strict=True):
                wave = torch.cos(2 * torch.pi * torch.outer(xj, w) + b)
                columns += [xj[:, None], wave @ Vc[:-1] + Vc[-1]]
            return torch.cat(columns, dim=1)
        case PiecewiseLinear():
            return torch.cat([bins(x[:, j], edges) for j, edges in enumerate(layer.edges)], dim=1)
        case CategoryEmbedding():
            tables = p[0].split([count + 1 for count in layer.cardinalities])
            return torch.cat([F.embedding(c, t) for c, t in zip(places(layer, x), tables, strict=True)], dim=1)
        case OneHot():
            pairs = zip(places(layer, x), layer.cardinalities, strict=True)
            return torch.cat([F.one_hot(c, count + 1)[:, 1:] for c, count in pairs], dim=1).to(x.dtype)
        case ColumnSplit():
            pieces = x.split([columns for columns, _ in layer.parts], dim=1)
            return torch.cat([peers(part[1], q, z) for part, q, z in zip(layer.parts, p, pieces, strict=True)], dim=1)


def peers(layers, p, x):
    for layer, q in zip(layers, p, strict=True):
        x = peer(layer, q, x)
    return x


def bins(x, edges):
    """Equation 1 of the paper, case by case."""
    last = len(edges) - 1
    columns = []
    for t in range(1, last + 1):
        e = (x - edges[t - 1]) / (edges[t] - edges[t - 1])
        if t > 1:
            e = torch.where(x < edges[t - 1], torch.zeros_like(e), e)
        if t < last:
            e = torch.where(x >= edges[t], torch.ones_like(e), e)
        columns.append(e)
    return torch.stack(columns, dim=1)


def places(layer, x):
    """For each column, 1 + the code, or 0 for what is not known."""
    for column, count in zip(x.detach().T, layer.cardinalities, strict=True):
        yield torch.tensor([1 + int(code) if code in range(count) else 0 for code in column.tolist()])


def derivatives_of_the_peer(ours, x, slope):
    x = torch.from_numpy(x).requires_grad_()
    p = mapped(lambda a: torch.from_numpy(a.copy()).requires_grad_(), ours.parameters)
    y = peer(ours.layer, p, x)
    wanted = [x, *flat(p)]
    found = (
        torch.autograd.grad(y, wanted, torch.from_numpy(slope), allow_unused=True)
        if y.requires_grad
        else [None] * len(wanted)
    )
    found = [torch.zeros_like(w) if g is None else g for w, g in zip(wanted, found, strict=True)]
    return [y.detach().numpy(), *(g.numpy() for g in found)]


def assert_alike(ours, theirs, tolerance):
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert a.shape == b.shape
        assert np.abs(a - b).max() <= tolerance * max(1, np.abs(b).max())


@every
@pytest.mark.parametrize("n", [1, 2, 65])
def test_outputs_and_gradients_are_those_of_pytorch(case, n):
    layer, inputs, codes = CASES[case]
    ours = Pass(layer, inputs)
    x, slope = batch(inputs, codes, n), slope_of(ours.outputs, n)
    assert_alike(ours.both(x, slope), derivatives_of_the_peer(ours, x, slope), 1e-12)


@every
def test_in_single_precision_they_are_those_of_pytorch_to_its_precision(case):
    layer, inputs, codes = CASES[case]
    single, double = Pass(layer, inputs, np.float32), Pass(layer, inputs)
    x, slope = batch(inputs, codes, 64, dtype=np.float32), slope_of(double.outputs, 64, dtype=np.float32)
    found = single.both(x, slope)
    assert {a.dtype for a in found} == {np.dtype(np.float32)}
    double.parameters = mapped(lambda a: a.astype(np.float64), single.parameters)
    assert_alike(found, derivatives_of_the_peer(double, x.astype(float), slope.astype(float)), 3e-6)


@every
@settings(max_examples=15, deadline=None)
@given(n=st.integers(1, 5), seed=st.integers(0, 10_000), step=st.none() | st.integers(0, 3))
def test_the_gradient_is_the_derivative_also_where_dropout_drops(case, n, seed, step):
    layer, inputs, codes = CASES[case]
    ours = Pass(layer, inputs, seed=seed, step=step)
    x, slope = batch(inputs, codes, n, seed), slope_of(ours.outputs, n, seed)
    arrays = [x, *flat(ours.parameters)]
    before, rng = [a.copy() for a in arrays], np.random.default_rng(seed)
    along = [rng.normal(size=a.shape) for a in arrays]
    along[0][:, inputs - codes :] = 0
    _, *gradients = ours.both(x, slope)

    def value(h):
        for a, b, v in zip(arrays, before, along, strict=True):
            a[...] = b + h * v
        ours.memory.run.step = step
        return float(np.sum(slope * ours.forward(x)))

    difference = (value(1e-6) - value(-1e-6)) / 2e-6
    derivative = sum(float(np.sum(g * v)) for g, v in zip(gradients, along, strict=True))
    assert difference == pytest.approx(derivative, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize(
    "layer", [Dense(3), ReLU(), GELU(), SiLU(), Tanh(), Scale(), LayerNorm(), Periodic(4)], ids=repr
)
@settings(max_examples=15, deadline=None)
@given(n=st.integers(1, 40), inputs=st.integers(1, 20), seed=st.integers(0, 100))
def test_any_width_and_any_number_of_rows_will_do(layer, n, inputs, seed):
    ours = Pass(layer, inputs, seed=seed)
    x, slope = batch(inputs, 0, n, seed), slope_of(ours.outputs, n, seed)
    assert_alike(ours.both(x, slope), derivatives_of_the_peer(ours, x, slope), 1e-11)


@every
def test_shapes_start_and_outputs_agree(case):
    layer, inputs, codes = CASES[case]
    start = layer.start(inputs, np.random.default_rng(0))
    shapes = mapped(lambda a: a.shape, start)
    assert shapes == layer.shapes(inputs)
    ours = Pass(layer, inputs)
    assert ours.forward(batch(inputs, codes, 7)).shape == (7, layer.outputs(inputs))
    again = flat(layer.start(inputs, np.random.default_rng(0)))
    assert all(np.array_equal(a, b) for a, b in zip(flat(start), again, strict=True))


@every
@pytest.mark.parametrize("step", [None, 1])
def test_nothing_that_is_given_is_written_to(case, step):
    layer, inputs, codes = CASES[case]
    ours = Pass(layer, inputs, step=step)
    x, slope = batch(inputs, codes, 6), slope_of(ours.outputs, 6)
    for array in (x, slope, *flat(ours.parameters)):
        array.flags.writeable = False
    y = ours.forward(x)
    kept = y.copy()
    y.flags.writeable = False
    ours.backward(slope)
    assert np.array_equal(y, kept)  # the next layer keeps it, and has not been asked yet


@every
@pytest.mark.parametrize("step", [None, 1])
def test_a_smaller_batch_after_a_larger_one_and_the_other_way_round(case, step):
    layer, inputs, codes = CASES[case]
    one = Pass(layer, inputs, step=step)
    for n in (20, 7, 1, 20, 33):
        x, slope = batch(inputs, codes, n, seed=n), slope_of(one.outputs, n, seed=n)
        one.memory.run.step = step
        found = one.both(x, slope)
        alone = Pass(layer, inputs, step=step).both(x, slope)
        assert all(np.array_equal(a, b) for a, b in zip(found, alone, strict=True))


@every
def test_columns_of_a_wider_array_are_as_good_as_an_array(case):
    layer, inputs, codes = CASES[case]
    ours, apart = Pass(layer, inputs), Pass(layer, inputs)
    x, slope = batch(inputs, codes, 9), slope_of(ours.outputs, 9)
    wide_x, wide_slope = np.full((9, inputs + 4), np.inf), np.full((9, ours.outputs + 4), np.inf)
    wide_x[:, 3:-1], wide_slope[:, 3:-1] = x, slope
    assert_alike(apart.both(wide_x[:, 3:-1], wide_slope[:, 3:-1]), ours.both(x, slope), 1e-14)


@every
def test_where_nobody_needs_the_slope_of_the_inputs_the_gradient_is_the_same(case):
    layer, inputs, codes = CASES[case]
    ours, first = Pass(layer, inputs), Pass(layer, inputs, propagate=False)
    x, slope = batch(inputs, codes, 9), slope_of(ours.outputs, 9)
    first.forward(x)
    first.backward(slope)
    gradients = zip(flat(first.gradients), ours.both(x, slope)[2:], strict=True)
    assert all(np.array_equal(a, b) for a, b in gradients)


@every
def test_the_same_settings_come_back_from_bytes(case):
    layer = CASES[case][0]
    assert from_bytes(to_bytes(layer)) == layer


def test_a_batch_that_is_learned_from_needs_no_new_memory():
    layers = [CASES[case] for case in ("dense", "gelu", "layer norm", "residual", "periodic", "column split")]
    for layer, inputs, codes in layers:
        ours = Pass(layer, inputs, step=1)
        x, slope = batch(inputs, codes, 8), slope_of(ours.outputs, 8)
        y, dx = ours.forward(x), ours.backward(slope)
        assert ours.forward(x) is y or np.shares_memory(ours.forward(x), y)
        assert np.shares_memory(ours.backward(slope), dx)


def test_edges_from_quantiles_go_into_the_layer():
    X = np.random.default_rng(0).normal(size=(1000, 2))
    edges = quantile_edges(X, bins=8)
    layer = PiecewiseLinear(edges)
    y = Pass(layer, 2).forward(X)
    assert y.shape == (1000, 16) and y.min() == 0 and y.max() == 1
