"""The line search of Moré and Thuente, against SciPy's, the paper's tables and its own conditions."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize._dcsrch import DCSRCH

from thalweg.errors import InvalidSettings
from thalweg.optimizers.gradient.line_search import WolfeSearch
from thalweg.serial import from_bytes, to_bytes


def rational(alpha):
    """(5.1) with β = 2."""
    return -alpha / (alpha**2 + 2), (alpha**2 - 2) / (alpha**2 + 2) ** 2


def power(alpha):
    """(5.2) with β = 0.004."""
    return (alpha + 0.004) ** 5 - 2 * (alpha + 0.004) ** 4, 5 * (alpha + 0.004) ** 4 - 8 * (alpha + 0.004) ** 3


def wavy(alpha):
    """(5.3) with β = 0.01 and l = 39."""
    beta, frequency = 0.01, 39 * np.pi / 2
    if alpha <= 1 - beta:
        base, slope = 1 - alpha, -1.0
    elif alpha >= 1 + beta:
        base, slope = alpha - 1, 1.0
    else:
        base, slope = (alpha - 1) ** 2 / (2 * beta) + beta / 2, (alpha - 1) / beta
    return base + (1 - beta) / frequency * np.sin(frequency * alpha), slope + (1 - beta) * np.cos(frequency * alpha)


def roots(first, second):
    """(5.4) with β₁ and β₂."""

    def phi(alpha):
        gamma = [np.sqrt(1 + beta**2) - beta for beta in (first, second)]
        near, far = np.sqrt((1 - alpha) ** 2 + second**2), np.sqrt(alpha**2 + first**2)
        value = gamma[0] * near + gamma[1] * far
        return value, -gamma[0] * (1 - alpha) / near + gamma[1] * alpha / far

    return phi


FUNCTIONS = {
    "5.1": rational,
    "5.2": power,
    "5.3": wavy,
    "5.4": roots(0.001, 0.001),
    "5.5": roots(0.01, 0.001),
    "5.6": roots(0.001, 0.01),
}


def search_along(phi, search, first, most=math.inf):
    """Give the trial steps and the last state."""
    value, slope = phi(0.0)
    state, trials = search.begin(value, slope, first, most), []
    while not (state.accepted or state.failed):
        trials.append(state.alpha)
        state = search.advance(state, *phi(state.alpha))
    return trials, state


def scipy_trials(phi, search, first, most):
    """Give the trial steps of SciPy's routine, and its last word."""
    reference = DCSRCH(None, None, search.decrease, search.curvature, search.resolution, 0.0, most)
    alpha, *_, task = reference._iterate(first, *phi(0.0), b"START")
    trials = []
    while task[:2] == b"FG" and len(trials) < 20:
        trials.append(float(alpha))
        alpha, *_, task = reference._iterate(alpha, *phi(alpha), task)
    return trials, task


@pytest.mark.parametrize("search", [WolfeSearch(), WolfeSearch(curvature=0.1, resolution=1e-9)], ids=str)
@pytest.mark.parametrize("most", [20.0, 1e5])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_takes_the_same_steps_as_scipy(name, most, search):
    for first in np.logspace(-4, 4, 33):
        expected, task = scipy_trials(FUNCTIONS[name], search, min(first, most), most)
        trials, state = search_along(FUNCTIONS[name], search, first, most)
        np.testing.assert_allclose(trials, expected, rtol=1e-9)
        assert state.accepted == (task[:4] in (b"CONV", b"WARN"))


@given(
    st.lists(st.floats(-3, 3), min_size=5, max_size=5),
    st.floats(1e-3, 1e3),
    st.floats(0.05, 0.95),
)
def test_takes_the_same_steps_as_scipy_along_random_curves(coefficients, first, curvature):
    """φ is a parabola with two waves."""
    a, b, c, d, slope = coefficients

    def phi(alpha):
        value = (0.01 + a * a) * alpha**2 + b * np.sin(3 * alpha) + c * np.cos(d * alpha) + slope * alpha
        return value, 2 * (0.01 + a * a) * alpha + 3 * b * np.cos(3 * alpha) - c * d * np.sin(d * alpha) + slope

    search = WolfeSearch(curvature=curvature)
    if phi(0.0)[1] > -0.01:
        return
    expected, _ = scipy_trials(phi, search, first, 1e4)
    trials, state = search_along(phi, search, first, 1e4)
    shared = min(len(trials), len(expected))
    np.testing.assert_allclose(trials[:shared], expected[:shared], rtol=1e-6)
    assert shared == len(expected) or state.failed
    if state.accepted:
        assert phi(state.alpha)[0] <= phi(0.0)[0] + 1e-3 * state.alpha * phi(0.0)[1]


@pytest.mark.parametrize(
    ("name", "settings", "evaluations", "alphas"),
    [
        ("5.1", (1e-3, 0.1), [6, 3, 1, 4], [1.4, 1.4, 10, 37]),
        ("5.2", (0.1, 0.1 + 1e-9), [12, 8, 8, 11], [1.6, 1.6, 1.6, 1.6]),
        ("5.3", (0.1, 0.1 + 1e-9), [12, 12, 10, 13], [1.0, 1.0, 1.0, 1.0]),
        ("5.4", (1e-3, 1e-3 + 1e-9), [4, 1, 3, 4], [0.085, 0.1, 0.35, 0.83]),
        ("5.5", (1e-3, 1e-3 + 1e-9), [6, 3, 7, 8], [0.075, 0.078, 0.073, 0.076]),
        ("5.6", (1e-3, 1e-3 + 1e-9), [13, 11, 8, 11], [0.93, 0.93, 0.92, 0.92]),
    ],
)
def test_tables_of_the_paper(name, settings, evaluations, alphas):
    """Tables I to VI, from α₀ = 10⁻³, 10⁻¹, 10, 10³."""
    search = WolfeSearch(*settings, resolution=1e-12)
    runs = [search_along(FUNCTIONS[name], search, first)[1] for first in (1e-3, 1e-1, 1e1, 1e3)]
    assert [run.evaluations for run in runs] == evaluations
    np.testing.assert_allclose([run.alpha for run in runs], alphas, rtol=0.06)


def test_a_failed_evaluation_is_a_step_too_long():
    def phi(alpha):
        return (math.nan, math.nan) if alpha > 1 else (-math.log(1.5 - alpha) - 2 * alpha, 1 / (1.5 - alpha) - 2)

    trials, state = search_along(phi, WolfeSearch(curvature=0.01), 8.0)
    assert trials[:4] == [8.0, 4.0, 2.0, 1.0]
    assert state.accepted and math.isclose(state.alpha, 1.0) and state.most == 1.0


def test_after_a_failed_evaluation_half_the_step_is_good_enough_if_it_falls():
    trials, state = search_along(lambda a: (-a, -1.0) if a < 3 else (math.nan, math.nan), WolfeSearch(), 4.0)
    assert trials == [4.0, 2.0] and state.accepted


def test_gives_up_in_words_where_everything_fails():
    trials, state = search_along(lambda a: (math.nan, math.nan) if a else (0.0, -1.0), WolfeSearch(), 1.0)
    assert trials == [0.5**k for k in range(20)]
    assert state.failed == "no acceptable step in 20 evaluations"


def test_goes_to_the_bottom_of_a_parabola_however_far_it_is():
    def phi(alpha):
        return (alpha - 1e3) ** 2, 2 * (alpha - 1e3)

    assert len(search_along(phi, WolfeSearch(), 1.0)[0]) > 4
    trials, state = search_along(phi, WolfeSearch(parabola=1e-7), 1.0)
    np.testing.assert_allclose(trials, [1.0, 1e3])
    assert state.accepted
    assert search_along(phi, WolfeSearch(parabola=1e-7), 1.0, most=100.0)[0] == [1.0, 100.0]


def test_an_exact_search_goes_on_to_the_bottom_of_a_parabola():
    search = WolfeSearch(parabola=1e-7)
    state = search.begin(4.0, -4.0, 1.0)
    assert search.advance(state, 1.0, -2.0).accepted
    state = search.advance(state, 1.0, -2.0, exact=True)
    assert not state.accepted and state.alpha == 2.0


@pytest.mark.parametrize("slope", [-1.0, -1.0 + 1e-16, -1.0 - 1e-16])
def test_a_line_is_no_parabola(slope):
    search = WolfeSearch(parabola=1e-7)
    assert search.advance(search.begin(1.0, -1.0, 0.125), 0.875, slope).alpha == 0.625


def test_accepts_the_longest_step_where_the_function_still_falls():
    trials, state = search_along(lambda a: (-a, -1.0), WolfeSearch(), 1.0, most=10.0)
    assert trials == [1.0, 5.0, 10.0] and state.accepted


def test_gives_up_in_words_where_rounding_leaves_no_lower_value():
    trials, state = search_along(lambda a: (1.0 + 1e-3 * a, -1e-20), WolfeSearch(), 1.0)
    assert "lost in rounding" in state.failed and 0.0 not in trials


@pytest.mark.parametrize("slope", [0.0, 1.0, math.nan])
def test_refuses_a_direction_that_does_not_go_down(slope):
    assert WolfeSearch().begin(1.0, slope, 1.0).failed == "the direction does not go down"


@given(st.floats(1e-300, 1e300), st.floats(1e-300, 1e300), st.floats(-1e308, 1e308), st.floats(-1e308, 1e308))
def test_every_trial_is_a_step_whatever_the_numbers_are(fall, first, value, slope):
    search = WolfeSearch()
    state = search.begin(0.0, -fall, first, 1e305)
    while not (state.accepted or state.failed):
        assert 0 < state.alpha <= 1e305
        state = search.advance(state, value, slope)


def test_continues_from_storage_at_every_step():
    search, phi = WolfeSearch(curvature=0.1), FUNCTIONS["5.3"]
    state = search.begin(*phi(0.0), 1e3)
    for alpha in search_along(phi, search, 1e3)[0]:
        state = from_bytes(to_bytes(state))
        assert state.alpha == alpha
        state = search.advance(state, *phi(alpha))
    assert state.accepted


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"decrease": 0.5}, "decrease=0.5"),
        ({"curvature": 1.0}, "between decrease"),
        ({"decrease": 0.2, "curvature": 0.1}, "between decrease"),
        ({"resolution": -1.0}, "resolution=-1.0"),
        ({"parabola": 1.0}, "parabola=1.0"),
    ],
)
def test_refuses_settings_out_of_range(settings, text):
    with pytest.raises(InvalidSettings, match=text):
        WolfeSearch(**settings)
