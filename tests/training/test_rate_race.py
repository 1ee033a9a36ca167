"""The race of learning rates: what it tries, what it takes, what it costs, and which rates suit which rule."""

import math

import numpy as np
import pytest

from thalweg.errors import InvalidSettings
from thalweg.optimizers.rules import (
    SGD,
    Accumulate,
    Adam,
    AdamW,
    Chain,
    ClipNorm,
    ExponentialAverage,
    HeavyBall,
    Lion,
    Muon,
    Prodigy,
    WeightDecay,
)
from thalweg.rng import generator
from thalweg.training.rate_race import race, rates_for, rise_and_fall

QUARTER = 10**-0.25


def valley(best, floor=1.0, width=1.0):
    """A loss that is lowest at one rate, whatever the number of steps, after a start at which it is much higher."""
    return lambda rate, steps: floor + 10.0 * (steps == 1) + width * math.log10(rate / best) ** 2


@pytest.mark.parametrize("best", [1e-6, 1e-4, 1e-3, 3.16e-3, 1e-2, 1e-1, 1.0, 30.0])
def test_finds_the_best_rate_also_beyond_the_first_ones(best):
    choice = race(valley(best), 10_000)
    assert best * QUARTER / 1.8 < choice.rate < best * QUARTER * 1.8
    assert "beyond" not in choice.reason


@pytest.mark.parametrize(("steps", "share"), [(2_000, 0.3), (10_000, 0.25), (1_000_000, 0.25)])
def test_costs_a_fifth_of_the_training(steps, share):
    for best in (2e-3, 1e-2, 3e-2):
        choice = race(valley(best), steps)
        assert sum(tried for _, tried, _ in choice.tried) <= share * steps


def test_short_trainings_are_tried_whole():
    lengths = [steps for _, steps, _ in race(valley(1e-2), 30).tried]
    assert max(lengths) == 30 and set(lengths) == {1, 10, 30}
    assert {steps for _, steps, _ in race(valley(1e-2), 1).tried} == {1}


def test_takes_the_largest_of_rates_that_are_as_good():
    flat = race(lambda rate, steps: 3.0 if steps == 1 else 1.0 + 0.02 * (rate < 0.003) + (rate > 0.05), 10_000)
    assert math.isclose(flat.rate, 10**-2 * QUARTER)
    curved = valley(1e-2, width=0.1)  # half a decade loses 2.5 % here
    assert math.isclose(race(curved, 10_000).rate, 10**-1.5 * QUARTER)
    assert "as good as 0.01 and the best of 3 rates" in race(curved, 10_000).reason


def test_where_little_is_gained_little_is_as_good():
    def noise(rate, steps):
        return 1.0 if steps == 1 else 0.95 + 0.04 * math.log10(rate / 1e-2) ** 2

    assert math.isclose(race(noise, 10_000).rate, 10**-2 * QUARTER)


def test_rates_at_which_it_diverges_are_left():
    def attempt(rate, steps):
        return (math.nan if rate > 1e-2 else math.inf) if rate > 1e-5 else 1.0 - 1e4 * rate

    choice = race(attempt, 10_000)
    assert 1e-6 < choice.rate < 1e-5 and "a quarter of a decade below" in choice.reason


@pytest.mark.parametrize("nothing", [math.nan, math.inf])
def test_says_that_every_rate_diverges(nothing):
    choice = race(lambda rate, steps: nothing, 10_000)
    assert (
        choice.rate < min(rate for rate, _, _ in choice.tried)
        and "every rate that was tried has diverged" in choice.reason
    )
    assert len(choice.tried) < 16


def test_says_that_the_best_may_lie_beyond():
    choice = race(lambda rate, steps: 1.0 / rate, 10_000)
    assert "rates beyond these may be better" in choice.reason


def test_one_rate_needs_no_race():
    def never(rate, steps):
        raise AssertionError

    choice = race(never, 100, rates_for(Prodigy()))
    assert choice.rate == 1.0 and choice.tried == ()


def test_trains_a_line_nearly_as_well_as_the_best_rate_of_a_sweep():
    random = generator(0)
    X = random.normal(size=(500, 8)) * np.logspace(0, 1, 8)
    y = X @ random.normal(size=8) + random.normal(size=500)

    def train(rate, steps):
        w, rule, schedule = np.zeros(8), AdamW(), rise_and_fall(rate, steps)
        state = rule.init(w)
        for step in range(steps):
            rows = generator(1, step).integers(400, size=16)
            direction, state = rule.update(state, X[rows].T @ (X[rows] @ w - y[rows]) / 16, w)
            w = w - schedule.at(step) * direction
        return float(np.mean((X[400:] @ w - y[400:]) ** 2))

    chosen = train(race(train, 600).rate, 600)
    sweep = [train(rate, 600) for rate in np.logspace(-4, 1, 11)]
    assert chosen < 1.1 * min(sweep) and np.mean(sweep) > 5 * min(sweep)


@pytest.mark.parametrize(
    ("rule", "first"),
    [
        (SGD(), 0.01),
        (HeavyBall(), 0.01),
        (Chain((ClipNorm(1.0), WeightDecay(0.1), HeavyBall())), 0.01),
        (AdamW(), 0.001),
        (Muon(), 0.001),
        (Accumulate(Chain((ClipNorm(1.0), Adam())), gradients=2), 0.001),
        (ExponentialAverage(Adam(), decay=0.9), 0.001),
        (Lion(), 0.0001),
        (ExponentialAverage(Prodigy(), decay=0.9), 1.0),
        (Chain((ClipNorm(1.0),)), 0.01),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, float) else str(value),
)
def test_rules_have_their_own_rates(rule, first):
    assert rates_for(rule)[0] == first


@pytest.mark.parametrize("steps", [1, 2, 3, 40, 1000])
def test_rises_and_falls(steps):
    rates = [rise_and_fall(0.5, steps).at(step) for step in range(steps)]
    top = int(np.argmax(rates))
    assert math.isclose(rates[top], 0.5) and min(rates) > 0
    assert (np.diff(rates[: top + 1]) > 0).all() and (np.diff(rates[top + 1 :]) < 0).all()
    assert steps < 40 or rates[-1] < 0.005


@pytest.mark.parametrize(
    ("steps", "rates"), [(0, (0.1,)), (10, ()), (10, (0.1, 0.01)), (10, (0.0, 0.1)), (10, (1.0, math.inf))]
)
def test_settings_are_checked(steps, rates):
    with pytest.raises(InvalidSettings, match="expected steps and positive, ascending rates"):
        race(valley(0.1), steps, rates)
