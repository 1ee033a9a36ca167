"""Study: the ask/tell shell, several workers on one storage, and what is left behind by lost ones."""

import threading

import numpy as np
import pytest

import thalweg as tw
from thalweg.errors import InvalidProblem, InvalidSettings
from thalweg.problem import Status
from thalweg.study import Budget, Serial, run

SPACE = {"x": tw.Float(-5, 10), "n": tw.Int(1, 9)}


def objective(params):
    return (params["x"] - 1) ** 2 + params["n"]


def make(**changes):
    return tw.Study(tw.Problem(objective, SPACE), **{"optimizer": tw.ParticleSwarm(size=6), "seed": 0, **changes})


def test_asking_and_telling_by_hand_equals_minimize():
    study = make()
    for _ in range(40):
        (trial,) = study.ask()
        study.tell(trial, objective(trial.params))
    by_loop = tw.minimize(objective, SPACE, optimizer=tw.ParticleSwarm(size=6), trials=40, seed=0)
    assert np.array_equal(study.result().trials.candidates.x, by_loop.trials.candidates.x)
    assert study.result().best.value == by_loop.best.value == study.best_value


def test_results_come_in_any_order_and_a_generation_waits_for_all():
    study = make()
    trials = study.ask(10)
    assert len(trials) == 6 and study.ask() == []
    for trial in reversed(trials):
        study.tell(trial, objective(trial.params))
    assert [trial.number for trial in study.ask(2)] == [6, 7]


def test_a_trial_is_told_once_and_only_by_its_study():
    study = make()
    (trial,) = study.ask()
    study.tell(trial.number, 1.0)
    with pytest.raises(InvalidSettings, match="trial 0 is not running here"):
        study.tell(trial, 2.0)
    with pytest.raises(InvalidSettings, match="trial 77"):
        study.tell(77, 2.0)


def test_a_wrong_value_is_refused_and_the_trial_can_still_be_told():
    study = make()
    (trial,) = study.ask()
    with pytest.raises(InvalidProblem, match="expected one number"):
        study.tell(trial, "good")
    study.tell(trial, error="the machine caught fire", seconds=3.0)
    (row,) = study.result().to_frame().to_dict("records")
    assert row["status"] == "failed" and row["error"] == "the machine caught fire" and row["seconds"] == 3.0


def test_two_studies_on_one_storage_never_propose_the_same_trial(tmp_path):
    storage = f"sqlite:///{tmp_path / 'runs.db'}"
    one, two = (make(storage=storage, name="shared") for _ in range(2))
    first, second = one.ask(3), two.ask(3)
    assert [t.number for t in first + second] == list(range(6))
    slots = one.result().trials.candidates.slot
    assert sorted(slots.tolist()) == list(range(6))
    for study, trials in ((two, second), (one, first)):
        for trial in trials:
            study.tell(trial, objective(trial.params))
    assert [t.number for t in two.ask(1)] == [6]
    assert one.result().trials.count(Status.COMPLETE) == 6


def test_workers_in_threads_share_one_budget(tmp_path):
    storage = f"sqlite:///{tmp_path / 'runs.db'}"

    def work():
        run(make(storage=storage, name="shared"), Serial(), Budget(trials=60))

    make(storage=storage, name="shared")
    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    trials = make(storage=storage, name="shared").result().trials
    assert trials.number.tolist() == list(range(60))
    assert trials.count(Status.COMPLETE) == 60
    assert len(set(trials.candidates.slot.tolist())) == 60


def test_released_trials_are_evaluated_first_when_the_study_goes_on(tmp_path):
    storage = f"sqlite:///{tmp_path / 'runs.db'}"
    study = make(storage=storage, name="given back")
    told, left = study.ask(2)
    study.tell(told, objective(told.params))
    study.release()
    result = tw.minimize(
        objective, SPACE, optimizer=tw.ParticleSwarm(size=6), trials=20, storage=storage, name="given back"
    )
    assert result.trials.count(Status.COMPLETE) == 20
    assert result.trial(left.number).params == left.params
    never_stopped = tw.minimize(objective, SPACE, optimizer=tw.ParticleSwarm(size=6), trials=20, seed=0)
    assert np.array_equal(result.trials.candidates.x, never_stopped.trials.candidates.x)


def test_a_study_chosen_automatically_continues_with_what_was_stored(tmp_path):
    storage = f"sqlite:///{tmp_path / 'runs.db'}"
    first = tw.minimize(objective, SPACE, trials=5, seed=0, storage=storage, name="auto")
    second = tw.minimize(objective, SPACE, trials=8, storage=storage, name="auto")
    assert len(second.trials) == 8 and second.choice == first.choice != ""
    assert np.array_equal(first.trials.candidates.x, second.trials.candidates.x[:5])


def test_a_trial_of_another_study_is_refused():
    one, two = make(), make(seed=1)
    (trial,), _ = one.ask(), two.ask()
    with pytest.raises(InvalidSettings, match="to the study that was asked"):
        two.tell(trial, 1.0)


def test_a_model_forgets_reclaimed_points_once_they_are_told(tmp_path):
    """A trial taken over from a lost worker must not stay pending: the model would go on believing in it."""

    def interrupted(params):
        calls.append(params)
        if len(calls) == 8:
            raise KeyboardInterrupt
        return objective(params)

    calls = []
    call = {"optimizer": tw.BayesianOptimization(initial=4), "trials": 14}
    storage = {"storage": f"sqlite:///{tmp_path / 'runs.db'}", "name": "halted"}
    tw.minimize(interrupted, SPACE, seed=0, **call, **storage)
    continued = tw.minimize(objective, SPACE, **call, **storage)
    whole = tw.minimize(objective, SPACE, seed=0, **call)
    assert continued.trials.count(Status.COMPLETE) == 14
    assert np.array_equal(continued.trials.candidates.x, whole.trials.candidates.x)


def test_trials_of_a_dropped_study_of_this_process_are_taken_over(tmp_path):
    storage = {"storage": f"sqlite:///{tmp_path / 'runs.db'}", "name": "dropped"}
    study = make(**storage)
    study.ask(2)
    del study
    result = tw.minimize(objective, SPACE, optimizer=tw.ParticleSwarm(size=6), trials=12, **storage)
    assert result.trials.count(Status.COMPLETE) == 12


def test_a_trial_committed_in_the_moment_of_ctrl_c_is_given_back(tmp_path):
    study = make(storage=f"sqlite:///{tmp_path / 'runs.db'}", name="moment")
    study.ask(3)
    study._mine.clear()  # as if interrupted between the commit and the note of it
    study.release()
    assert set(study.storage.running("moment").values()) == {""}
