"""What a loss promises, for every loss; and the losses of scikit-learn and PyTorch."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime, minimize
from sklearn._loss.link import LogitLink
from sklearn._loss.loss import HalfBinomialLoss, HalfMultinomialLoss, HalfPoissonLoss, PinballLoss

from thalweg.errors import InvalidData, InvalidSettings
from thalweg.serial import from_bytes, to_bytes
from thalweg.training.losses import (
    Hinge,
    Huber,
    Logistic,
    Multinomial,
    Poisson,
    Quantile,
    Squared,
    SquaredHinge,
)

K = 4
N = 400
LOSSES = [
    Squared(),
    Quantile(),
    Quantile(0.9),
    Huber(0.7),
    Logistic(),
    Multinomial(),
    Poisson(),
    Hinge(),
    SquaredHinge(),
]
every = pytest.mark.parametrize("loss", LOSSES, ids=repr)
scalar = pytest.mark.parametrize("loss", [loss for loss in LOSSES if loss != Multinomial()], ids=repr)


def rows(loss, seed=0, n=N, spread=2.0):
    """Predictors and targets that fit the loss, no predictor at a kink."""
    rng = np.random.default_rng(seed)
    if loss == Multinomial():
        return rng.normal(size=(n, K)) * spread, rng.integers(0, K, n).astype(float)
    eta = rng.normal(size=n) * spread
    if loss.classes:
        return eta, (rng.random(n) < 0.4).astype(float)
    return eta, rng.poisson(1.5, n).astype(float) if loss == Poisson() else rng.normal(size=n)


def row_sum(loss, y):
    return lambda eta: float(loss.value(eta.reshape(-1, K) if loss == Multinomial() else eta, y).sum())


@every
def test_the_slope_is_the_derivative_of_the_value(loss):
    eta, y = rows(loss, n=30)
    value, slope = loss.slope(eta, y)
    assert np.allclose(value, loss.value(eta, y), rtol=1e-15, atol=0)
    differences = approx_fprime(eta.ravel(), row_sum(loss, y), 1e-7)
    assert np.allclose(slope.ravel(), differences, atol=2e-5, rtol=1e-5)


@scalar
def test_the_curvature_is_the_derivative_of_the_slope_and_within_its_bound(loss):
    eta, y = rows(loss)
    step = 1e-6
    differences = (loss.slope(eta + step, y)[1] - loss.slope(eta - step, y)[1]) / (2 * step)
    curvature = loss.curvature(eta, y)
    assert np.allclose(curvature, differences, atol=1e-6, rtol=1e-6)
    if loss.smooth:
        assert curvature.max() <= loss.curvature_bound
        assert loss.curvature_bound == np.inf or curvature.max() > 0.9 * loss.curvature_bound


def test_the_curvature_of_the_multinomial_loss_is_built_from_probabilities():
    loss = Multinomial()
    eta, y = rows(loss, n=50)
    p = loss.curvature(eta, y)
    for k in range(K):
        step = 1e-6 * np.eye(K)[k]
        differences = (loss.slope(eta + step, y)[1] - loss.slope(eta - step, y)[1]) / 2e-6
        assert np.allclose(p * (np.eye(K)[k] - p[:, [k]]), differences, atol=1e-8)
    largest = max(np.linalg.eigvalsh(np.diag(row) - np.outer(row, row)).max() for row in p)
    assert 0.4 < largest <= loss.curvature_bound


@every
@given(seed=st.integers(0, 2**32 - 1), t=st.floats(0, 1))
@settings(max_examples=25, deadline=None)
def test_values_are_convex_and_not_negative(loss, seed, t):
    eta, y = rows(loss, seed, n=20, spread=10)
    other = rows(loss, seed + 1, n=20, spread=10)[0]
    between = loss.value(t * eta + (1 - t) * other, y)
    bound = t * loss.value(eta, y) + (1 - t) * loss.value(other, y)
    assert (between <= bound + 1e-12 * (1 + bound)).all()
    assert (between >= -1e-15).all()


@every
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_a_slope_at_any_point_a_kink_or_not_lies_below_the_loss(loss, seed):
    eta, y = rows(loss, seed, n=20)
    eta[:5] = y[:5, None] if loss == Multinomial() else y[:5]  # the kink of the quantile loss
    eta[5:10] = 1.0  # a kink of the hinge loss
    other = rows(loss, seed + 1, n=20)[0]
    value, slope = loss.slope(eta, y)
    move = slope * (other - eta)
    assert (loss.value(other, y) >= value + (move.sum(axis=1) if move.ndim == 2 else move) - 1e-9).all()


@every
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_type_is_kept_and_everything_is_finite_out_to_ten_thousand(loss, dtype):
    eta, y = (part.astype(dtype) for part in rows(loss))
    eta[:4] *= 0
    eta[4:8], eta[8:12] = 1e4, -1e4
    if loss == Multinomial():
        eta[4:8, 0] = -1e4
    before = eta.copy(), y.copy()
    value, slope = loss.slope(eta, y)
    for result in (loss.value(eta, y), value, slope, loss.curvature(eta, y), loss.mean(eta)):
        assert result.dtype == dtype and np.isfinite(result).all() and len(result) == N
    assert slope.shape == eta.shape
    assert np.array_equal(eta, before[0]) and np.array_equal(y, before[1]), "inputs are not written to"


@every
def test_single_precision_is_as_good_as_it_can_be(loss):
    eta, y = rows(loss)
    eta = eta.astype(np.float32).astype(float)
    y = y.astype(np.float32).astype(float)
    exact = loss.slope(eta, y)
    for got, expected in zip(loss.slope(eta.astype(np.float32), y.astype(np.float32)), exact, strict=True):
        assert np.allclose(got, expected, rtol=1e-5, atol=2e-6)


@every
def test_no_constant_is_better_than_the_constant(loss):
    y = rows(loss)[1]
    weight = np.random.default_rng(3).random(N)

    def total(constant):
        eta = np.broadcast_to(constant, (N, K) if loss == Multinomial() else N)
        return float(weight @ loss.value(eta, y))

    constant = loss.constant(y, weight)
    assert np.shape(constant) == ((K,) if loss == Multinomial() else ())
    best = minimize(total, constant, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12}).fun
    # The logistic loss keeps half a row away from certainty, which moves its constant a little.
    assert total(constant) <= best * (1 + (1e-4 if loss == Logistic() else 1e-9))


@pytest.mark.parametrize("loss", [Logistic(), Multinomial(), Poisson(), Hinge(), SquaredHinge(), Huber(1.0)], ids=repr)
def test_the_constant_of_targets_that_are_all_alike_is_finite(loss):
    assert np.isfinite(loss.constant(np.zeros(5), np.ones(5))).all()


def test_the_constant_of_the_hinge_loss_between_two_equal_classes_is_zero():
    assert Hinge().constant(np.array([0.0, 1.0]), np.ones(2)) == 0


@pytest.mark.parametrize(
    ("loss", "peer"),
    [
        (Logistic(), HalfBinomialLoss()),
        (Poisson(), HalfPoissonLoss()),
        (Quantile(0.3), PinballLoss(quantile=0.3)),
        (Multinomial(), HalfMultinomialLoss(n_classes=K)),
    ],
    ids=["Logistic", "Poisson", "Quantile", "Multinomial"],
)
def test_values_slopes_and_means_of_scikit_learn(loss, peer):
    eta, y = rows(loss, spread=5)
    value, slope = peer.loss_gradient(y, np.ascontiguousarray(eta))
    constant = peer.constant_to_optimal_zero(y) if loss == Poisson() else 0.0
    got = loss.slope(eta, y)
    assert np.allclose(got[0], value + constant, rtol=1e-13, atol=1e-13)
    assert np.allclose(got[1], slope, rtol=1e-13, atol=1e-13)
    assert np.allclose(loss.mean(eta), peer.link.inverse(eta), rtol=1e-13)


TORCH = {
    "Huber": (Huber(0.7), lambda eta, y: torch.nn.functional.huber_loss(eta, y, delta=0.7, reduction="none")),
    "Squared": (Squared(), lambda eta, y: 0.5 * torch.nn.functional.mse_loss(eta, y, reduction="none")),
    "Logistic": (
        Logistic(),
        lambda eta, y: torch.nn.functional.binary_cross_entropy_with_logits(eta, y, reduction="none"),
    ),
    "Multinomial": (Multinomial(), lambda eta, y: torch.nn.functional.cross_entropy(eta, y.long(), reduction="none")),
    "Hinge": (Hinge(), lambda eta, y: torch.relu(1 - (2 * y - 1) * eta)),
    "SquaredHinge": (SquaredHinge(), lambda eta, y: torch.relu(1 - (2 * y - 1) * eta) ** 2),
}


@pytest.mark.parametrize("name", TORCH)
def test_values_and_slopes_of_pytorch(name):
    loss, peer = TORCH[name]
    eta, y = rows(loss, spread=5)
    variable = torch.tensor(eta, requires_grad=True)
    value = peer(variable, torch.tensor(y))
    value.sum().backward()
    got = loss.slope(eta, y)
    assert np.allclose(got[0], value.detach().numpy(), rtol=1e-13, atol=1e-13)
    assert np.allclose(got[1], variable.grad.numpy(), rtol=1e-13, atol=1e-13)


def test_small_logistic_losses_keep_all_their_digits():
    """Where a row is right by far, its loss and slope are e^−|η|, not the difference of two numbers near 1."""
    value, slope = Logistic().slope(np.array([35.0, -35.0]), np.array([1.0, 0.0]))
    assert np.allclose(value, np.exp(-35.0), rtol=1e-14)
    assert np.allclose(slope, [-np.exp(-35.0), np.exp(-35.0)], rtol=1e-14)
    eta = np.linspace(-30, 30, 7)
    assert np.allclose(LogitLink().inverse(eta) * LogitLink().inverse(-eta), Logistic().curvature(eta, eta), rtol=1e-13)


def test_the_poisson_loss_goes_on_smoothly_where_the_exponential_would_overflow():
    eta = np.array([60 - 1e-6, 60 + 1e-6])
    value, slope = Poisson().slope(eta, np.zeros(2))
    assert np.diff(slope) / slope[0] == pytest.approx(2e-6, rel=1e-4)
    assert np.diff(value) / value[0] == pytest.approx(2e-6, rel=1e-4)


@pytest.mark.parametrize(
    ("loss", "y", "message"),
    [
        (Logistic(), [0.0, 2.0], r"targets 0 and 1, got \[0.0, 2.0\]"),
        (Hinge(), [-1.0, 1.0], r"hinge loss needs targets 0 and 1, got \[-1.0, 1.0\]"),
        (SquaredHinge(), [0.5], r"squared hinge loss needs targets 0 and 1, got \[0.5\]"),
        (Multinomial(), [0.0, 1.5], r"classes 0, 1, 2 …, got \[0.0, 1.5\]"),
        (Multinomial(), [-1.0, 1.0], r"classes 0, 1, 2 …"),
        (Poisson(), [1.0, -2.0], r"counts or rates ≥ 0, got -2.0"),
        (Poisson(), [1e30], r"got 1e\+30: use a larger unit"),
    ],
)
def test_targets_that_do_not_fit_are_refused_in_words(loss, y, message):
    with pytest.raises(InvalidData, match=message):
        loss.check(np.array(y))


@every
def test_targets_that_fit_pass_and_settings_can_be_stored(loss):
    loss.check(rows(loss)[1])
    assert from_bytes(to_bytes(loss)) == loss


@pytest.mark.parametrize(
    ("make", "value", "message"),
    [
        (Quantile, 0.0, "between 0 and 1"),
        (Quantile, 1.0, "between 0 and 1"),
        (Quantile, float("nan"), "between 0 and 1"),
        (Huber, 0.0, "positive number in the units of the target"),
        (Huber, float("inf"), "positive number"),
    ],
)
def test_settings_out_of_range(make, value, message):
    with pytest.raises(InvalidSettings, match=message):
        make(value)
