"""tune, predict, runs and show, on one finished run."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from thalweg.cli.models import load_model
from thalweg.study import Serial, open_storage
from thalweg.tuning import tune


@pytest.fixture
def here(finished, tmp_path):
    """Give a copy of the finished run's directory."""
    shutil.copytree(finished[0], tmp_path, dirs_exist_ok=True)
    return tmp_path


def test_tune_reports_and_saves_everything(finished):
    directory, report = finished
    assert (report["run"], report["task"], report["trials"], report["complete"]) == (
        "houses-1",
        "regression",
        6,
        6,
    )
    assert report["stop_reason"] == "the budget of 6 trials is spent"
    assert report["scoring"] == "neg_root_mean_squared_error"
    constant, untuned, tuned = report["holdout"]["scores"].values()
    assert tuned["RMSE"] < constant["RMSE"]
    assert tuned["RMSE"] == untuned["RMSE"] or report["cross_validation_score"] < 0
    trials = pd.read_csv(report["trials_table"])
    assert trials["value"].max() == report["cross_validation_score"]
    assert trials["status"].tolist() == ["complete"] * 6
    files = sorted(str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file())
    assert [file for file in files if not file.startswith("thalweg.db-")] == [
        "houses.csv",
        "thalweg-runs/houses-1/model.skops",
        "thalweg-runs/houses-1/trials.csv",
        "thalweg.db",
    ]


def test_the_run_is_what_python_finds(finished, houses):
    _, report = finished
    result = tune(None, houses, "price", trials=6, seed=1, cv=3, executor=Serial())
    assert result.cross_validation_score == report["cross_validation_score"]
    assert result.best_params == report["best_params"]
    np.testing.assert_array_equal(
        load_model(Path(report["model"])).predict(houses), result.best_estimator.predict(houses)
    )


def test_predict_gives_what_the_saved_model_gives(here, command, houses):
    rows = houses.iloc[::-1].assign(age=np.nan, new="unknown").reset_index(drop=True)
    rows.loc[3, ["rooms", "town"]] = np.nan
    rows.drop(columns="price").to_csv(here / "new.csv", index=False)
    rows.to_csv(here / "with_target.csv", index=False)
    done = command("predict", "houses-1", "new.csv")
    assert (done.exit_code, done.stdout) == (0, "60 predictions of houses-1 are in predictions.csv\n")
    again = command("predict", "hou", "with_target.csv", "--output", "-")
    assert again.stdout == (here / "predictions.csv").read_text()
    as_json = json.loads(command("predict", "houses-1", "new.csv", "--output", "other.csv", "--json").stdout)
    model = load_model(here / "thalweg-runs" / "houses-1" / "model.skops")
    expected = model.predict(rows[["rooms", "age", "town"]])
    np.testing.assert_array_equal(pd.read_csv(here / "predictions.csv")["price"], expected)
    np.testing.assert_array_equal(as_json["predictions"]["price"], expected)
    assert as_json["rows"] == 60


def test_predict_refuses_what_it_cannot_serve(here, command, houses):
    houses[["town", "price"]].to_csv(here / "narrow.csv", index=False)
    for arguments, said in (
        (
            ["houses-1", "narrow.csv"],
            "narrow.csv: lacks 2 columns that the model learnt from: 'ro",
        ),
        (["houses-1", "absent.csv"], "absent.csv: no such file"),
        (["houses-1", "houses.csv", "--proba"], "no probabilities"),
        (["barns", "houses.csv"], "there is no run 'barns'; there are houses-1"),
        (["houses-1", "houses.csv", "--storage", "absent.db"], "absent.db: no such database"),
        (["houses-1", "houses.csv", "--output", "houses.csv/x.csv"], "not writable"),
    ):
        done = command("predict", *arguments)
        assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.output
        assert said in done.stderr
    open_storage(here / "thalweg.db").note("houses-1", model=str(here / "absent.skops"))
    assert "moved or deleted" in command("predict", "houses-1", "houses.csv").stderr


def test_runs_and_show(here, command, finished):
    _, report = finished
    best = f"RMSE {-report['cross_validation_score']:.4g}"
    listed = command("runs").stdout
    assert listed.splitlines()[1].split()[:4] == ["houses-1", "tune", "price", "6"]
    assert best in listed
    shown = command("show", "h").stdout
    for said in ("regression of price", best, "3 folds", "constant predictor", "model.skops", "Best trials"):
        assert said in shown
    assert "Failures" not in shown
    assert command("runs", "--storage", "absent.db").exit_code == 2
    assert "there is no run 'x'" in command("show", "x").stderr


def test_runs_and_show_in_json(here, command, finished):
    _, report = finished
    (run,) = json.loads(command("runs", "--json").stdout)["runs"]
    whole = json.loads(command("show", "houses-1", "--json").stdout)
    assert run.items() <= whole.items()
    assert run["best"]["score"] == report["cross_validation_score"]
    assert run["best"]["params"] == report["best_params"]
    assert len(whole["best_trials"]) == 6
    assert whole["failures"] == []


def test_failures_are_shown_with_their_messages(here, command, houses):
    with_times = ["--trials", "1", "--trial-seconds", "0.001", "--name", "hasty"]
    done = command("tune", "houses.csv", "--target", "price", *with_times)
    assert done.exit_code == 2
    assert "none of 1 trials was completed (1 timed_out)" in done.stderr
    assert "thalweg resume hasty --seconds S" in done.stderr
    shown = command("show", "hasty").stdout
    assert "1 × stopped at the time limit of 0.001 seconds (first in trial 0)" in shown
    assert "No trial has a value yet" in shown


def test_a_name_begins_a_run_and_continues_it(here, command):
    line = ["tune", "houses.csv", "--target", "price", "--cv", "3", "--name", "houses-1", "--trials"]
    done = command(*line, "7", "--json")
    assert done.exit_code == 0, done.stderr
    assert "6 trials done before" in done.stderr
    assert json.loads(done.stdout)["trials"] == 7
    refused = command(*line, "8", "--holdout", "0.3")
    assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1)
    assert "is stored with holdout = 0.2, and the call says 0.3" in refused.stderr
    assert command(*line[:-2], "../outside", "--trials", "3").exit_code == 2


def test_classification_by_a_method_of_choice(tmp_path, command, houses):
    dear = np.where(houses["price"] > houses["price"].median(), "dear", "cheap")
    houses.assign(price=dear).to_csv(tmp_path / "houses.csv", index=False)
    line = [
        "--trials",
        "7",
        "--optimizer",
        "random",
        "--scoring",
        "accuracy",
        "--holdout",
        "0",
        "--cv",
        "2",
        "--workers",
        "2",
    ]
    done = command("tune", "houses.csv", "--target", "price", *line, "--storage", "other.db")
    assert done.exit_code == 0, done.stderr
    assert "classification: 2 different values (cheap, dear)" in done.stdout
    assert "Next: thalweg predict houses-1 NEW.csv --storage other.db" in done.stdout
    assert "held-out" not in done.stdout
    predicted = command("predict", "houses-1", "houses.csv", "--proba", "--json", "--storage", "other.db")
    columns = json.loads(predicted.stdout)["predictions"]
    np.testing.assert_allclose(np.add(columns["probability of cheap"], columns["probability of dear"]), 1)
    assert set(columns["price"]) == {"cheap", "dear"}


def test_runs_of_python_are_listed_too(tmp_path, command):
    import thalweg as tw

    space = {"x": tw.Float(-1, 1), "kind": tw.Categorical(["a", None]), "w": tw.Box(dim=2, low=0, high=1)}
    where = f"sqlite:///{tmp_path}/thalweg.db"
    result = tw.minimize(
        lambda p: p["x"] ** 2,
        space,
        trials=3,
        seed=0,
        storage=where,
        name="bowl",
        optimizer=tw.RandomSearch(),
    )
    best = json.loads(command("show", "bowl", "--json").stdout)["best"]
    assert best["value"] == result.best.value
    assert best["params"] == {**result.best.params, "w": result.best.params["w"].tolist()}
    assert "bowl" in command("runs").stdout
    assert "was not made by thalweg tune" in command("resume", "bowl").stderr
    assert "has no model" in command("predict", "bowl", "new.csv").stderr


def test_resume_refuses_another_table(here, command, houses):
    houses.iloc[:-1].to_csv(here / "houses.csv", index=False)
    store = open_storage(here / "thalweg.db")
    store.note("houses-1", table=str(here / "houses.csv"))
    assert "its SHA-256 differs" in command("resume", "houses-1", "--trials", "7").stderr
    (here / "houses.csv").unlink()
    refused = command("resume", "houses-1")
    assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1)
    assert "put the run's table back" in refused.stderr
