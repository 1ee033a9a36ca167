"""The laws that every optimizer obeys, as tests to inherit.

Three lines put an optimizer under all of them::

    class TestMine(OptimizerLaws):
        optimizer = MyOptimizer()

Each law is run on every kind of problem that the optimizer's capabilities claim to serve.
"""

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pytest

from thalweg.arrays import Bools, Floats
from thalweg.errors import IncompatibleProblem
from thalweg.optimizers.base import AnyOptimizer, require
from thalweg.optimizers.baseline.random_search import RandomSearch
from thalweg.problem import Candidates, Evaluations, Need, Problem, Status, evaluate
from thalweg.rng import generator
from thalweg.serial import construct, describe, from_bytes, to_bytes
from thalweg.space import Box, Categorical, Float, Int

__all__ = ["OptimizerLaws", "problems"]


def problems() -> dict[str, Problem]:
    """Make one small problem of each kind."""
    mixed = {
        "x": Float(-2, 5),
        "rate": Float(1e-4, 1, log=True),
        "share": Float(0, 1, step=0.1),
        "count": Int(-3, 3),
        "width": Int(1, 1000, log=True),
        "kind": Categorical(["a", "b", "c"]),
        "only": Categorical([None]),
    }
    nested = {
        "rate": Float(0.1, 10, log=True, when={"solver": ["sgd"]}),
        "model": Categorical(["linear", "net"]),
        "solver": Categorical(["sgd", "adam"], when={"model": ["net"]}),
        "layers": Int(1, 3, when={"model": ["net"]}),
        "x": Float(-1, 1),
    }

    def slope(x: Floats) -> Floats:
        return 2 * (x - 1)

    return {
        "continuous": Problem(_bowl, Box(-5, 10, dim=3), gradient=slope),
        "unbounded": Problem(_bowl, Box(dim=3), gradient=slope),
        "no gradient": Problem(_bowl, Box(-5, 10, dim=2)),
        "mixed": Problem(_mixed, mixed, goal="maximize"),
        "conditional": Problem(_nested, nested),
        "constrained": Problem(_bowl, Box(-5, 10, dim=2), constraints=[lambda x: x[0] + 1, lambda x: -x[1]]),
        "several objectives": Problem(lambda x: (_bowl(x), _bowl(-x)), Box(-5, 10, dim=2), goal=["minimize"] * 2),
    }


class OptimizerLaws:
    """Inherit from this class, and set ``optimizer``; pytest does the rest.

    Attributes:
        optimizer: What is tested.
        evaluations: Length of the runs; shorten it for an optimizer that thinks long.
        sphere_ratio: On a sphere of five columns its best value must be less than so many times that of
            random search; only a baseline needs more than 1.
        sphere_evaluations: Length of the runs for that comparison.
    """

    optimizer: ClassVar[AnyOptimizer]
    evaluations: ClassVar[int] = 40
    sphere_ratio: ClassVar[float] = 1.0
    sphere_evaluations: ClassVar[int] = 200

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Run the laws that take a problem on each that the optimizer serves."""
        every = problems()
        if "any_problem" in metafunc.fixturenames:
            metafunc.parametrize("any_problem", list(every.values()), ids=list(every))
        if "problem" in metafunc.fixturenames:
            served = {name: problem for name, problem in every.items() if _serves(self.optimizer, problem)}
            metafunc.parametrize("problem", list(served.values()), ids=list(served))

    def test_settings_can_be_stored(self) -> None:
        """Settings come back equal from bytes, and from the description that a storage compares."""
        assert from_bytes(to_bytes(self.optimizer)) == self.optimizer
        assert construct(describe(self.optimizer)) == self.optimizer

    def test_refuses_what_it_cannot_serve(self, any_problem: Problem) -> None:
        """What the capabilities exclude is refused in words, and nothing else is."""
        if _serves(self.optimizer, any_problem):
            assert self.optimizer.stop(self.optimizer.init(any_problem, 0)) == ""
        else:
            with pytest.raises(IncompatibleProblem, match="choose another optimizer"):
                self.optimizer.init(any_problem, 0)

    def test_proposes_valid_points(self, problem: Problem) -> None:
        """Points lie within bounds, on integers and grids; inactive columns are neutral, slots unique."""
        seen: set[int] = set()
        for candidates, _ in self._rounds(problem, batch=4):
            _check_valid(problem, candidates)
            assert len(candidates) <= 4, f"{len(candidates)} points, and 4 were asked for"
            assert not seen.intersection(candidates.slot.tolist()), "a slot that was told is proposed again"
            seen.update(candidates.slot.tolist())
        assert seen

    def test_never_writes_to_its_inputs(self, problem: Problem) -> None:
        """A state, pending points and evaluations are the same after a call as before."""
        optimizer = self.optimizer
        state, pending = optimizer.init(problem, 0), Candidates.none(problem.columns)
        for _ in range(self.evaluations // 3):
            _lock((state, pending))
            before = to_bytes((state, pending))
            candidates, following = optimizer.ask(state, 3, pending)
            assert to_bytes((state, pending)) == before, "ask wrote to its arguments"
            if not len(candidates):
                break
            evaluations = _evaluate(problem, candidates.take(np.s_[:2]))
            pending = candidates.take(np.s_[2:])
            _lock((following, evaluations))
            before = to_bytes((following, _arrays(evaluations)))
            state = optimizer.tell(following, evaluations)
            assert to_bytes((following, _arrays(evaluations))) == before, "tell wrote to its arguments"

    def test_same_state_gives_same_ask(self, problem: Problem) -> None:
        """Asking twice gives the same points and the same next state, to the last bit."""
        nothing = Candidates.none(problem.columns)
        for _, state in self._rounds(problem, batch=3):
            first, second = self.optimizer.ask(state, 3, nothing), self.optimizer.ask(state, 3, nothing)
            assert to_bytes(first) == to_bytes(second)

    def test_continues_from_storage_bit_for_bit(self, problem: Problem) -> None:
        """A run that is stored and read back before every call equals one that is not."""

        def through_storage(state: Any) -> Any:
            return from_bytes(to_bytes(state))

        straight = [to_bytes(step) for step in self._rounds(problem, batch=3)]
        stored = [to_bytes(step) for step in self._rounds(problem, batch=3, between=through_storage)]
        assert straight == stored

    def test_takes_results_in_any_order(self, problem: Problem) -> None:
        """Four workers finish in random order; no point is proposed that is still pending."""
        optimizer, random = self.optimizer, generator(1)
        state, pending = optimizer.init(problem, 0), Candidates.none(problem.columns)
        for _ in range(self.evaluations):
            if len(pending) < 4:
                candidates, state = optimizer.ask(state, 4 - len(pending), pending)
                _check_valid(problem, candidates)
                overlap = set(candidates.slot.tolist()) & set(pending.slot.tolist())
                assert not overlap, f"the slots {overlap} are proposed while they are pending"
                pending = Candidates.join(pending, candidates)
            if not len(pending):
                assert optimizer.stop(state), "it waits for nothing, and gives no reason to stop"
                break
            done = np.zeros(len(pending), dtype=np.bool_)
            done[random.integers(len(pending))] = True
            state = optimizer.tell(state, _evaluate(problem, pending.take(done)))
            pending = pending.take(~done)

    def test_goes_on_after_lost_points(self, problem: Problem) -> None:
        """Half of the results never arrive."""
        told = 0
        for number, (candidates, _) in enumerate(self._rounds(problem, batch=6, keep=_every_second)):
            _check_valid(problem, candidates)
            told += int(_every_second(candidates, number).sum())
        assert told

    def test_goes_on_after_failures(self, problem: Problem) -> None:
        """Every third evaluation fails."""
        for candidates, _ in self._rounds(problem, batch=2, change=_every_third):
            _check_valid(problem, candidates)

    def test_bears_failures_only(self, problem: Problem) -> None:
        """Every evaluation fails: it goes on, or stops with a reason."""
        for candidates, _ in self._rounds(problem, batch=4, change=_all):
            _check_valid(problem, candidates)

    def test_takes_foreign_points(self, problem: Problem) -> None:
        """Points that it did not propose are told at the beginning and later, a failed one among them."""
        columns = problem.columns
        x = np.tile(columns.neutral, (4, 1)) if not columns.bounded else columns.random(generator(2), 4)
        foreign = _evaluate(problem, Candidates.at(columns, x))
        foreign = _fail(foreign, np.array([False, True, False, False]))
        optimizer = self.optimizer
        state = optimizer.tell(optimizer.init(problem, 0), foreign)
        for _ in range(self.evaluations // 4):
            candidates, state = optimizer.ask(state, 4, Candidates.none(columns))
            _check_valid(problem, candidates)
            if not len(candidates):
                assert optimizer.stop(state)
                break
            state = optimizer.tell(optimizer.tell(state, _evaluate(problem, candidates)), foreign)

    def test_ignores_what_it_was_told_before(self, problem: Problem) -> None:
        """A result that arrives twice, at once or later, changes nothing the second time."""
        optimizer = self.optimizer
        state = optimizer.init(problem, 0)
        for _ in range(self.evaluations // 3):
            candidates, state = optimizer.ask(state, 3, Candidates.none(problem.columns))
            if not len(candidates):
                break
            once = _evaluate(problem, candidates)
            twice = once.take(np.tile(np.arange(len(once)), 2))
            told = optimizer.tell(state, once)
            assert to_bytes(optimizer.tell(told, once)) == to_bytes(told), "a result came again later"
            assert to_bytes(optimizer.tell(state, twice)) == to_bytes(told), "a result came twice at once"
            state = told

    def test_respects_pending_points(self, problem: Problem) -> None:
        """While nothing is told, it proposes other slots or nothing; once all is told, it goes on."""
        optimizer = self.optimizer
        state, pending = optimizer.init(problem, 0), Candidates.none(problem.columns)
        for _ in range(4):
            candidates, state = optimizer.ask(state, 5, pending)
            assert not np.isin(candidates.slot, pending.slot).any(), "a pending slot is proposed again"
            pending = Candidates.join(pending, candidates)
        assert len(pending), "with nothing pending and nothing told, there must be a first point"
        state = optimizer.tell(state, _evaluate(problem, pending.take(np.s_[::-1])))
        candidates, state = optimizer.ask(state, 5, Candidates.none(problem.columns))
        assert len(candidates) or optimizer.stop(state)

    def test_is_better_than_random_search(self) -> None:
        """On a sphere of five columns, the median over five seeds."""
        mine, random = (
            np.median([_best_on_sphere(optimizer, seed, self.sphere_evaluations) for seed in range(5)])
            for optimizer in (self.optimizer, RandomSearch())
        )
        assert mine < self.sphere_ratio * random, f"the median is {mine:.3g}, and {random:.3g} by random search"

    def _rounds(
        self,
        problem: Problem,
        batch: int,
        keep: Callable[[Candidates, int], Bools] | None = None,
        change: Callable[[Evaluations], Evaluations] = lambda told: told,
        between: Callable[[Any], Any] = lambda state: state,
    ) -> Iterator[tuple[Candidates, Any]]:
        """Ask and tell until the evaluations are spent; give what was proposed, and the state then."""
        optimizer, nothing = self.optimizer, Candidates.none(problem.columns)
        state, spent, number = optimizer.init(problem, 0), 0, 0
        while spent < self.evaluations:
            candidates, state = optimizer.ask(between(state), batch, nothing)
            if not len(candidates):
                assert optimizer.stop(state), "it waits for nothing, and gives no reason to stop"
                return
            told = candidates if keep is None else candidates.take(keep(candidates, number))
            state = optimizer.tell(between(state), change(_evaluate(problem, told)))
            spent, number = spent + len(candidates), number + 1
            yield candidates, state


def _bowl(x: Floats) -> float:
    return float(((x - 1) ** 2).sum())


def _mixed(p: dict[str, Any]) -> float:
    real = p["x"] ** 2 + np.log(p["rate"]) ** 2 + p["share"]
    return float((p["kind"] == "b") - real - abs(p["count"]) - p["width"] / 100)


def _nested(p: dict[str, Any]) -> float:
    return float(p["x"] ** 2 + p.get("rate", 3) + p.get("layers", 5) + (p.get("solver") == "adam"))


def _serves(optimizer: AnyOptimizer, problem: Problem) -> bool:
    try:
        require(optimizer, problem)
    except IncompatibleProblem:
        return False
    return True


def _evaluate(problem: Problem, candidates: Candidates) -> Evaluations:
    return evaluate(problem, candidates, Need.VALUE | Need.GRADIENT)


def _check_valid(problem: Problem, candidates: Candidates) -> None:
    columns, x = problem.columns, candidates.x
    n = len(candidates)
    assert x.shape == candidates.active.shape == (n, columns.dim)
    assert candidates.slot.shape == candidates.fidelity.shape == candidates.parent.shape == (n,)
    assert columns.valid(x).all(), f"rows outside the space: {x[~columns.valid(x)]}"
    assert np.isfinite(x).all()
    assert np.array_equal(candidates.active, columns.activity(x)), "the activity mask is not that of the rows"
    assert np.array_equal(x, columns.canonical(x, candidates.active)), "an inactive column is not neutral"
    assert (candidates.slot >= 0).all(), "a slot is negative"
    assert len(np.unique(candidates.slot)) == n, "two points have the same slot"
    assert ((candidates.fidelity > 0) & (candidates.fidelity <= 1)).all()


def _every_second(candidates: Candidates, number: int) -> Bools:
    kept: Bools = (np.arange(len(candidates)) + number) % 2 == 0
    return kept


def _every_third(evaluations: Evaluations) -> Evaluations:
    return _fail(evaluations, evaluations.candidates.slot % 3 == 1)


def _all(evaluations: Evaluations) -> Evaluations:
    return _fail(evaluations, np.s_[:])


def _fail(evaluations: Evaluations, rows: Any) -> Evaluations:
    value, violation = evaluations.value.copy(), evaluations.violation.copy()
    status = evaluations.status.copy()
    value[rows], violation[rows], status[rows] = np.nan, np.nan, Status.FAILED
    gradient = None if evaluations.gradient is None else evaluations.gradient.copy()
    if gradient is not None:
        gradient[rows] = np.nan
    return replace(evaluations, value=value, violation=violation, status=status, gradient=gradient)


def _arrays(evaluations: Evaluations) -> tuple[Any, ...]:
    e = evaluations
    return e.candidates, e.value, e.gradient, e.violation, e.cost, e.status


def _lock(value: Any) -> None:
    """Make every array read-only, however deep it lies."""
    if isinstance(value, np.ndarray):
        value.flags.writeable = False
    elif isinstance(value, tuple):
        for item in value:
            _lock(item)
    elif is_dataclass(value):
        for field in fields(value):
            _lock(getattr(value, field.name))


def _best_on_sphere(optimizer: AnyOptimizer, seed: int, evaluations: int) -> float:
    problem = Problem(lambda x: float(((x - 0.7) ** 2).sum()), Box(-5, 5, dim=5), gradient=lambda x: 2 * (x - 0.7))
    state, best = optimizer.init(problem, seed), np.inf
    for _ in range(evaluations):
        candidates, state = optimizer.ask(state, 1, Candidates.none(problem.columns))
        if not len(candidates):
            break
        told = _evaluate(problem, candidates)
        state, best = optimizer.tell(state, told), min(best, float(told.value[0, 0]))
    return best
