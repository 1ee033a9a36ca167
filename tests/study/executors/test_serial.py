from functools import partial

import numpy as np
import pytest

from thalweg.errors import InvalidSettings
from thalweg.problem import Candidates, Problem, evaluate
from thalweg.space import Float
from thalweg.study.executors import Serial


def test_one_batch_after_the_other():
    problem = Problem(lambda p: 2 * p["x"], {"x": Float(0, 9)})
    pool = Serial().open(partial(evaluate, problem), None)
    assert pool.free == 1
    for key in (7, 5):
        pool.submit(key, Candidates.at(problem.columns, np.array([[key], [1.0]])))
        assert pool.free == 0
        ((back, evaluations),) = pool.wait(None)
        assert back == key
        assert evaluations.value[:, 0].tolist() == [2 * key, 2]
    pool.close()


def test_a_time_limit_needs_a_process():
    with pytest.raises(InvalidSettings, match=r"Processes\(1\)"):
        Serial().open(lambda candidates: None, 1.0)
