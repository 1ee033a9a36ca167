"""Standardized outputs: finite, ordered, normal."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import skew

from thalweg.optimizers.bayesian.outputs import standardize

FINITE = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(FINITE, min_size=1, max_size=30))
def test_any_finite_values_become_finite_and_keep_their_order(values):
    value = np.array(values)
    z = standardize(value)
    assert np.isfinite(z).all()
    assert (np.diff(z[np.argsort(value)]) >= -1e-9).all()
    if z.any():
        assert z.mean() == pytest.approx(0, abs=1e-9)
        assert z.std() == pytest.approx(1)


def test_equal_values_become_zero():
    for value in (0.0, 7.0, -1e300):
        assert not standardize(np.full(5, value)).any()


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_shift_and_scale_do_not_matter(scale):
    value = np.random.default_rng(0).gumbel(size=40)
    np.testing.assert_allclose(standardize(scale * (value - 3)), standardize(value), atol=1e-5)


def test_one_divergence_leaves_the_others_apart():
    value = np.append(np.arange(20.0), 1e12)
    z = standardize(value)
    assert np.ptp(z[:-1]) > 1
    assert z[-1] < 5


def test_skewness_is_removed():
    value = np.exp(np.random.default_rng(1).normal(size=200))
    assert skew(value) > 2
    assert abs(skew(standardize(value))) < 0.3
