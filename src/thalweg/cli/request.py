"""What was asked of ``thalweg tune``, and how it stands in the run's notes."""

import itertools
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self, final

from thalweg.cli.files import new_directory, sha256_of
from thalweg.data import Task
from thalweg.errors import InvalidData, InvalidSettings
from thalweg.optimizers import (
    AnyOptimizer,
    BayesianOptimization,
    GeneticAlgorithm,
    ParticleSwarm,
    RandomSearch,
    SobolSearch,
)
from thalweg.study import Storage

__all__ = ["Request", "check_name", "check_table", "free_name"]

_OPTIMIZERS: dict[str, Callable[[], AnyOptimizer]] = {
    "random": RandomSearch,
    "sobol": SobolSearch,
    "swarm": ParticleSwarm,
    "genetic": GeneticAlgorithm,
    "bayesian": BayesianOptimization,
}


@final
@dataclass(frozen=True)
class Request:
    """The options of ``thalweg tune``; kept in the run's notes, so that resume asks for the same."""

    table: str
    target: str
    task: Task | None
    scoring: str | None
    cv: int | None
    holdout: float
    optimizer: str
    workers: int | None
    trial_seconds: float | None
    seed: int | None
    trials: int | None
    seconds: float | None
    output: str

    @classmethod
    def stored(cls, name: str, notes: Mapping[str, Any]) -> Self:
        """Read the request back from a run's notes.

        Raises:
            InvalidSettings: The run was not made by ``thalweg tune``.
        """
        if notes.get("kind") != "tune":
            raise InvalidSettings(
                f"the run {name!r} was not made by thalweg tune: continue it with the program that made it"
            )
        return cls(table=notes["table"], target=notes["target"], **notes["options"], **notes["budget"])

    def absolute(self) -> Self:
        """Make the paths absolute, so that the run can be continued from anywhere."""
        table, output = (str(Path(path).expanduser().absolute()) for path in (self.table, self.output))
        return replace(self, table=table, output=output)

    def notes(self) -> dict[str, Any]:
        """Give the entries that :meth:`stored` reads."""
        options = asdict(self)
        whole = {key: options.pop(key) for key in ("table", "target")}
        budget = {key: options.pop(key) for key in ("trials", "seconds")}
        return {"kind": "tune", **whole, "options": options, "budget": budget}

    def method(self) -> AnyOptimizer | str:
        """Give the optimizer in the form that :func:`thalweg.tune` takes."""
        return _OPTIMIZERS[self.optimizer]() if self.optimizer in _OPTIMIZERS else "auto"


def check_table(request: Request, notes: Mapping[str, Any]) -> None:
    """Refuse to continue on other rows than the run began with.

    Raises:
        InvalidData: The table is gone, or its content is another.
    """
    path = Path(request.table)
    if not path.is_file():
        raise InvalidData(f"{path}: no such file; put the run's table back, then try again")
    if sha256_of(path) != notes["sha256"]:
        raise InvalidData(
            f"{path}: not the table that the run began with (its SHA-256 differs): put that table back, "
            "or begin a new run with thalweg tune"
        )


def check_name(name: str) -> None:
    """Refuse a name that cannot be a directory's, or begins like an option.

    Raises:
        InvalidSettings: It is one of these.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name):
        raise InvalidSettings(f"--name {name!r}: expected letters, digits, '_', '.' and '-', a letter or digit first")


def free_name(request: Request, store: Storage) -> str:
    """Make a name of the table's and the first free number; the directory, made here, reserves it."""
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", Path(request.table).name.split(".")[0]).strip("-_") or "run"
    taken = set(store.names())
    names = (f"{stem}-{count}" for count in itertools.count(1))
    return next(name for name in names if name not in taken and new_directory(Path(request.output) / name))
