"""minimize: what a user may give, what comes back, and what happens when something goes wrong."""

import math

import numpy as np
import pytest

import thalweg as tw
from thalweg.errors import (
    ContradictorySettings,
    IncompatibleProblem,
    InvalidProblem,
    InvalidSettings,
    NoCompletedTrial,
)
from thalweg.problem import Status
from thalweg.study import RunStarted, RunStopped, Serial, TrialsFinished, TrialsStarted, open_storage

SPACE = {"x": tw.Float(-5, 10), "kind": tw.Categorical(["a", "b"])}


def parabola(params):
    return (params["x"] - 1) ** 2 + (params["kind"] == "a")


def test_the_best_trial_is_the_smallest_value_and_its_params():
    result = tw.minimize(parabola, SPACE, optimizer=tw.RandomSearch(), trials=50, seed=3)
    frame = result.to_frame()
    assert len(frame) == 50
    assert result.best.value == frame["value"].min() == parabola(result.best.params)
    assert frame.loc[frame["value"].idxmin(), "x"] == result.best.params["x"]
    assert list(frame["number"]) == list(range(50))
    assert set(frame["status"]) == {"complete"}
    assert result.stop_reason == "the budget of 50 trials is spent"


def test_the_same_seed_gives_the_same_run_and_another_seed_another():
    runs = [tw.minimize(parabola, SPACE, trials=15, seed=seed).trials.candidates.x for seed in (1, 1, 2)]
    assert np.array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])


def test_maximizing_is_minimizing_the_negative_and_keeps_the_users_sign():
    up = tw.minimize(lambda p: -parabola(p), SPACE, goal="maximize", trials=30, seed=0, optimizer=tw.ParticleSwarm())
    down = tw.minimize(parabola, SPACE, trials=30, seed=0, optimizer=tw.ParticleSwarm())
    assert up.best.value == -down.best.value
    assert up.best.params == down.best.params
    assert up.to_frame()["value"].max() == up.best.value


def test_several_goals_give_a_front_that_nothing_dominates():
    result = tw.minimize(
        lambda x: (x[0], (1 - x[0]) * (1 + x[1])),
        tw.Box(0, 1, dim=2),
        goal=["minimize", "minimize"],
        optimizer=tw.RandomSearch(),
        trials=100,
        seed=0,
    )
    values = result.trials.value
    front = np.array([trial.value for trial in result.front])
    dominated = [any(np.all(v <= w) and np.any(v < w) for v in values) for w in front]
    assert len(front) > 3 and not any(dominated)
    outside = [v for v in values if not any(np.array_equal(v, w) for w in front)]
    assert all(any(np.all(w <= v) and np.any(w < v) for w in front) for v in outside)
    with pytest.raises(InvalidProblem, match=r"result\.front"):
        _ = result.best


def test_a_feasible_trial_beats_a_better_infeasible_one():
    result = tw.minimize(
        lambda p: p["x"], {"x": tw.Float(0, 1)}, constraints=lambda p: 0.5 - p["x"], optimizer=tw.RandomSearch(),
        trials=60, seed=0,
    )  # fmt: skip
    assert 0.5 <= result.best.value < 0.6
    assert result.best.violation[0] <= 0
    assert result.trials.value.min() < 0.5


def test_failures_are_trials_with_a_status_and_the_run_goes_on():
    answers = {0: "text", 1: math.nan, 2: math.inf, 3: None, 4: [1.0, 2.0], 6: "0.5"}

    def objective(params):
        number = len(seen)
        seen.append(params)
        if number == 5:
            raise ZeroDivisionError("on purpose")
        return answers.get(number, params["x"] ** 2)

    seen = []
    result = tw.minimize(objective, {"x": tw.Float(-1, 1)}, optimizer=tw.ParticleSwarm(), trials=20, seed=0)
    assert (result.trials.status[:7] == Status.FAILED).all()
    assert (result.trials.status[7:] == Status.COMPLETE).all()
    errors = result.to_frame()["error"]
    assert "'text' of type str" in errors[0] and "expected one number" in errors[0]
    assert "not finite" in errors[1] and "not finite" in errors[2]
    assert "NoneType" in errors[3]
    assert "shape (2,)" in errors[4]
    assert "ZeroDivisionError: on purpose" in errors[5]
    assert "'0.5' of type str" in errors[6]


def test_a_run_in_which_everything_fails_ends_early_and_says_why():
    result = tw.minimize(lambda p: 1 / 0, {"x": tw.Float(0, 1)}, optimizer=tw.RandomSearch(), trials=10_000, seed=0)
    assert len(result.trials) < 100
    assert "all failed" in result.stop_reason
    with pytest.raises(NoCompletedTrial, match="ZeroDivisionError"):
        _ = result.best


def test_the_target_ends_the_run_in_the_users_sign():
    result = tw.minimize(parabola, SPACE, target=0.5, trials=1000, seed=0, optimizer=tw.RandomSearch())
    assert result.best.value <= 0.5 and "target 0.5" in result.stop_reason
    assert (result.trials.value[:-1] > 0.5).all()
    up = tw.minimize(
        lambda p: -parabola(p), SPACE, goal="maximize", target=-0.5, trials=1000, seed=0, optimizer=tw.RandomSearch()
    )
    assert len(up.trials) == len(result.trials)


def test_seconds_end_the_run():
    result = tw.minimize(parabola, SPACE, optimizer=tw.RandomSearch(), seconds=0.05, seed=0)
    assert len(result.trials) > 0 and result.stop_reason == "the budget of 0.05 seconds is spent"


def test_initial_points_come_first():
    first = [{"x": 1.0, "kind": "b"}, {"x": 2.0, "kind": "a"}]
    result = tw.minimize(parabola, SPACE, optimizer=tw.ParticleSwarm(), trials=10, seed=0, initial=first)
    assert [result.trial(i).params for i in (0, 1)] == first
    assert result.best.value == 0.0


def test_ctrl_c_ends_cleanly_and_keeps_everything():
    def objective(params):
        calls.append(params)
        if len(calls) == 8:
            raise KeyboardInterrupt
        return params["x"]

    calls = []
    result = tw.minimize(objective, {"x": tw.Float(0, 1)}, optimizer=tw.RandomSearch(), trials=20, seed=0)
    assert result.trials.count(Status.COMPLETE) == 7
    assert result.stop_reason == "interrupted by Ctrl-C"


def test_observers_are_told_of_everything_in_order():
    events = []
    tw.minimize(parabola, SPACE, optimizer=tw.RandomSearch(), trials=3, seed=0, observers=[events.append])
    kinds = [type(event) for event in events]
    assert kinds == [RunStarted, *[TrialsStarted, TrialsFinished] * 3, RunStopped]
    best = [event.best for event in events if isinstance(event, TrialsFinished)]
    assert best == sorted(best, reverse=True)
    assert events[2].improved


def test_a_vectorized_function_sees_all_points_at_once():
    shapes = []

    def sphere(x):
        shapes.append(x.shape)
        return (x**2).sum(axis=1)

    result = tw.minimize(
        sphere, tw.Box(-5, 5, dim=4), optimizer=tw.ParticleSwarm(size=20), evaluations=110, vectorized=True, seed=0
    )
    assert shapes == [(20, 4)] * 5 + [(10, 4)]
    assert len(result.trials) == 110 and "110 evaluations" in result.stop_reason
    assert result.best.params.shape == (4,)


def test_a_vectorized_dict_space_gets_one_array_a_parameter():
    def objective(p):
        assert p["kind"].dtype == object and p["n"].dtype == np.int64
        return p["x"] + p["n"] + (p["kind"] == "a")

    space = {**SPACE, "n": tw.Int(0, 3)}
    result = tw.minimize(objective, space, optimizer=tw.RandomSearch(), evaluations=64, vectorized=True, seed=0)
    assert result.trials.count(Status.COMPLETE) == 64


def test_what_the_objective_does_to_its_argument_changes_nothing():
    def spoil(x):
        value = float((x**2).sum())
        x[:] = 99.0
        return value

    kwargs = {"optimizer": tw.ParticleSwarm(), "trials": 50, "seed": 1}
    spoiled = tw.minimize(spoil, tw.Box(-1, 1, dim=2), **kwargs)
    clean = tw.minimize(lambda x: float((x**2).sum()), tw.Box(-1, 1, dim=2), **kwargs)
    assert np.array_equal(spoiled.trials.candidates.x, clean.trials.candidates.x)


@pytest.mark.parametrize(
    ("changes", "error", "text"),
    [
        ({"trials": None}, InvalidSettings, "nothing would end this run"),
        ({"trials": 0}, InvalidSettings, "trials=0"),
        ({"trials": 2.5}, InvalidSettings, "trials=2.5"),
        ({"seconds": -1}, InvalidSettings, "seconds=-1"),
        ({"target": math.nan}, InvalidSettings, "target is NaN"),
        ({"seed": -1}, InvalidSettings, "seed=-1"),
        ({"goal": "max"}, InvalidProblem, "'minimize' or 'maximize'"),
        ({"optimizer": "best"}, InvalidSettings, "optimizer='best'"),
        ({"optimizer": tw.RandomSearch}, InvalidSettings, "with parentheses"),
        ({"optimizer": tw.GradientDescent()}, IncompatibleProblem, "GradientDescent needs gradients"),
        ({"executor": "many"}, InvalidSettings, "executor='many'"),
        ({"executor": Serial(), "trial_seconds": 1}, InvalidSettings, r"Processes\(1\)"),
        ({"trial_seconds": 0}, InvalidSettings, "trial_seconds=0"),
        ({"initial": [{"x": 99, "kind": "a"}]}, tw.errors.InvalidSpace, "x=99 lies outside"),
        ({"constraints": 3}, InvalidProblem, "a constraint must be a function"),
        ({"gradient": 3}, InvalidProblem, "gradient must be"),
        ({"trials": math.inf}, InvalidSettings, "trials=inf"),
        ({"trials": "many"}, InvalidSettings, "trials='many'"),
        ({"seconds": "60"}, InvalidSettings, "seconds='60'"),
        ({"seed": "x"}, InvalidSettings, "seed='x'"),
        ({"goal": ["minimize", "maximize"], "target": 1}, InvalidSettings, "target= is for a single objective"),
        ({"space": tw.Box(dim=2)}, IncompatibleProblem, "finite bounds can only be searched along a gradient"),
    ],
)
def test_bad_settings_are_refused_in_words(changes, error, text):
    with pytest.raises(error, match=text):
        tw.minimize(parabola, **{"space": SPACE, "trials": 5, "seed": 0, **changes})


def test_what_belongs_to_a_problem_is_not_given_beside_it():
    with pytest.raises(InvalidSettings, match="belong to the Problem"):
        tw.minimize(tw.Problem(parabola, SPACE), goal="maximize", trials=5)


def test_functions_as_choices_can_be_continued_in_another_process(tmp_path):
    call = {"space": {"f": tw.Categorical([math.sin, parabola])}, "optimizer": tw.RandomSearch(), "name": "functions"}
    storage = f"sqlite:///{tmp_path / 'runs.db'}"
    tw.minimize(lambda p: 1.0, trials=2, storage=storage, seed=0, **call)
    stored = open_storage(storage).read("functions").settings
    assert " at 0x" not in str(stored["space"])
    assert len(tw.minimize(lambda p: 1.0, trials=4, storage=storage, **call).trials) == 4


def test_a_durable_run_is_continued_and_extended(tmp_path):
    store = {"storage": f"sqlite:///{tmp_path / 'runs.db'}", "name": "valley", "optimizer": tw.ParticleSwarm(size=5)}
    half = tw.minimize(parabola, SPACE, trials=33, seed=4, **store)
    whole = tw.minimize(parabola, SPACE, trials=70, **store)
    never_stopped = tw.minimize(parabola, SPACE, trials=70, seed=4, optimizer=store["optimizer"])
    assert len(half.trials) == 33
    assert np.array_equal(whole.trials.candidates.x, never_stopped.trials.candidates.x)
    assert np.array_equal(whole.trials.value, never_stopped.trials.value)
    again = tw.minimize(parabola, SPACE, trials=70, **store)
    assert len(again.trials) == 70


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"space": {**SPACE, "x": tw.Float(-5, 11)}}, r"space x = Float\(low=-5, high=10"),
        ({"goal": "maximize"}, "goals"),
        ({"optimizer": tw.ParticleSwarm(size=6)}, "optimizer"),
        ({"seed": 5}, "seed 4, and the call says 5"),
        ({"initial": [{"x": 0.0, "kind": "a"}]}, "initial"),
        ({"space": dict(reversed(SPACE.items()))}, "space in the order x, kind, and the call says kind, x"),
    ],
)
def test_contradicting_a_stored_run_is_an_error(tmp_path, changes, text):
    call = {
        "objective": parabola, "space": SPACE, "optimizer": tw.ParticleSwarm(size=5), "trials": 5, "seed": 4,
        "storage": f"sqlite:///{tmp_path / 'runs.db'}", "name": "valley",
    }  # fmt: skip
    tw.minimize(**call)
    with pytest.raises(ContradictorySettings, match=text):
        tw.minimize(**{**call, **changes})


def test_a_gradient_by_hand_and_by_backpropagation_agree():
    torch = pytest.importorskip("torch")
    box, scale = tw.Box(-5, 5, dim=3), np.array([1.0, 2.0, 3.0])
    by_hand = tw.minimize(
        lambda x: float((scale * x**2).sum()), box, gradient=lambda x: 2 * scale * x,
        optimizer=tw.GradientDescent(learning_rate=0.05), trials=30, seed=0, initial=[[1.0, 1.0, 1.0]],
    )  # fmt: skip
    by_torch = tw.minimize(
        lambda x: (torch.tensor(scale) * x**2).sum(), box, gradient="torch",
        optimizer=tw.GradientDescent(learning_rate=0.05), trials=30, seed=0, initial=[[1.0, 1.0, 1.0]],
    )  # fmt: skip
    assert np.allclose(by_hand.trials.value, by_torch.trials.value, rtol=1e-12, atol=0)
    assert by_hand.best.value < 0.1
