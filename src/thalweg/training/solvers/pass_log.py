"""A file that keeps what a fit has reached after each pass, so that a fit which was killed can go on."""

from pathlib import Path
from typing import Any, Protocol, TypeVar, final

from thalweg.arrays import Floats
from thalweg.errors import ContradictorySettings, StorageError, UnreadableState
from thalweg.serial import describe, from_bytes, frozen, to_bytes
from thalweg.training.files import write_whole
from thalweg.training.objective import LinearObjective

__all__ = ["PassLog", "pass_by_pass"]

LONGEST = 100  # characters of a setting in an error


@final
@frozen
class _Problem:
    """What must be the same when a fit goes on."""

    rows: str
    loss: Any
    penalty: Any
    strength: float
    intercept: bool
    predictors: int
    solver: Any


@final
@frozen
class _Entry:
    problem: _Problem
    state: Any


@final
class PassLog:
    """One file, written anew after each pass: first beside it, then in its place, so that it is whole at any instant.

    A solver loads its state before it begins and saves it after every pass. The same fit, started again with the same
    file, goes on from the last pass and ends with the same answer, bit for bit. When it is done the file is removed.

    Args:
        path: The file. Its folder must exist.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> from thalweg.training.losses import Squared
        >>> from thalweg.training.penalties import L2
        >>> from thalweg.training.rows import rows_of
        >>> from thalweg.training.solvers.exact import Exact
        >>> problem = LinearObjective(rows_of(np.eye(3), np.arange(3.0)), Squared(), L2(), 0.1, intercept=True)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     log = PassLog(f"{folder}/fit.log")
        ...     before = log.load(Exact(), problem)
        ...     log.save({"passes": 1})
        ...     before, log.load(Exact(), problem)
        (None, {'passes': 1})
    """

    def __init__(self, path: str | Path) -> None:
        """Look at nothing yet."""
        self.path = Path(path).expanduser()
        self._problem: _Problem | None = None

    def load(self, solver: object, objective: LinearObjective) -> Any:
        """Give the state that was saved last, or None at the beginning.

        Args:
            solver: The settings of the solver that asks.
            objective: What it minimizes.

        Raises:
            ContradictorySettings: The file is of another fit: of other rows, another loss, penalty or solver.
            UnreadableState: It is no such file, or one of another version.
            StorageError: It cannot be read.
        """
        self._problem = _Problem(
            objective.rows.fingerprint(), objective.loss, objective.penalty, objective.strength, objective.intercept,
            objective.predictors, solver,
        )  # fmt: skip
        try:
            entry = from_bytes(self.path.read_bytes())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StorageError(f"{self.path}: the log of a fit cannot be read: {error.strerror}") from error
        except UnreadableState as error:
            raise UnreadableState(f"{self.path}: not the log of a fit: {error}") from error
        if not isinstance(entry, _Entry):
            raise UnreadableState(f"{self.path}: not the log of a fit: it holds something else")
        self._compare(entry.problem, self._problem)
        return entry.state

    def save(self, state: object) -> None:
        """Write the state, so that it is on the disk when this returns.

        Args:
            state: Of frozen dataclasses, arrays, numbers and strings.

        Raises:
            StorageError: The file cannot be written.
        """
        if self._problem is None:
            raise StorageError(f"{self.path}: load before you save: the log must know what is being solved")
        write_whole(self.path, to_bytes(_Entry(self._problem, state)))

    def finish(self) -> None:
        """Remove the file: the fit is done."""
        self.path.unlink(missing_ok=True)

    def _compare(self, stored: _Problem, now: _Problem) -> None:
        for name, value in vars(now).items():
            before = getattr(stored, name)
            if describe(before) != describe(value):
                what = "other rows" if name == "rows" else f"{name}={_short(before)}, and not of {_short(value)}"
                raise ContradictorySettings(
                    f"{self.path}: this is the log of a fit of {what}: start it as it was, or name another file"
                )


class _State(Protocol):
    @property
    def ended(self) -> str: ...


S = TypeVar("S", bound=_State)


class _Passes(Protocol[S]):
    def init(self, objective: LinearObjective, start: Floats | None = None) -> S: ...

    def advance(self, objective: LinearObjective, state: S) -> S: ...


def pass_by_pass(
    solver: _Passes[S], objective: LinearObjective, start: Floats | None = None, log: PassLog | None = None
) -> S:
    """Run a solver that makes one pass over the rows at a time until its state has ended.

    Args:
        solver: With ``init`` and ``advance``, whose states say in ``ended`` why they are the last.
        objective: One that is not refused.
        start: Parameters to begin at, or None.
        log: Keeps the state after every pass, and gives it back where a fit was interrupted.
    """
    state: S | None = None if log is None else log.load(solver, objective)
    state = solver.init(objective, start) if state is None else state
    while not state.ended:
        state = solver.advance(objective, state)
        if log is not None:
            log.save(state)
    if log is not None:
        log.finish()
    return state


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} …"
