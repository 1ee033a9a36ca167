"""Beginning a study, or continuing the stored one of that name."""

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

from thalweg.arrays import Floats
from thalweg.checks import whole_number
from thalweg.errors import ContradictorySettings, InvalidSettings, StudyNotFound, UnreadableState
from thalweg.optimizers.auto import Auto
from thalweg.optimizers.base import AnyOptimizer, Optimizer
from thalweg.problem import Problem
from thalweg.rng import fresh_seed
from thalweg.serial import construct, describe
from thalweg.study.storage import Storage, open_storage

__all__ = ["Opened", "open_study", "stored_settings"]


@final
@dataclass(frozen=True)
class Opened:
    """A study's storage, name and settings, after they were checked against the stored ones."""

    storage: Storage
    name: str
    optimizer: AnyOptimizer
    seed: int
    initial: Floats  # (k, d) rows to try first


def open_study(
    problem: Problem,
    optimizer: AnyOptimizer | str,
    *,
    seed: int | None,
    storage: str | Storage | None,
    name: str | None,
    initial: Sequence[Any],
) -> Opened:
    """Create the study, or find it and check that the call does not contradict it.

    Where the call leaves the optimizer to ``"auto"`` and the seed to None, the stored ones are taken.
    """
    store = open_storage(storage)
    name = _new_name() if name is None else name
    stored = stored_settings(store, name)
    chosen = _chosen_optimizer(optimizer, stored)
    given = None if seed is None else whole_number("seed", seed, least=0)
    number = given if given is not None else int(stored["seed"]) if stored else fresh_seed()
    points = [initial] if isinstance(initial, Mapping) else list(initial)
    rows = problem.space.encode(points)[0]
    batches = problem.minibatches
    settings = {
        "space": problem.space.describe(),
        "goals": list(problem.goals),
        "constraints": len(problem.constraints),
        "minibatches": None
        if batches is None
        else {"rows": batches.rows, "size": batches.size, "seed": batches.seed, "replacement": batches.replacement},
        "optimizer": describe(chosen),
        "seed": number,
        "initial": rows.tolist(),
    }
    shape = (problem.columns.dim, problem.objectives, len(problem.constraints))
    if stored is not None:
        _check_same(name, stored, settings)
    elif not store.create(name, settings, shape, chosen.init(problem, number)):  # another worker was first
        return open_study(problem, optimizer, seed=seed, storage=store, name=name, initial=initial)
    return Opened(store, name, chosen, number, rows)


def _new_name() -> str:
    return f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"


def stored_settings(store: Storage, name: str | None) -> Mapping[str, Any] | None:
    """Give the settings of the study that would be continued; None where there is none of that name."""
    try:
        return None if name is None else store.read(name).settings
    except StudyNotFound:
        return None


def _chosen_optimizer(optimizer: AnyOptimizer | str, stored: Mapping[str, Any] | None) -> AnyOptimizer:
    if optimizer == "auto":
        optimizer = Auto()
    if isinstance(optimizer, Auto) and stored is not None:
        return construct(stored["optimizer"])  # type: ignore[no-any-return]
    if not isinstance(optimizer, Optimizer):
        raise InvalidSettings(
            f"optimizer={optimizer!r}: expected 'auto' or an optimizer such as thalweg.RandomSearch()"
            + (" — an instance, with parentheses" if isinstance(optimizer, type) else "")
        )
    return optimizer


def _check_same(name: str, stored: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    for key, before in stored.items():
        now = given[key]
        if before != now or (key == "space" and list(before) != list(now)):  # rows are in the order of the parameters
            raise ContradictorySettings(
                f"the study {name!r} is stored with {key} {_difference(before, now)}; "
                f"continue it with the same {key}, or choose another name"
            )


def _difference(before: Any, now: Any) -> str:
    if isinstance(before, Mapping) and isinstance(now, Mapping) and "@" not in before:
        for key in [*before, *now]:
            if before.get(key) != now.get(key):
                return f"{key} = {_readable(before.get(key))}, and the call says {_readable(now.get(key))}"
        return f"in the order {', '.join(before)}, and the call says {', '.join(now)}"
    return f"{_readable(before)}, and the call says {_readable(now)}"


def _readable(description: Any) -> str:
    """Show settings as the user writes them."""
    if not isinstance(description, Mapping):
        return "nothing" if description is None else str(description)
    try:
        return repr(construct(description))
    except UnreadableState:
        return str(description)
