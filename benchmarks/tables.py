"""Our networks for tables beside their peers, all with their defaults: score on rows held out, and CPU seconds of a fit.

    python benchmarks/tables.py > benchmarks/results/tables.md

Peers: scikit-learn's MLP behind a StandardScaler, an imputer and one-hot categories, its targets scaled, as it is and with
early_stopping=True; and its HistGradientBoosting. Ours gets the tables as they are. Four fifths of the rows are learned
from; a seed draws the split, and what is random in the method. R² for numbers, accuracy for classes; medians over seeds.
The last row is the mean of (score − worst) / (best − worst), the methods' scores on each table being compared. One thread.
"""

import os
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import pandas as pd
from sklearn import datasets
from sklearn.compose import TransformedTargetRegressor, make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import thalweg.training.network as ours

SEEDS = 5
Table = tuple[pd.DataFrame, Any]


def housing() -> Table:
    frame = pd.read_csv(Path(__file__).parents[1] / "examples" / "data" / "housing.csv")
    target = frame.pop("median_house_value").to_numpy(float)
    return frame.assign(ocean_proximity=frame["ocean_proximity"].astype("category")), target


def table(made: tuple[Any, Any]) -> Table:
    return pd.DataFrame(made[0]).rename(columns=str), made[1]


NUMBERS: dict[str, Callable[[], Table]] = {
    "housing": housing,
    "diabetes": lambda: table(datasets.load_diabetes(return_X_y=True)),
    "Friedman 1": lambda: table(datasets.make_friedman1(2000, noise=1, random_state=1)),
    "Friedman 2": lambda: table(datasets.make_friedman2(1000, noise=100, random_state=1)),
    "Friedman 3": lambda: table(datasets.make_friedman3(1000, noise=0.1, random_state=1)),
}
CLASSES: dict[str, Callable[[], Table]] = {
    "digits": lambda: table(datasets.load_digits(return_X_y=True)),
    "breast cancer": lambda: table(datasets.load_breast_cancer(return_X_y=True)),
    "wine": lambda: table(datasets.load_wine(return_X_y=True)),
    "twelve clusters": lambda: table(
        datasets.make_classification(4000, 20, n_informative=10, n_classes=4, n_clusters_per_class=3, random_state=1)
    ),
    "sum of squares": lambda: table(datasets.make_hastie_10_2(4000, random_state=1)),
    "shells": lambda: table(
        datasets.make_gaussian_quantiles(n_samples=3000, n_features=8, n_classes=3, random_state=1)
    ),
}


def encoded(model: Any) -> Any:
    numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    return make_pipeline(
        make_column_transformer(
            (numbers, make_column_selector(dtype_include="number")),
            (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude="number")),
        ),
        model,
    )


def network(classes: bool, seed: int, **settings: Any) -> Any:
    return (ours.MLPClassifier if classes else ours.MLPRegressor)(seed=seed, **settings)


def peer(classes: bool, seed: int, **settings: Any) -> Any:
    if classes:
        return encoded(MLPClassifier(random_state=seed, **settings))
    model = MLPRegressor(random_state=seed, **settings)
    return encoded(TransformedTargetRegressor(model, transformer=StandardScaler()))


def trees(classes: bool, seed: int) -> Any:
    return (HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor)(random_state=seed)


METHODS: dict[str, Callable[[bool, int], Any]] = {
    "Thalweg": network,
    "Thalweg, piecewise linear": lambda classes, seed: network(classes, seed, embedding="piecewise_linear"),
    "sklearn MLP": peer,
    "sklearn MLP, early stopping": lambda classes, seed: peer(classes, seed, early_stopping=True),
    "sklearn HistGB": trees,
}


def measured(made: Table, classes: bool, method: Callable[[bool, int], Any]) -> tuple[float, float]:
    """Give the medians of score and CPU seconds over the seeds."""
    X, y = made
    found = []
    for seed in range(SEEDS):
        parts = train_test_split(X, y, test_size=0.2, random_state=seed, stratify=y if classes else None)
        X_learn, X_test, y_learn, y_test = parts
        begin = time.process_time()
        model = method(classes, seed).fit(X_learn, y_learn)
        seconds = time.process_time() - begin
        found.append((model.score(X_test, y_test), seconds))
    score, seconds = np.median(found, axis=0)
    return float(score), float(seconds)


def main() -> None:
    warnings.simplefilter("ignore", ConvergenceWarning)
    print(f"Medians of {SEEDS} seeds: score, CPU seconds of a fit.\n")
    print("| | rows × columns |", " | ".join(METHODS), "|")
    print("|---|---:|" + "---:|" * len(METHODS))
    scores = []
    for classes, tables in ((False, NUMBERS), (True, CLASSES)):
        for name, make in tables.items():
            made = make()
            found = [measured(made, classes, method) for method in METHODS.values()]
            scores.append([score for score, _ in found])
            best = max(scores[-1])
            cells = [f"{'**' * (s == best)}{s:.3f}{'**' * (s == best)}, {seconds:.2f} s" for s, seconds in found]
            print(f"| {name} | {len(made[0]):,} × {made[0].shape[1]} |", " | ".join(cells), "|", flush=True)
    worst, best = np.min(scores, axis=1, keepdims=True), np.max(scores, axis=1, keepdims=True)
    means = ((np.array(scores) - worst) / (best - worst)).mean(axis=0)
    print("| between worst (0) and best (1) | |", " | ".join(f"{mean:.2f}" for mean in means), "|")


if __name__ == "__main__":
    main()
