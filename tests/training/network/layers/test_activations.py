"""Activations where others overflow, and how near GELU is to its name."""

import numpy as np
import pytest
import torch
from scipy.special import ndtr
from torch.nn import functional as F

from thalweg.training.network.layers import GELU, Memory, ReLU, Run, SiLU, Tanh

PEERS = {ReLU(): F.relu, GELU(): lambda x: F.gelu(x, approximate="tanh"), SiLU(): F.silu, Tanh(): torch.tanh}


@pytest.mark.parametrize("layer", PEERS, ids=repr)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_extreme_numbers_raise_no_warning_and_give_the_limits(layer, dtype):
    x = np.array([[-1e12, -1e4, -100, -30, -0.0, 1e-30, 30, 100, 1e4, 1e12]], dtype)
    memory = Memory(Run(0))
    tensor = torch.from_numpy(x).requires_grad_()
    theirs = PEERS[layer](tensor)
    theirs.sum().backward()
    assert np.allclose(layer.value(x, memory), theirs.detach(), rtol=1e-6, atol=1e-5)
    assert np.allclose(layer.chain(np.ones_like(x), memory), tensor.grad.numpy(), rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("layer", PEERS, ids=repr)
@pytest.mark.parametrize("sign", [-1, 1])
def test_what_is_no_number_stays_none(layer, sign):
    x = np.copysign(
        np.full((1, 1), np.nan, np.float32), sign
    )  # of either sign, as inf − inf is not the nan of a literal
    memory = Memory(Run(0))
    assert np.isnan(layer.value(x, memory)).all()
    layer.value(np.ones((1, 1), np.float32), memory)
    assert np.isnan(layer.chain(x, memory)).all()


def test_gelu_is_within_half_a_thousandth_of_the_exact_one():
    x = np.linspace(-6, 6, 10_001)[None]
    assert 4e-4 < np.abs(GELU().value(x, Memory(Run(0))) - x * ndtr(x)).max() < 5e-4
