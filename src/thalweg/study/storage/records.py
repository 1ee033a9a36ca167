"""Trials to the rows of a table and back, every bit kept."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from thalweg.arrays import AnyArray, Bools, Floats
from thalweg.problem import Candidates, Evaluations, Status
from thalweg.study.trial import Trials

__all__ = ["ORDER", "as_trials", "result_rows", "trial_rows"]

ORDER = (
    "number", "slot", "fidelity", "parent", "x", "active", "value", "violation", "cost", "status", "started",
    "error",
)  # fmt: skip


def trial_rows(study: int, first: int, candidates: Candidates, worker: str, now: float) -> list[dict[str, Any]]:
    """Make the rows of running trials, numbered from ``first`` on."""
    n = len(candidates)
    masks = [None] * n if candidates.active.all() else _blobs(np.packbits(candidates.active, axis=1))
    columns = zip(
        range(first, first + n), candidates.slot.tolist(), candidates.fidelity.tolist(),
        candidates.parent.tolist(), _blobs(_little_endian(candidates.x)), masks, strict=True,
    )  # fmt: skip
    return [
        {
            "study_id": study, "number": number, "status": int(Status.RUNNING), "worker": worker,
            "slot": slot, "fidelity": fidelity, "parent": parent, "x": x, "active": mask, "started": now,
            "error": "",
        }
        for number, slot, fidelity, parent, x, mask in columns
    ]  # fmt: skip


def result_rows(study: int, numbers: Sequence[int], evaluations: Evaluations) -> list[dict[str, Any]]:
    """Make the parameters that :data:`thalweg.study.storage.tables.finish` takes, one set a trial."""
    columns = zip(
        numbers, evaluations.status.tolist(), _blobs(_little_endian(evaluations.value)),
        _blobs(_little_endian(evaluations.violation)), evaluations.cost.tolist(), strict=True,
    )  # fmt: skip
    return [
        {
            "at_id": study, "at_number": int(number), "new_status": status, "new_value": value,
            "new_violation": violation, "new_cost": cost, "new_error": evaluations.errors.get(row, ""),
        }
        for row, (number, status, value, violation, cost) in enumerate(columns)
    ]  # fmt: skip


def as_trials(rows: Sequence[Any], shape: tuple[int, int, int]) -> Trials:
    """Make trials of rows in the order of :data:`ORDER`."""
    d, m, c = shape
    columns: Sequence[Sequence[Any]] = list(zip(*rows, strict=True)) if rows else [()] * len(ORDER)
    number, slot, fidelity, parent, x, active, value, violation, cost, status, started, error = columns
    numbers, slots, parents, statuses = (np.array(column, np.int64) for column in (number, slot, parent, status))
    candidates = Candidates(_floats(x, d), _mask(active, d), slots, np.array(fidelity, dtype=np.float64), parents)
    return Trials(
        numbers, candidates, _floats(value, m), _floats(violation, c), np.array(cost, dtype=np.float64),
        statuses, np.array(started, dtype=np.float64),
        {i: text for i, text in zip(number, error, strict=True) if text},
    )  # fmt: skip


def _little_endian(array: Floats) -> AnyArray:
    return np.ascontiguousarray(array, dtype="<f8")


def _blobs(rows: AnyArray) -> list[bytes]:
    width, data = rows.shape[1] * rows.itemsize, rows.tobytes()
    return [data[i * width : (i + 1) * width] for i in range(len(rows))]


def _floats(blobs: Sequence[bytes | None], width: int) -> Floats:
    """Put blobs under each other; a missing one is a row of NaN."""
    absent = np.full(width, np.nan, dtype="<f8").tobytes()
    data = b"".join([absent if blob is None else blob for blob in blobs])
    return np.frombuffer(data, dtype="<f8").astype(np.float64, copy=False).reshape(len(blobs), width)


def _mask(blobs: Sequence[bytes | None], width: int) -> Bools:
    """Put packed masks under each other; a missing one is a row of ones."""
    rows = [i for i, blob in enumerate(blobs) if blob is not None]
    active = np.ones((len(blobs), width), dtype=np.bool_)
    packed = np.frombuffer(b"".join([blobs[i] or b"" for i in rows]), dtype=np.uint8).reshape(len(rows), -(-width // 8))
    active[rows] = np.unpackbits(packed, axis=1, count=width)
    return active
