"""The parts of CMA-ES: the tutorial's equations against plain loops, coordinates, margins, and when it is done."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from thalweg.optimizers.evolution.cma import (
    Coordinates,
    Distribution,
    FullCovariance,
    History,
    SeparableCovariance,
    parameters,
    why_ended,
)
from thalweg.optimizers.evolution.cma.margin import with_margin
from thalweg.rng import generator
from thalweg.space import Box, Float, Int, Space


class Tutorial:
    """One update after another by the tutorial's formulas, in scalars and small loops; C^(−1/2) by a general power."""

    def __init__(self, n, size, separable):
        self.n, self.size, self.separable = n, size, separable
        raw = [math.log((size + 1) / 2) - math.log(i) for i in range(1, size + 1)]
        self.mu = sum(w > 0 for w in raw)
        plus, minus = raw[: self.mu], raw[self.mu :]
        self.mu_eff = sum(plus) ** 2 / sum(w * w for w in plus)
        faster = (n + 2) / 3 if separable else 1
        self.c1 = faster * 2 / ((n + 1.3) ** 2 + self.mu_eff)
        rank_mu = 2 * (1 / 4 + self.mu_eff + 1 / self.mu_eff - 2) / ((n + 2) ** 2 + self.mu_eff)
        self.cmu = min(1 - self.c1, faster * rank_mu)
        self.cc = (4 + self.mu_eff / n) / (n + 4 + 2 * self.mu_eff / n)
        self.cs = (self.mu_eff + 2) / (n + self.mu_eff + 5)
        self.ds = 1 + 2 * max(0, math.sqrt((self.mu_eff - 1) / (n + 1)) - 1) + self.cs
        minus_eff = sum(minus) ** 2 / sum(w * w for w in minus)
        bound = min(
            1 + self.c1 / self.cmu,
            1 + 2 * minus_eff / (self.mu_eff + 2),
            (1 - self.c1 - self.cmu) / (n * self.cmu),
        )
        self.w = [w / sum(plus) for w in plus] + [bound * w / -sum(minus) for w in minus]
        self.m, self.sigma, self.C = np.zeros(n), 0.5, np.eye(n)
        self.ps, self.pc, self.g = np.zeros(n), np.zeros(n), 0
        self.chi = math.sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n * n))

    def update(self, y):
        """Update from rows y, best first."""
        values, vectors = np.linalg.eigh(self.C)
        root = vectors @ np.diag(values**-0.5) @ vectors.T
        step = sum(w * row for w, row in zip(self.w, y, strict=True) if w > 0)
        self.m = self.m + self.sigma * step
        self.ps = (1 - self.cs) * self.ps + math.sqrt(self.cs * (2 - self.cs) * self.mu_eff) * root @ step
        length = float(np.linalg.norm(self.ps))
        self.sigma *= math.exp(self.cs / self.ds * (length / self.chi - 1))
        h = length / math.sqrt(1 - (1 - self.cs) ** (2 * (self.g + 1))) < (1.4 + 2 / (self.n + 1)) * self.chi
        self.pc = (1 - self.cc) * self.pc + h * math.sqrt(self.cc * (2 - self.cc) * self.mu_eff) * step
        C = (1 + self.c1 * (1 - h) * self.cc * (2 - self.cc) - self.c1 - self.cmu * sum(self.w)) * self.C
        C += self.c1 * np.outer(self.pc, self.pc)
        for w, row in zip(self.w, y, strict=True):
            C += self.cmu * (w if w >= 0 else w * self.n / float(np.linalg.norm(root @ row)) ** 2) * np.outer(row, row)
        self.C, self.g = np.diag(np.diag(C)) if self.separable else C, self.g + 1


@pytest.mark.parametrize(("n", "size"), [(3, 7), (4, 8), (2, 30)])
@pytest.mark.parametrize("covariance", [FullCovariance(), SeparableCovariance()], ids=["full", "separable"])
def test_updates_as_the_tutorial_says(n, size, covariance):
    tutorial = Tutorial(n, size, isinstance(covariance, SeparableCovariance))
    d, p = Distribution.begin(np.zeros(n), 0.5, covariance), parameters(n, size, covariance.speed(n))
    for g in range(25):
        y = d.directions(generator(1, g), size)
        ranked = np.argsort(((d.points(y) - 30) ** 2 * np.arange(1, n + 1)).sum(axis=1))
        d = d.updated(y, ranked, p)
        tutorial.update(y[ranked])
        for ours, theirs in ((d.m, tutorial.m), (d.p_sigma, tutorial.ps), (d.p_c, tutorial.pc)):
            np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-10)
        assert math.isclose(d.sigma, tutorial.sigma, rel_tol=1e-8)
        np.testing.assert_allclose(d.shape.deviations, np.sqrt(np.diag(tutorial.C)), rtol=1e-8)
        np.testing.assert_allclose(np.sort(d.shape.axes), np.sqrt(np.linalg.eigvalsh(tutorial.C)), rtol=1e-7)


def test_one_update_by_hand():
    """n = 1, λ = 4: μ = 2, weights in the ratio ln 2.5 : ln 1.25, which are 0.80417 and 0.19583."""
    p = parameters(1, 4)
    assert p.mu == 2 and np.allclose(p.weights[:2], [0.80417, 0.19583], atol=1e-5)
    assert math.isclose(p.mu_eff, 1 / (0.80417**2 + 0.19583**2), rel_tol=1e-4)  # 1.45972
    assert math.isclose(p.c_sigma, (1.45972 + 2) / (1 + 1.45972 + 5), rel_tol=1e-4)  # 0.46379
    y = np.array([[2.0], [-1.0], [1.0], [0.5]])
    d = Distribution.begin(np.array([10.0]), 2.0, FullCovariance()).updated(y, np.array([0, 2, 3, 1]), p)
    assert math.isclose(d.m[0], 10 + 2 * (0.80417 * 2 + 0.19583), rel_tol=1e-5)  # 13.60834
    # √(c_σ (2 − c_σ) μ_eff) = √(0.46379 · 1.53621 · 1.45972) = 1.01982, times 1.80417
    assert math.isclose(d.p_sigma[0], 1.83993, rel_tol=1e-4)


def test_directions_have_the_covariance_that_the_shape_says():
    d = Distribution.begin(np.zeros(3), 1.0, FullCovariance())
    p = parameters(3, 7)
    for g in range(10):
        y = d.directions(generator(2, g), 7)
        d = d.updated(y, np.argsort(y @ [1.0, 2.0, -1.0]), p)
    y = d.directions(generator(3), 200_000)
    np.testing.assert_allclose(np.cov(y.T), d.shape.C, atol=0.02 * d.shape.C.max())
    np.testing.assert_allclose(d.shape.squared_lengths(y).mean(), 3, rtol=0.02)
    row = d.shape.whiten(y[0])
    assert math.isclose(row @ row, d.shape.squared_lengths(y[:1])[0])
    assert sum((d.shape.axis(i)[:, None] * d.shape.axis(i) for i in range(3)), np.zeros((3, 3))) == pytest.approx(
        d.shape.C
    )


def test_decomposes_only_now_and_then_in_many_columns():
    n, size = 200, 19
    p, d = parameters(n, size), Distribution.begin(np.zeros(n), 1.0, FullCovariance())
    interval = math.floor(1 / (10 * n * (p.c_1 + p.c_mu)))
    fresh = []
    for g in range(3 * interval):
        y = d.directions(generator(4, g), size)
        before, d = d, d.updated(y, np.arange(size), p)
        fresh.append(d.shape.B is not before.shape.B)
    assert interval > 1 and fresh == ([False] * (interval - 1) + [True]) * 3


MIXED = Space({"a": Float(1e-3, 10, log=True), "b": Float(-4, 8), "n": Int(0, 9), "log": Int(1, 100, log=True)}).columns


def test_coordinates_reach_all_rows_and_come_back():
    coordinates = Coordinates(MIXED)
    x = MIXED.random(generator(0), 2000)
    x[0], x[1] = MIXED.low, MIXED.high
    np.testing.assert_allclose(coordinates.rows(coordinates.points(x)), x, rtol=1e-9)


def test_coordinates_are_smooth_and_reflected_beyond_the_bounds():
    coordinates = Coordinates(Space(Box(0, 1, dim=1)).columns)
    t = np.linspace(-3, 3, 60_001)
    x = coordinates.rows(t[:, None])[:, 0]
    slope = np.diff(x) / np.diff(t)
    assert x.min() == 0 and x.max() == 1
    assert np.abs(slope).max() < 1 + 1e-6 and np.abs(np.diff(slope)).max() < 0.01  # never a jump or a kink
    inside = (t > 0.02) & (t < 0.98)
    assert np.array_equal(x[inside], t[inside])


def test_coordinates_know_columns_with_one_bound_or_none():
    columns = Space(Box([-np.inf, 2, -np.inf, 0], [np.inf, np.inf, 5, 10])).columns
    coordinates = Coordinates(columns)
    t = np.array([[-300.0, 1.0, 7.0, 0.5], [4.0, 3.0, 4.0, -1.0]])
    assert coordinates.rows(t).tolist() == [[-300, 3, 3, 5], [4, 3, 4, pytest.approx(9.6)]]
    x = np.array([[9.0, 2.5, -4.0, 7.0]])
    np.testing.assert_allclose(coordinates.rows(coordinates.points(x)), x)
    start = coordinates.start(generator(0))
    assert start[:3].tolist() == [0, 2, 0] and 0.25 <= start[3] <= 0.75


@pytest.mark.parametrize("at", [[0.3, 0.5, 0.98, 0.2], [0.3, 0.5, -2.0, 0.7], [0.3, 0.5, 0.52, 0.31]])
def test_the_margin_keeps_the_probability_of_other_integers(at):
    alpha = 0.02
    narrow = Distribution.begin(np.array(at), 1e-4, FullCovariance())
    d = with_margin(narrow, MIXED, alpha)
    assert np.array_equal(d.m[:2], narrow.m[:2]) and d.A[:2].tolist() == [1, 1]
    assert np.array_equal(MIXED.from_unit(d.m[None])[0, 2:], MIXED.from_unit(narrow.m[None])[0, 2:])
    x = MIXED.from_unit(d.m + d.deviations * norm.ppf(np.linspace(1e-5, 1 - 1e-5, 100_001))[:, None])
    for j in (2, 3):
        here = MIXED.from_unit(d.m[None])[0, j]
        below, above = np.mean(x[:, j] < here), np.mean(x[:, j] > here)
        if MIXED.low[j] < here < MIXED.high[j]:
            assert below == pytest.approx(alpha / 2, rel=0.05) and above == pytest.approx(alpha / 2, rel=0.05)
        else:
            assert max(below, above) == pytest.approx(alpha, rel=0.05)


def test_the_margin_leaves_wide_distributions_and_real_columns_alone():
    wide = Distribution.begin(np.array([0.3, 0.5, 0.52, 0.6]), 0.3, FullCovariance())
    d = with_margin(wide, MIXED, 0.02)
    np.testing.assert_allclose(d.m, wide.m, rtol=1e-12)
    np.testing.assert_allclose(d.A, 1, rtol=1e-12)
    real = Space(Box(0, 1, dim=4)).columns
    assert with_margin(wide, real, 0.02) is wide


def history(*values):
    return History(np.array(values, dtype=float), np.array(values, dtype=float))


def test_says_which_criterion_of_the_tutorial_is_met():
    d = Distribution.begin(np.full(2, 0.5), 0.1, FullCovariance())
    values, falling = np.array([3.0, 2.0, 1.0, 4.0]), history(*range(300, 0, -1))

    def reason(distribution=d, values=values, history=falling, tolerance=1e-12, fine=True):
        return why_ended(distribution, 0.1, values, history, tolerance, fine)

    assert reason() == ""
    flat_axis = replace(d, shape=FullCovariance().begin(2), m=np.array([1e17, 1e17]))
    assert "along principal axis 0" in reason(flat_axis)
    assert "in column 1" in reason(replace(d, m=np.array([0.5, 1e17])))
    thin = replace(d.shape, D=np.array([1e-8, 1.0]))
    assert "condition number above 1e+14" in reason(replace(d, shape=thin))
    assert "grown 10000 times" in reason(replace(d, sigma=1.1e3))
    assert "below 1e-12" in reason(replace(d, sigma=1e-14))
    assert reason(replace(d, sigma=1e-14, p_c=np.full(2, 1e3))) == ""
    same = history(*[1.0] * 25)
    assert "the best of the last 25, differ by less than 10" in reason(history=same, tolerance=10)
    assert reason(history=same, tolerance=10, values=np.array([3.0, 2.0, 1.0, np.inf]), fine=False) == ""
    assert "best values of the last 25 generations are equal" in reason(history=same)
    assert reason(history=same, fine=False) == "" and reason(history=history(*[1.0] * 24)) == ""
    rising = history(*range(135))
    assert "in the last 135 generations" in reason(history=rising)
    assert reason(replace(d, g=5), history=rising) == ""  # it looks every tenth time
    assert reason(history=history(*range(134))) == "" and reason(history=history(*[np.inf] * 135)) == ""


def test_remembers_as_long_as_the_criteria_look_back():
    past = History.begin()
    for g in range(1, 1001):
        past = past.extended(np.array([g + 2.0, g, g + 1.0]), g, 3)
    assert past.best.tolist() == list(range(801, 1001)) and past.median[-1] == 1001
