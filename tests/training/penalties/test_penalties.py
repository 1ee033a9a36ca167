"""What a penalty promises, for every penalty: convex, prox the argmin, distance 0 at the optimum and only there."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import minimize, nnls
from sklearn.linear_model import ElasticNet as PeerElasticNet
from sklearn.linear_model import Lasso

from thalweg.errors import InvalidSettings
from thalweg.serial import from_bytes, to_bytes
from thalweg.training.penalties import L1, L2, ElasticNet, GroupLasso, NonNegative, NoPenalty

GROUPS = (0, 1, 0, 2, 1)
PENALTIES = [
    NoPenalty(),
    L2(),
    L1(),
    ElasticNet(0.3),
    ElasticNet(1.0),
    GroupLasso(GROUPS),
    NonNegative(),
    NonNegative(L2()),
    NonNegative(L1()),
    NonNegative(ElasticNet(0.7)),
]
number = st.floats(-10, 10).map(lambda value: round(value, 3))
vector = arrays(np.float64, 5, elements=number)
matrix = arrays(np.float64, (5, 3), elements=number)
either = st.one_of(vector, matrix)
step_size = st.floats(0.01, 5)
every = pytest.mark.parametrize("penalty", PENALTIES, ids=repr)


def rough(penalty, w):
    """Ω without its ridge: what prox and distance speak of."""
    return penalty.value(w) - 0.5 * penalty.ridge * np.vdot(w, w)


@every
@given(u=either, t=st.floats(0, 1), data=st.data())
@settings(max_examples=25, deadline=None)
def test_the_value_is_convex_not_negative_and_zero_at_zero(penalty, u, t, data):
    w = data.draw(vector if u.ndim == 1 else matrix)
    between = penalty.value(t * u + (1 - t) * w)
    assert penalty.value(u) >= 0
    assert penalty.value(np.zeros_like(u)) == 0
    if np.isfinite(penalty.value(u)) and np.isfinite(penalty.value(w)):
        assert between <= t * penalty.value(u) + (1 - t) * penalty.value(w) + 1e-9


@every
@given(w=either, step=step_size, data=st.data())
@settings(max_examples=25, deadline=None)
def test_no_point_is_better_than_that_of_the_prox(penalty, w, step, data):
    """Points all around, at every distance; with convexity that is the argmin."""

    def objective(u):
        return step * rough(penalty, u) + 0.5 * np.vdot(u - w, u - w)

    best = penalty.prox(w, step)
    move = data.draw(vector if w.ndim == 1 else matrix)
    for length in (1.0, 1e-2, 1e-4):
        assert objective(best) <= objective(best + length * move) + 1e-10


@every
def test_the_prox_is_what_a_general_method_finds(penalty):
    w, step = np.array([2.0, -1.5, 0.4, -0.2, 3.0]), 0.6
    bounds = [(0, None)] * 5 if isinstance(penalty, NonNegative) else None

    def objective(u):
        return step * rough(penalty, u) + 0.5 * np.sum((u - w) ** 2)

    peer = minimize(objective, np.full(5, 0.5), method="Powell", bounds=bounds, options={"xtol": 1e-10, "ftol": 1e-14})
    assert np.allclose(penalty.prox(w, step), peer.x, atol=1e-5)


@every
@given(u=either, step=step_size, data=st.data())
@settings(max_examples=25, deadline=None)
def test_the_prox_is_firmly_nonexpansive(penalty, u, step, data):
    w = data.draw(vector if u.ndim == 1 else matrix)
    p, q = penalty.prox(u, step), penalty.prox(w, step)
    assert np.vdot(p - q, p - q) <= np.vdot(p - q, u - w) + 1e-9


@given(w=vector, step=step_size)
@settings(max_examples=25, deadline=None)
def test_moreau_what_a_prox_takes_away_is_the_projection_on_the_ball_of_the_dual_norm(w, step):
    taken = w - L1().prox(w, step)
    assert np.allclose(taken, np.clip(w, -step, step))
    taken = w - GroupLasso(GROUPS).prox(w, step)
    for group in range(3):
        part = np.array(GROUPS) == group
        radius, norm = step * np.sqrt(part.sum()), np.linalg.norm(w[part])
        assert np.allclose(taken[part], w[part] * min(1.0, radius / norm if norm else 1.0))


@every
@given(w=either, strength=st.floats(0.01, 5))
@settings(max_examples=25, deadline=None)
def test_the_distance_is_zero_at_the_optimum_and_nowhere_else(penalty, w, strength):
    """The prox minimizes ½‖u − w‖² + λΩ, whose smooth part has the gradient u − w."""
    best = penalty.prox(w, strength)
    assert penalty.distance(best, best - w, strength).max() <= 1e-12 * (1 + np.abs(w).max() + strength)
    elsewhere = np.abs(best) + 0.125
    assert penalty.distance(elsewhere, elsewhere - w, strength).max() >= 0.05


@every
@given(w=either, gradient=vector, strength=st.floats(0.01, 5), data=st.data())
@settings(max_examples=25, deadline=None)
def test_the_distance_bounds_every_descent(penalty, w, gradient, strength, data):
    """Convexity: no move u lowers gᵀu + λΩ by more than distance·|u|."""
    if w.ndim == 2:
        gradient = np.stack([gradient, -gradient, 2 * gradient], axis=1)
    w = penalty.prox(w, 1.0)
    u = data.draw(vector if w.ndim == 1 else matrix)
    distance = penalty.distance(w, gradient, strength)
    length = 1e-3
    change = length * np.vdot(gradient, u) + strength * (rough(penalty, w + length * u) - rough(penalty, w))
    assert change >= -length * np.sum(distance * np.abs(u)) - 1e-9


@every
@pytest.mark.parametrize("shape", [(5,), (5, 3)])
def test_one_step_for_each_coefficient_and_single_precision(penalty, shape):
    w = np.random.default_rng(0).normal(size=shape)
    by_number = penalty.prox(w, 0.3)
    assert np.array_equal(penalty.prox(w, np.full(shape, 0.3)), by_number)
    assert penalty.prox(w.astype(np.float32), 0.3).dtype == np.float32
    assert penalty.prox(w.astype(np.float32), np.full(shape, 0.3, np.float32)).dtype == np.float32
    assert np.allclose(penalty.prox(w.astype(np.float32), np.float64(0.3)), by_number, atol=1e-6)
    assert np.array_equal(w, np.random.default_rng(0).normal(size=shape)), "inputs are not written to"


@every
def test_settings_can_be_stored(penalty):
    assert from_bytes(to_bytes(penalty)) == penalty


@pytest.mark.parametrize(
    ("penalty", "peer"),
    [
        (L1(), Lasso(alpha=0.2, fit_intercept=False, tol=1e-12)),
        (NonNegative(L1()), Lasso(alpha=0.2, positive=True, fit_intercept=False, tol=1e-12)),
        (ElasticNet(0.6), PeerElasticNet(alpha=0.2, l1_ratio=0.6, fit_intercept=False, tol=1e-12)),
    ],
    ids=repr,
)
def test_coefficients_of_scikit_learn_have_no_distance(penalty, peer):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(80, 5))
    y = X @ np.array([1.0, -0.5, 0.1, 0.0, 2.0]) + rng.normal(size=80)
    w = peer.fit(X, y).coef_
    gradient = X.T @ (X @ w - y) / 80 + 0.2 * penalty.ridge * w
    assert penalty.distance(w, gradient, 0.2).max() < 1e-8
    assert penalty.distance(w + 0.01, gradient, 0.3).max() > 1e-3


def test_nonnegative_least_squares_of_scipy_has_no_distance():
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(30, 5)), rng.normal(size=30)
    w, _ = nnls(X, y)
    assert (w == 0).any() and (w > 0).any()
    assert NonNegative().distance(w, X.T @ (X @ w - y), 1.0).max() < 1e-10
    assert NonNegative().distance(np.array([-1.0]), np.array([0.0]), 1.0) == np.inf


def test_groups_survive_extreme_numbers():
    penalty = GroupLasso((0, 0, 1))
    assert penalty.value(np.array([3e200, 4e200, 0.0])) == pytest.approx(np.sqrt(2) * 5e200)
    assert np.array_equal(penalty.prox(np.zeros(3), 0.0), np.zeros(3))


def test_a_group_without_columns_costs_nothing():
    assert GroupLasso((0, 5)).value(np.array([3.0, 4.0])) == 7.0


@pytest.mark.parametrize("ratio", [0.0, -0.1, 1.1, float("nan")])
def test_a_ratio_out_of_range(ratio):
    with pytest.raises(InvalidSettings, match=r"l1_ratio=.*above 0 and at most 1"):
        ElasticNet(ratio)


@pytest.mark.parametrize("groups", [(), (0, -1), (0.5, 1.0), ((0, 1), (1, 2)), ("a", "b")])
def test_groups_that_are_none(groups):
    with pytest.raises(InvalidSettings, match="expected the group of every column"):
        GroupLasso(groups)


def test_groups_of_other_data():
    with pytest.raises(InvalidSettings, match="2 entries, and the data 3 columns"):
        GroupLasso((0, 1)).value(np.ones(3))


def test_a_step_that_differs_within_a_group():
    with pytest.raises(InvalidSettings, match="differs within a group"):
        GroupLasso((0, 0)).prox(np.ones(2), np.array([0.1, 0.2]))


def test_groups_cannot_be_nonnegative():
    with pytest.raises(InvalidSettings, match="single coefficients"):
        NonNegative(GroupLasso((0, 1)))
