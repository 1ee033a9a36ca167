"""The exponential average of a rule's points, against an explicit loop."""

import numpy as np
import pytest

from thalweg.errors import InvalidSettings
from thalweg.optimizers.rules import SGD, Accumulate, AdamW, Averages, Chain, ClipNorm, ExponentialAverage
from thalweg.serial import from_bytes, to_bytes

random = np.random.default_rng(0)
START = random.normal(size=(2, 3))
GRADIENTS = random.normal(size=(40, 2, 3))
RATES = 0.1 / np.arange(1, 41)


def run(rule, store=lambda state: state):
    """The points, the first too, and the rule's average at each."""
    x = START
    state, points, averages = rule.init(x), [x], []
    averages.append(rule.average(state, x) if isinstance(rule, Averages) else x)
    for g, rate in zip(GRADIENTS, RATES, strict=True):
        direction, state = rule.update(store(state), g, x, rate)
        x = x - rate * direction
        points.append(x)
        averages.append(rule.average(state, x) if isinstance(rule, Averages) else x)
    return np.array(points), np.array(averages)


def fading_mean(points, decay):
    mean = points[0]
    means = [mean]
    for t, x in enumerate(points[1:]):
        share = min(decay, (1 + t) / (10 + t))
        mean = share * mean + (1 - share) * x
        means.append(mean)
    return np.array(means)


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("inner", [SGD(), AdamW(weight_decay=0.1)], ids=str)
def test_is_the_mean_of_the_points_of_the_rule(inner, decay):
    points, averages = run(ExponentialAverage(inner, decay))
    np.testing.assert_array_equal(points, run(inner)[0])
    np.testing.assert_allclose(averages, fading_mean(points, decay), rtol=1e-13, atol=1e-15)


def test_is_a_mean_from_the_first_step_on():
    """Points that stay give themselves, whatever the decay."""
    rule, x = ExponentialAverage(SGD(), 0.999), np.full(3, 7.0)
    state = rule.init(x)
    for _ in range(5):
        _, state = rule.update(state, np.zeros(3), x, 0.1)
        np.testing.assert_array_equal(rule.average(state, x), x)


def test_inside_an_accumulation_only_steps_count():
    points, averages = run(Accumulate(ExponentialAverage(SGD(), 0.9), 4))
    np.testing.assert_allclose(averages[::4], fading_mean(points[::4], 0.9), rtol=1e-13)
    np.testing.assert_array_equal(averages[1:4], averages[[0, 0, 0]])


def test_at_the_end_of_a_chain_it_sees_where_that_goes():
    inner = Chain((ClipNorm(0.5), AdamW()))
    outside, inside = run(ExponentialAverage(inner, 0.9)), run(Chain((ClipNorm(0.5), ExponentialAverage(AdamW(), 0.9))))
    np.testing.assert_array_equal(outside, inside)


def test_averages_out_the_noise():
    """At a rate that stays high the point dances about the minimum; the mean is ten times nearer."""
    noise = np.random.default_rng(1).normal(size=(4000, 20))
    rule, x = ExponentialAverage(SGD(), 0.99), np.ones(20)
    state = rule.init(x)
    for g in noise:
        direction, state = rule.update(state, x + g, x, 0.5)
        x = x - 0.5 * direction
    assert np.linalg.norm(rule.average(state, x)) < 0.2 * np.linalg.norm(x)


def test_continues_from_storage_bit_for_bit():
    rule = ExponentialAverage(AdamW(), 0.9)
    np.testing.assert_array_equal(run(rule), run(rule, store=lambda state: from_bytes(to_bytes(state))))
    assert from_bytes(to_bytes(rule)) == rule


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_keeps_precision_and_writes_to_nothing(dtype):
    x, g = START.astype(dtype), GRADIENTS[0].astype(dtype)
    x.flags.writeable = g.flags.writeable = False
    rule = ExponentialAverage(AdamW(), 0.9)
    state = rule.init(x)
    direction, state = rule.update(state, g, x, np.float64(0.1))
    assert direction.dtype == state.mean.dtype == dtype
    moved = START.astype(dtype)
    state = rule.init(moved)
    moved += 1
    np.testing.assert_array_equal(rule.average(state, moved), x)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: ExponentialAverage(SGD(), 1.0), "ExponentialAverage: decay=1.0, expected a number from 0 to below 1"),
        (lambda: ExponentialAverage(SGD(), -0.1), "ExponentialAverage: decay=-0.1, expected"),
        (lambda: ExponentialAverage("adam"), "ExponentialAverage: rule='adam', expected an update rule"),
        (
            lambda: Chain((ExponentialAverage(SGD()), SGD())),
            "ExponentialAverage is link 1 of 2, expected it to be the last",
        ),
    ],
)
def test_refuses_settings_out_of_range(make, said):
    with pytest.raises(InvalidSettings, match=said):
        make()
