"""The laws themselves: each is broken by an optimizer made for that, and notices."""

import os
import subprocess
import sys
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest

from thalweg.errors import UnreadableState
from thalweg.optimizers import Capabilities, Optimizer, RandomSearch
from thalweg.optimizers.baseline import RandomState
from thalweg.problem import Candidates
from thalweg.serial import frozen
from thalweg.testing.optimizers import OptimizerLaws, problems


class Faulty(Optimizer[RandomState]):
    """Random search, for a fault to be put in."""

    capabilities: ClassVar[Capabilities] = RandomSearch.capabilities

    def init(self, problem, seed):
        return RandomSearch().init(problem, seed)

    def ask(self, state, n, pending):
        return RandomSearch().ask(state, n, pending)

    def tell(self, state, evaluations):
        return state

    def stop(self, state):
        return ""


@frozen
class Outside(Faulty):
    def ask(self, state, n, pending):
        candidates, state = RandomSearch().ask(state, n, pending)
        return replace(candidates, x=candidates.x + 0.25), state


@frozen
class Wasteful(Faulty):
    def ask(self, state, n, pending):
        return RandomSearch().ask(state, n + 1, pending)


@frozen
class SameSlots(Faulty):
    def ask(self, state, n, pending):
        candidates, _ = RandomSearch().ask(state, n, pending)
        return candidates, state


@frozen
class Writing(Faulty):
    def tell(self, state, evaluations):
        evaluations.value[:] = 0
        return state


@frozen
class Impure(Faulty):
    def ask(self, state, n, pending):
        candidates, state = RandomSearch().ask(state, n, pending)
        return Candidates.at(state.columns, state.columns.random(np.random.default_rng(), n), candidates.slot), state


@frozen
class Forgetful(Faulty):
    """Keeps something that no storage sees."""

    calls: ClassVar[list[int]] = []

    def tell(self, state, evaluations):
        self.calls.append(1)
        return replace(state, seed=len(self.calls))


@frozen
class Deadlocked(Faulty):
    def ask(self, state, n, pending):
        return Candidates.none(state.columns), state


@frozen
class Counting(Faulty):
    def tell(self, state, evaluations):
        return replace(state, seed=state.seed + len(evaluations))


@frozen
class Fragile(Faulty):
    def tell(self, state, evaluations):
        assert np.isfinite(evaluations.value).all()
        return state


@frozen
class Greedy(Faulty):
    """Claims to serve only single objectives, and takes all."""

    capabilities: ClassVar[Capabilities] = Capabilities(constraints=True)


class NotStored(Faulty):
    pass


PROBLEM = problems()["mixed"]


def laws(optimizer):
    suite = OptimizerLaws()
    suite.optimizer = optimizer
    return suite


@pytest.mark.parametrize(
    ("optimizer", "law"),
    [
        (Outside(), "test_proposes_valid_points"),
        (Wasteful(), "test_proposes_valid_points"),
        (SameSlots(), "test_proposes_valid_points"),
        (SameSlots(), "test_respects_pending_points"),
        (SameSlots(), "test_takes_results_in_any_order"),
        (Writing(), "test_never_writes_to_its_inputs"),
        (Impure(), "test_same_state_gives_same_ask"),
        (Forgetful(), "test_continues_from_storage_bit_for_bit"),
        (Deadlocked(), "test_respects_pending_points"),
        (Deadlocked(), "test_takes_results_in_any_order"),
        (Deadlocked(), "test_goes_on_after_lost_points"),
        (Counting(), "test_ignores_what_it_was_told_before"),
        (Fragile(), "test_goes_on_after_failures"),
        (Fragile(), "test_bears_failures_only"),
        (Fragile(), "test_takes_foreign_points"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_each_law_notices_its_offender(optimizer, law):
    getattr(laws(RandomSearch()), law)(PROBLEM)
    with pytest.raises((AssertionError, ValueError)):
        getattr(laws(optimizer), law)(PROBLEM)


def test_an_optimizer_must_refuse_what_it_does_not_serve():
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        laws(Greedy()).test_refuses_what_it_cannot_serve(problems()["several objectives"])


def test_settings_must_be_storable():
    with pytest.raises((TypeError, UnreadableState)):
        laws(NotStored()).test_settings_can_be_stored()


def test_random_search_is_not_better_than_itself():
    with pytest.raises(AssertionError, match="by random search"):
        laws(RandomSearch()).test_is_better_than_random_search()


def test_a_suite_runs_on_what_the_optimizer_serves(tmp_path):
    suite = tmp_path / "test_mine.py"
    suite.write_text(
        "from thalweg.optimizers import GradientDescent\n"
        "from thalweg.testing.optimizers import OptimizerLaws\n\n\n"
        "class TestMine(OptimizerLaws):\n"
        "    optimizer = GradientDescent()\n"
    )
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-k",
        "valid or refuses or stored",
    ]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([*command, str(suite)], capture_output=True, text=True, check=False, cwd=tmp_path, env=env)
    assert "10 passed" in done.stdout, done.stdout  # settings once, valid points on two problems, seven refusals
