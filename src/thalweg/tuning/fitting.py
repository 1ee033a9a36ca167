"""Fitting a model inside a search: repeatable, quiet, and with the threads that pay."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import joblib
from threadpoolctl import threadpool_limits

from thalweg.arrays import AnyArray

__all__ = ["fitted", "quiet", "seeded"]

ROWS_PER_THREAD = 50_000  # with fewer, threads of one fit wait for each other longer than they work


def fitted(estimator: Any, X: Any, y: AnyArray, seed: int) -> Any:
    """Fit an estimator, with a seed where the user has given none, and return it.

    What is divided into tasks that do not wait for each other, the trees of a forest, uses all processors of
    the process. Only fitting does: threads that sum predictions do so in any order, which changes their last
    digits.
    """
    with joblib.parallel_config(backend="threading", n_jobs=joblib.cpu_count()):
        return seeded(estimator, seed).fit(X, y)


def seeded(estimator: Any, seed: int) -> Any:
    """Give a seed to an unfitted estimator, and to those inside it, wherever the user has given none.

    Example:
        >>> from sklearn.linear_model import Ridge
        >>> seeded(Ridge(), 7)
        Ridge(random_state=7)
    """
    params = estimator.get_params(deep=True)
    unset = [name for name, value in params.items() if value is None and name.split("__")[-1] == "random_state"]
    return estimator.set_params(**dict.fromkeys(unset, seed % 2**31)) if unset else estimator


@contextmanager
def quiet(rows: int) -> Iterator[None]:
    """Fit or predict without warnings, and with a number of threads for so many rows.

    Loops that are divided over rows (BLAS, OpenMP: gradient boosting) end at a barrier thousands of times a
    fit. On small tables, or beside other work, waiting there costs far more than the division saves: they
    get one thread for every 50,000 rows, and no more than there are processors.
    """
    threads = max(1, min(joblib.cpu_count(), rows // ROWS_PER_THREAD))
    with warnings.catch_warnings(), threadpool_limits(threads):
        warnings.simplefilter("ignore")
        yield
