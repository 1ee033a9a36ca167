"""The methods, ours and the peers': from a task and a tolerance to w and b.

Strengths are translated here: λ is scikit-learn's α/n in Ridge, α in Lasso and 1/(Cn) in LogisticRegression; α in glum
(which is told nothing of scaling columns, and so leaves them), skglm and celer; λn in snapml; lambda_1 in cyanure.
Libraries are imported before anything is measured: each method fits a few rows first.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from linear.cases import Task

Answer = tuple[Any, float]  # w and b


@dataclass(frozen=True)
class Method:
    """A way to fit.

    Attributes:
        package: The distribution to be installed.
        fit: From a task and a tolerance to w and b.
        tolerances: From loose to tight; the first that reaches the accuracy is measured. None is the method's default,
            or that it needs none.
    """

    package: str
    fit: Callable[[Task, Any], Answer]
    tolerances: tuple[float | None, ...] = (None,)


def _answer(model: Any) -> Answer:
    """Take the coefficients of a fitted estimator."""
    b = getattr(model, "intercept_", 0.0)
    return model.coef_, float(b if not hasattr(b, "ravel") else b.ravel()[0])


def thalweg(task: Task, tolerance: float | None) -> Answer:
    from thalweg.training.linear.classification import LogisticRegression
    from thalweg.training.linear.regression import LinearRegression

    model = LogisticRegression if task.loss == "logistic" else LinearRegression
    settings = {"fit_intercept": task.intercept, "tolerance": tolerance}
    return _answer(model(task.penalty, task.strength, **settings).fit(task.X, task.y))


def ridge(task: Task, tolerance: None) -> Answer:
    from sklearn.linear_model import Ridge

    return _answer(Ridge(alpha=task.strength * len(task.y), solver="cholesky").fit(task.X, task.y))


def ordinary(task: Task, tolerance: None) -> Answer:
    """Leave λ out: with λ = 1/n the difference is far below the accuracy that is asked for."""
    from sklearn.linear_model import LinearRegression

    return _answer(LinearRegression().fit(task.X, task.y))


def glum(task: Task, tolerance: float | None) -> Answer:
    from glum import GeneralizedLinearRegressor

    family = "binomial" if task.loss == "logistic" else "normal"
    model = GeneralizedLinearRegressor(alpha=task.strength, family=family, gradient_tol=tolerance)
    return _answer(model.fit(task.X, task.y))


def torch_lbfgs(task: Task, tolerance: float) -> Answer:
    import torch

    torch.set_num_threads(task.threads)
    X, y = torch.from_numpy(task.X), torch.from_numpy(task.y)
    w = torch.zeros(X.shape[1], dtype=X.dtype, requires_grad=True)
    b = torch.zeros((), dtype=X.dtype, requires_grad=True)
    settings = {"line_search_fn": "strong_wolfe", "tolerance_grad": tolerance, "tolerance_change": 0.0}
    optimizer = torch.optim.LBFGS([w, b], max_iter=500, **settings)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = 0.5 * ((torch.addmv(b, X, w) - y) ** 2).mean() + 0.5 * task.strength * (w @ w)
        loss.backward()
        return loss

    optimizer.step(closure)
    return w.detach().numpy(), float(b)


def sklearn_logistic(solver: str, max_iter: int) -> Callable[[Task, float], Answer]:
    def fit(task: Task, tolerance: float) -> Answer:
        from sklearn.linear_model import LogisticRegression

        model = LogisticRegression(
            C=1 / (task.strength * len(task.y)), l1_ratio=float(task.penalty == "l1"), solver=solver, tol=tolerance,
            max_iter=max_iter, fit_intercept=task.intercept, random_state=0,
        )  # fmt: skip
        return _answer(model.fit(task.X, task.y))

    return fit


def snapml(task: Task, tolerance: float) -> Answer:
    from snapml import LogisticRegression

    settings = {"dual": False, "tol": tolerance, "max_iter": 10_000, "n_jobs": task.threads, "fit_intercept": False}
    model = LogisticRegression(regularizer=task.strength * len(task.y), **settings)
    return _answer(model.fit(_matrix(task.X), task.y))


def cyanure(task: Task, tolerance: float) -> Answer:
    from cyanure.estimators import Classifier

    settings = {"tol": tolerance, "max_iter": 2_000, "n_threads": task.threads, "verbose": False}
    model = Classifier("logistic", task.penalty, lambda_1=task.strength, fit_intercept=task.intercept, **settings)
    return _answer(model.fit(_matrix(task.X), 2 * task.y - 1))


def skglm(task: Task, tolerance: float) -> Answer:
    import skglm as library
    from skglm.datafits import Logistic
    from skglm.penalties import L2
    from skglm.solvers import LBFGS

    X = _matrix(task.X)
    if task.loss == "squared":
        return _answer(library.Lasso(alpha=task.strength, tol=tolerance).fit(X, task.y))
    if task.penalty == "l1":
        settings = {"tol": tolerance, "max_iter": 100, "fit_intercept": False}
        return _answer(library.SparseLogisticRegression(alpha=task.strength, **settings).fit(X, task.y))
    solver = LBFGS(max_iter=1_000, tol=tolerance)  # the quickest of its solvers here
    solver.fit_intercept = solver.warm_start = False  # which the estimator asks of it, and it lacks
    model = library.GeneralizedLinearEstimator(datafit=Logistic(), penalty=L2(task.strength), solver=solver)
    return _answer(model.fit(X, task.y))


def sklearn_lasso(precompute: bool) -> Callable[[Task, float], Answer]:
    def fit(task: Task, tolerance: float) -> Answer:
        from sklearn.linear_model import Lasso

        settings = {"precompute": precompute, "tol": tolerance, "max_iter": 100_000}
        return _answer(Lasso(alpha=task.strength, **settings).fit(task.X, task.y))

    return fit


def celer(task: Task, tolerance: float) -> Answer:
    from celer import Lasso

    return _answer(Lasso(alpha=task.strength, tol=tolerance, max_iter=1_000).fit(task.X, task.y))


def _matrix(X: Any) -> Any:
    """Give the older class of sparse matrices to those that ask for it by name; the entries are not copied."""
    from scipy.sparse import csr_matrix, issparse

    return csr_matrix(X, copy=False) if issparse(X) else X


def fitted(name: str, task: Task, tolerance: float | None) -> Answer:
    """Fit; a warning that the tolerance was not reached is no news: the objective tells."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return METHODS[name].fit(task, tolerance)


def _tolerances(loosest: int, tightest: int) -> tuple[float, ...]:
    """Give 10^−loosest, a half of a power of ten less, and so on."""
    return tuple(float(f"{10 ** (-k / 2):.0e}") for k in range(2 * loosest, 2 * tightest + 1))


METHODS: dict[str, Method] = {
    "thalweg": Method("thalweg", thalweg),
    "Ridge(cholesky)": Method("scikit-learn", ridge),
    "sklearn LinearRegression": Method("scikit-learn", ordinary),
    "glum": Method("glum", glum, _tolerances(1, 6)),
    "torch L-BFGS": Method("torch", torch_lbfgs, _tolerances(3, 6)),
    "newton-cholesky": Method("scikit-learn", sklearn_logistic("newton-cholesky", 100), _tolerances(1, 6)),
    "lbfgs": Method("scikit-learn", sklearn_logistic("lbfgs", 2_000), _tolerances(3, 10)),
    "saga": Method("scikit-learn", sklearn_logistic("saga", 30), _tolerances(2, 5)),
    "liblinear": Method("scikit-learn", sklearn_logistic("liblinear", 2_000), _tolerances(1, 7)),
    "snapml": Method("snapml", snapml, _tolerances(2, 6)),
    "cyanure": Method("cyanure", cyanure, _tolerances(2, 7)),
    "skglm": Method("skglm", skglm, _tolerances(4, 9)),
    "Lasso": Method("scikit-learn", sklearn_lasso(False), _tolerances(2, 8)),
    "Lasso(precompute=True)": Method("scikit-learn", sklearn_lasso(True), _tolerances(2, 9)),
    "celer": Method("celer", celer, _tolerances(2, 8)),
}
