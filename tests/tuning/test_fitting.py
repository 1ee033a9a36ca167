import warnings

import joblib
import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_info

from thalweg.tuning.fitting import ROWS_PER_THREAD, fitted, quiet, seeded


def test_seeds_go_to_estimators_inside_and_not_over_the_users():
    model = seeded(make_pipeline(StandardScaler(), Ridge()), 2**40 + 5)
    assert model[-1].random_state == (2**40 + 5) % 2**31
    assert seeded(Ridge(random_state=1), 9).random_state == 1
    assert seeded(StandardScaler(), 9).get_params() == StandardScaler().get_params()


def test_threads_follow_the_rows():
    before = {pool["filepath"]: pool["num_threads"] for pool in threadpool_info()}
    with quiet(ROWS_PER_THREAD):
        assert {pool["num_threads"] for pool in threadpool_info()} == {1}
    assert {pool["filepath"]: pool["num_threads"] for pool in threadpool_info()} == before


def test_fitting_may_use_every_processor_without_starting_processes():
    class Watched(Ridge):
        def fit(self, X, y):
            self.seen_ = joblib.parallel.get_active_backend()
            return self

    backend, jobs = fitted(Watched(), [[0.0]], np.zeros(1), 0).seen_
    assert (type(backend).__name__, jobs) == ("ThreadingBackend", joblib.cpu_count())
    assert joblib.parallel.get_active_backend()[1] is None


def test_warnings_are_not_shown_and_come_back():
    with quiet(10):
        warnings.warn("not now", stacklevel=1)
    with pytest.warns(UserWarning, match="again"):
        warnings.warn("again", stacklevel=1)
