"""``thalweg predict``: a saved model on new rows."""

import json
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from thalweg.cli.display import make_console
from thalweg.cli.files import write_whole
from thalweg.cli.models import load_model
from thalweg.cli.stored import find_run, open_runs
from thalweg.data import read_table
from thalweg.errors import InvalidData, InvalidSettings, StorageError

__all__ = ["predict_table"]


def predict_table(run: str, table: Path, output: Path, proba: bool, storage: str, as_json: bool) -> None:
    """Predict every row of a table and write the predictions, a row per row in the table's order.

    The file has one column, named like the target; with ``proba`` one more for each class.

    Raises:
        InvalidData: The table cannot be read, or lacks a column that the model learned from.
        InvalidSettings: Probabilities are asked of a model that has none.
        StorageError: The run has no saved model.
    """
    store = open_runs(storage)
    name = find_run(store, run)
    notes = store.read(name).notes
    if notes.get("kind") != "tune":
        raise InvalidSettings(f"the run {name!r} has no model to predict with: it was not made by thalweg tune")
    if not notes.get("model"):
        raise StorageError(f"the run {name!r} has no saved model yet: thalweg resume {name} finishes it")
    rows = read_table(table)
    lacking = [column for column in notes["features"] if column not in rows.columns]
    if lacking:
        names = ", ".join(map(repr, lacking[:5])) + (", …" if len(lacking) > 5 else "")
        raise InvalidData(f"{table}: lacks {len(lacking)} columns that the model learnt from: {names}")
    model = load_model(Path(notes["model"]))
    predictions = _predictions(model, rows[notes["features"]], notes["target"], proba)
    _write(predictions, output, name, as_json)


def _predictions(model: Any, features: pd.DataFrame, target: str, proba: bool) -> pd.DataFrame:
    predictions = pd.DataFrame({target: model.predict(features)})
    if proba:
        if not hasattr(model, "predict_proba"):
            raise InvalidSettings("--proba: this model gives no probabilities; they belong to classification")
        for label, column in zip(model.classes_, model.predict_proba(features).T, strict=True):
            predictions[f"probability of {label}"] = column
    return predictions


def _write(predictions: pd.DataFrame, output: Path, name: str, as_json: bool) -> None:
    to_stdout = str(output) == "-"
    if not to_stdout:
        write_whole(output, lambda path: predictions.to_csv(path, index=False))
    if as_json:
        values = predictions.to_dict("list")
        print(json.dumps({"run": name, "rows": len(predictions), "output": str(output), "predictions": values}))
    elif to_stdout:
        predictions.to_csv(sys.stdout, index=False)
    else:
        make_console().print(f"{len(predictions):,} predictions of {name} are in {output}")
