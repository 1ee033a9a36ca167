"""What must be as it was when a training continues, and what is said when it is not."""

from itertools import zip_longest
from typing import Any

from torch import nn

from thalweg.errors import ContradictorySettings
from thalweg.serial import describe, without_addresses
from thalweg.training.torch.batches.batches import Batches
from thalweg.training.torch.checkpoints.state import Snapshot, Training
from thalweg.training.torch.settings import Hardware, Metric, Recipe

__all__ = ["allow_continuation", "settings_of"]


def settings_of(
    module: nn.Module, recipe: Recipe, loss: Any, metric: Metric | None, hardware: Hardware, seed: int | None,
    batches: Batches, validation: Batches | None, world: int,
) -> dict[str, Any]:  # fmt: skip
    """Describe a training in numbers and strings.

    The device is left out, that a training may move; and so is what only observes.
    """
    return {
        "module": without_addresses(repr(module)),
        "rule": _described(recipe.rule),
        "learning_rate": _described(recipe.learning_rate),
        "epochs": recipe.epochs,
        "early_stopping": _described(recipe.early_stopping),
        "on_divergence": recipe.on_divergence,
        "loss": _described(loss),
        "metric": None if metric is None else f"{metric.name}, {metric.goal}",
        "precision": hardware.precision,
        "seed": seed,
        "number of processes": world,
        **{f"data: {name}": value for name, value in batches.facts().items()},
        **{f"validation data: {name}": value for name, value in (validation.facts() if validation else {}).items()},
    }


def allow_continuation(
    stored: dict[str, Any], given: dict[str, Any], snapshot: Snapshot, training: Training, path: str
) -> None:
    """Compare a checkpoint with the call that would continue it. More epochs than before are allowed.

    Raises:
        ContradictorySettings: They do not fit together: where, in words.
    """
    differences = [
        f"{name} was {stored.get(name)!r} and is {given.get(name)!r}"
        for name in dict.fromkeys([*stored, *given])
        if name not in ("epochs", "module") and stored.get(name) != given.get(name)
    ]
    differences += _other_shapes(snapshot, training.module) or _other_parts(stored["module"], given["module"])
    before, now = stored["epochs"], given["epochs"]
    if now < before:
        differences.append(f"epochs was {before} and is {now}, which is less")
    elif now > before and given["learning_rate"] == "auto":
        differences.append(
            f'epochs was {before} and is {now}, and learning_rate="auto" follows a schedule over all epochs, so that the '
            "first ones would have been others"
        )
    if differences:
        raise ContradictorySettings(
            f"the checkpoint {path} was written by another training: {'; '.join(differences)}. Give what was given before, "
            "or another file"
        )


def _other_shapes(snapshot: Snapshot, module: nn.Module) -> list[str]:
    now = {f"module.{name}": tensor for name, tensor in (*module.named_parameters(), *module.named_buffers())}
    before = {name: tensor for name, tensor in snapshot.tensors.items() if name.startswith("module.")}
    kinds = [{name: (tuple(t.shape), str(t.dtype)) for name, t in tensors.items()} for tensors in (before, now)]
    names = [name for name in dict.fromkeys([*now, *before]) if kinds[0].get(name) != kinds[1].get(name)]
    return [f"{name} was {kinds[0].get(name)} and is {kinds[1].get(name)}" for name in names[:3]] + [
        f"and {len(names) - 3} tensors more differ"
    ] * (len(names) > 3)


def _other_parts(before: str, now: str) -> list[str]:
    """Name the first part of the module that is another."""
    lines = zip_longest(before.splitlines(), now.splitlines(), fillvalue="nothing")
    return [f"the module had {one.strip()} and has {other.strip()}" for one, other in lines if one != other][:1]


def _described(value: Any) -> Any:
    """Give the settings of a frozen value, and the name of anything else."""
    try:
        return describe(value)
    except TypeError:
        return without_addresses(getattr(value, "__qualname__", repr(value)))
