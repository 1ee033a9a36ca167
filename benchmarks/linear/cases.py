"""What is fitted: data, loss, penalty and strength of every case; and the one function that judges all answers.

Every method minimizes F(w, b) = (1/n) Σ ℓ(x·w + b, y) + λ Ω(w), with ℓ = ½ (η − y)² or log(1 + e^η) − y η, and Ω = ½ ‖w‖²
or ‖w‖₁. The intercept b is never penalized; the sparse cases have none, because liblinear would penalize it.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_array
from scipy.special import expit

Run = tuple[str, float | None]  # a method, and its tolerance


@dataclass(frozen=True)
class Case:
    """One table.

    Attributes:
        title: What it is.
        make: From the share of the full number of rows to X and y.
        loss: "squared" or "logistic".
        penalty: "l2" or "l1".
        intercept: Whether there is one.
        peers: The other methods.
        target: Largest ratio of our CPU seconds to those of the best peer.
        references: Two runs whose smallest F stands for the minimum; how well they agree is printed.
        memory: Most extra memory, MB; None where the target names none.
        rivals: The peers among which that best is looked for; all, where none are named.
        share: λ as a share of the smallest for which w = 0 is best; None for λ = 1/n, scikit-learn's C = 1.
    """

    title: str
    make: Callable[[float], tuple[Any, np.ndarray]]
    loss: str
    penalty: str
    intercept: bool
    peers: tuple[str, ...]
    target: float
    references: tuple[Run, Run]
    memory: float | None = None
    rivals: tuple[str, ...] = ()
    share: float | None = None


@dataclass(frozen=True)
class Task:
    """One case as a method gets it."""

    X: Any
    y: np.ndarray
    loss: str
    penalty: str
    intercept: bool
    strength: float
    threads: int = 1

    def head(self, k: int) -> "Task":
        """Give the first rows, with a λ that does not make so few of them a harder problem than all are."""
        return replace(self, X=self.X[:k], y=self.y[:k], strength=max(self.strength, 1 / k))

    def value(self, w: np.ndarray, b: float) -> float:
        """Give F(w, b) in double precision."""
        w = np.asarray(w, dtype=np.float64).ravel()
        eta = self.X @ w + float(b)
        losses = (eta - self.y) ** 2 / 2 if self.loss == "squared" else np.logaddexp(0, eta) - self.y * eta
        size = np.abs(w).sum() if self.penalty == "l1" else w @ w / 2
        return float(losses.mean() + self.strength * size)


def dense(n: int, d: int, condition: float, loss: str, rescaled: bool = False, used: int | None = None) -> Any:
    """Draw correlated columns X = Z A, A with singular values from 1 down to 1/condition, and targets of a linear model."""
    rng = np.random.default_rng(0)
    left, _ = np.linalg.qr(rng.normal(size=(d, d)))
    right, _ = np.linalg.qr(rng.normal(size=(d, d)))
    mixing = np.eye(d) if condition == 1 else (left * np.geomspace(1, 1 / condition, d)) @ right * np.sqrt(d / 10)
    X = np.empty((n, d))
    for i in range(0, n, 50_000):
        part = X[i : i + 50_000]
        part[...] = rng.normal(size=part.shape) @ mixing
    w = rng.normal(size=d) * (np.arange(d) < (d if used is None else used))
    eta = X @ w
    eta *= 2 / eta.std()
    y = eta + 0.5 + rng.normal(size=n) if loss == "squared" else (rng.random(n) < expit(eta - 0.5)).astype(float)
    if rescaled:
        X *= 10 ** rng.uniform(-2, 2, size=d)
    return X, y


def sparse(n: int, d: int, entries: int, text: bool) -> Any:
    """Draw rows of so many entries: anywhere, normal; or, like words, some columns often, positive, rows of length 1."""
    rng = np.random.default_rng(0)
    if text:
        popular = 1 / (np.arange(d) + 20.0)  # Zipf's law, blunted as by a list of stop words
        drawn = np.searchsorted(np.cumsum(popular / popular.sum()), rng.random((n, entries))).astype(np.int32)
        drawn, values = np.minimum(drawn, d - 1), rng.gamma(2.0, size=(n, entries))
        values /= np.linalg.norm(values, axis=1, keepdims=True)
    else:
        drawn, values = rng.integers(d, size=(n, entries), dtype=np.int32), rng.normal(size=(n, entries))
    X = csr_array((values.ravel(), drawn.ravel(), np.arange(0, n * entries + 1, entries, dtype=np.int32)), shape=(n, d))
    X.sum_duplicates()
    eta = X @ (rng.normal(size=d) * (rng.random(d) < 0.1))
    return X, (rng.random(n) < expit(3 * eta / eta.std())).astype(float)


def prepare(case: Case, scale: float, folder: Path) -> None:
    """Make the data of a case, and keep it in a folder."""
    X, y = case.make(scale)
    arrays = {"X": X} if isinstance(X, np.ndarray) else {"data": X.data, "indices": X.indices, "indptr": X.indptr}
    for name, array in (arrays | {"y": y}).items():
        np.save(folder / f"{name}.npy", array)
    residual = y - (y.mean() if case.intercept else 0.5 if case.loss == "logistic" else 0.0)
    centred = residual - residual.mean() if case.intercept else residual
    strength = 1 / len(y) if case.share is None else case.share * float(np.abs(X.T @ centred).max()) / len(y)
    facts = {"shape": X.shape, "strength": strength}
    (folder / "facts.json").write_text(
        json.dumps(facts | {k: getattr(case, k) for k in ("loss", "penalty", "intercept")})
    )


def load(folder: Path, threads: int) -> Task:
    """Read what ``prepare`` kept, all of it into memory."""
    facts = json.loads((folder / "facts.json").read_text())
    arrays = {file.stem: np.load(file) for file in folder.glob("*.npy")}
    y = arrays.pop("y")
    shape = tuple(facts.pop("shape"))
    X = arrays["X"] if "X" in arrays else csr_array((arrays["data"], arrays["indices"], arrays["indptr"]), shape=shape)
    return Task(X, y, threads=threads, **facts)


def _rows(scale: float, full: int) -> int:
    return max(2_000, int(full * scale))


SKLEARN = ("newton-cholesky", "lbfgs", "saga")
LOGISTIC: dict[str, Any] = {
    "loss": "logistic", "penalty": "l2", "intercept": True, "peers": (*SKLEARN, "glum"), "rivals": SKLEARN,
    "target": 0.2, "memory": 20.0, "references": (("thalweg", 1e-14), ("newton-cholesky", 1e-12)),
}  # fmt: skip
SPARSE_L2: dict[str, Any] = {
    "loss": "logistic", "penalty": "l2", "intercept": False, "target": 1.0,
    "peers": ("lbfgs", "snapml", "liblinear", "cyanure", "skglm"), "references": (("thalweg", 1e-12), ("lbfgs", 1e-12)),
}  # fmt: skip
SPARSE_L1: dict[str, Any] = {
    "loss": "logistic", "penalty": "l1", "intercept": False, "target": 1.0, "memory": 50.0,
    "peers": ("liblinear", "cyanure", "skglm"), "references": (("thalweg", 1e-12), ("liblinear", 1e-7)),
}  # fmt: skip
LASSO: dict[str, Any] = {"loss": "squared", "penalty": "l1", "intercept": True, "target": 1.0}

DENSE_ROWS, SPARSE_ROWS, COLUMNS = 1_000_000, 200_000, 50_000

CASES: dict[str, Case] = {
    "least squares": Case(
        "Least squares with L2, 1,000,000 × 50, correlated columns",
        lambda scale: dense(_rows(scale, DENSE_ROWS), 50, 50, "squared"),
        "squared", "l2", True, ("Ridge(cholesky)", "sklearn LinearRegression", "glum", "torch L-BFGS"), 0.45,
        (("thalweg", None), ("Ridge(cholesky)", None)), memory=10.0, rivals=("Ridge(cholesky)",),
    ),
    "logistic": Case(
        "Logistic with L2, 1,000,000 × 50, correlated columns",
        lambda scale: dense(_rows(scale, DENSE_ROWS), 50, 50, "logistic"), **LOGISTIC,
    ),
    "logistic, independent": Case(
        "Logistic with L2, 1,000,000 × 50, independent columns",
        lambda scale: dense(_rows(scale, DENSE_ROWS), 50, 1, "logistic"), **LOGISTIC,
    ),
    "logistic, rescaled": Case(
        "Logistic with L2, 1,000,000 × 50, correlated columns rescaled by 10^U(−2, 2)",
        lambda scale: dense(_rows(scale, DENSE_ROWS), 50, 50, "logistic", rescaled=True), **LOGISTIC,
    ),
    "sparse L2": Case(
        "Sparse logistic with L2, 200,000 × 50,000, 50 normal entries a row",
        lambda scale: sparse(_rows(scale, SPARSE_ROWS), COLUMNS, 50, text=False), **SPARSE_L2,
    ),
    "sparse L2, text": Case(
        "Sparse logistic with L2, 200,000 × 50,000, 50 entries a row, spread like words",
        lambda scale: sparse(_rows(scale, SPARSE_ROWS), COLUMNS, 50, text=True), **SPARSE_L2,
    ),
    "sparse L1": Case(
        "Sparse logistic with L1, 200,000 × 50,000, 50 normal entries a row",
        lambda scale: sparse(_rows(scale, SPARSE_ROWS), COLUMNS, 50, text=False), **SPARSE_L1,
    ),
    "sparse L1, text": Case(
        "Sparse logistic with L1, 200,000 × 50,000, 50 entries a row, spread like words",
        lambda scale: sparse(_rows(scale, SPARSE_ROWS), COLUMNS, 50, text=True), **SPARSE_L1,
    ),
    "lasso": Case(
        "Lasso, 1,000,000 × 50, correlated columns, λ = λ_max / 100",
        lambda scale: dense(_rows(scale, DENSE_ROWS), 50, 50, "squared", used=10),
        peers=("Lasso(precompute=True)", "celer"),
        references=(("thalweg", 1e-13), ("Lasso(precompute=True)", 1e-13)), share=0.01, **LASSO,
    ),
    "lasso, wide": Case(
        "Lasso, 2,000 × 10,000, independent columns, λ = λ_max / 20",
        lambda scale: dense(2_000, int(10_000 * min(1.0, 4 * scale)), 1, "squared", used=100),
        peers=("Lasso", "celer", "skglm"), references=(("thalweg", 1e-13), ("celer", 1e-13)), share=0.05, **LASSO,
    ),
}  # fmt: skip
