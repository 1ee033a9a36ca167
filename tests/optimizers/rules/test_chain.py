"""Chains, their links, and accumulation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from thalweg.errors import InvalidSettings
from thalweg.optimizers.rules import (
    SGD,
    Accumulate,
    Adam,
    AdamW,
    Chain,
    ClipNorm,
    ClipValue,
    HeavyBall,
    ScheduleFreeSGD,
    WeightDecay,
)

vectors = arrays(float, st.integers(0, 6), elements=st.floats(-1e300, 1e300))
gradients = np.random.default_rng(0).normal(size=(12, 2, 3))


def run(rule, gradients):
    """The points after the first, at a constant rate."""
    x = np.ones(gradients.shape[1:])
    state, points = rule.init(x), []
    for g in gradients:
        direction, state = rule.update(state, g, x, 0.1)
        x = x - 0.1 * direction
        points.append(x)
    return np.array(points)


def test_decay_after_adam_is_decoupled_and_before_it_is_not():
    adamw = run(AdamW(weight_decay=0.3), gradients)
    np.testing.assert_array_equal(run(Chain((Adam(), WeightDecay(0.3))), gradients), adamw)
    assert np.abs(run(Chain((WeightDecay(0.3), Adam())), gradients) - adamw).max() > 1e-3


def test_links_act_in_their_order():
    g, x = np.array([3.0, 4.0]), np.array([10.0, 0.0])
    first, last = Chain((ClipNorm(1.0), WeightDecay(0.1))), Chain((WeightDecay(0.1), ClipNorm(1.0)))
    np.testing.assert_allclose(first.update(first.init(x), g, x)[0], [1.6, 0.8])
    np.testing.assert_allclose(last.update(last.init(x), g, x)[0], [0.5**0.5, 0.5**0.5])


def test_a_chain_of_one_is_that_one():
    np.testing.assert_array_equal(run(Chain((HeavyBall(),)), gradients), run(HeavyBall(), gradients))


def test_a_chain_ends_with_another():
    nested = Chain((ClipValue(0.5), Chain((Adam(), WeightDecay(0.1)))))
    flat = Chain((ClipValue(0.5), Adam(), WeightDecay(0.1)))
    np.testing.assert_array_equal(run(nested, gradients), run(flat, gradients))


@given(vectors, st.floats(1e-3, 1e3))
def test_clipping_the_norm_keeps_the_angle(g, norm):
    clipped, _ = ClipNorm(norm).update(None, g, g)
    largest = np.abs(g).max(initial=0)
    length = np.linalg.norm(g / largest) * largest if largest else 0.0
    if length <= norm:
        np.testing.assert_array_equal(clipped, g)
    else:
        np.testing.assert_allclose(np.linalg.norm(clipped), norm, rtol=1e-12)
        np.testing.assert_allclose(clipped / norm, g / largest / np.linalg.norm(g / largest), rtol=1e-12, atol=1e-300)


def test_clipping_the_norm_is_that_of_torch():
    torch = pytest.importorskip("torch")
    for c in (1e-2, 1.0, 1e2):
        parameter = torch.nn.Parameter(torch.zeros(2, 3, dtype=torch.float64))
        parameter.grad = torch.tensor(gradients[0])
        torch.nn.utils.clip_grad_norm_([parameter], c)
        clipped, _ = ClipNorm(c).update(None, gradients[0], gradients[0])
        np.testing.assert_allclose(clipped, parameter.grad.numpy(), rtol=2e-6)  # theirs adds 1e-6 to the norm


@pytest.mark.parametrize("g", [[1.0, np.nan], [np.inf, 1.0]])
def test_what_is_not_finite_stays_visible(g):
    g = np.array(g)
    assert not np.isfinite(ClipNorm(1.0).update(None, g, g)[0]).all()


@given(vectors, st.floats(1e-3, 1e3))
def test_clipping_values_changes_no_others(g, value):
    clipped, _ = ClipValue(value).update(None, g, g)
    assert (np.abs(clipped) <= value).all()
    np.testing.assert_array_equal(clipped[np.abs(g) <= value], g[np.abs(g) <= value])


@pytest.mark.parametrize("rule", [SGD(), AdamW(), ScheduleFreeSGD()], ids=str)
def test_accumulation_is_the_rule_on_the_means(rule):
    points = run(Accumulate(rule, 4), gradients)
    expected = run(rule, gradients.reshape(3, 4, 2, 3).mean(axis=1))
    np.testing.assert_allclose(points[3::4], expected, rtol=1e-13)
    np.testing.assert_array_equal(points[:3], np.ones((3, 2, 3)))
    np.testing.assert_array_equal(points[4:7], points[[3, 3, 3]])


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Chain(()), r"Chain: links=\(\), expected one or more update rules"),
        (lambda: Chain((SGD(), "adam")), "expected one or more update rules"),
        (
            lambda: Chain((ScheduleFreeSGD(), SGD())),
            "Chain: ScheduleFreeSGD is link 1 of 2, expected it to be the last",
        ),
        (lambda: Chain((SGD(), Accumulate(SGD(), 2), SGD())), "Chain: Accumulate is link 2 of 3"),
        (lambda: Accumulate(SGD(), 0), "Accumulate: gradients=0, expected a whole number of at least 1"),
        (lambda: Accumulate(SGD(), 2.5), "Accumulate: gradients=2.5, expected a whole number"),
        (lambda: Accumulate(SGD(), True), "Accumulate: gradients=True, expected a whole number"),
        (lambda: Accumulate("adam", 2), "Accumulate: rule='adam', expected an update rule"),
    ],
)
def test_refuses_what_makes_no_chain(make, said):
    with pytest.raises(InvalidSettings, match=said):
        make()
