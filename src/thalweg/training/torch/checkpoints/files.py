"""Snapshots as files: safetensors, and a JSON text within; nothing is unpickled."""

import json
import struct
import zlib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from thalweg.errors import StorageError, UnreadableState
from thalweg.training.files import require_folder
from thalweg.training.torch.checkpoints.state import Progress, Snapshot
from thalweg.training.torch.events import EpochEnded

__all__ = ["from_file_bytes", "read_file", "to_file_bytes"]

KEY, VERSION = "thalweg", 1


def to_file_bytes(snapshot: Snapshot, owns: list[dict[str, Tensor]], settings: dict[str, Any]) -> bytes:
    """Write a snapshot.

    Args:
        snapshot: Of the first process.
        owns: What each process has of its own.
        settings: With which it may be continued: strings and numbers.
    """
    tensors = dict(snapshot.tensors)
    for rank, own in enumerate(owns):
        tensors |= {f"process.{rank}.{name}": tensor for name, tensor in own.items()}
    tensors = {name: tensors[name].contiguous() for name in sorted(tensors)}
    facts = {"version": VERSION, "settings": settings, "facts": snapshot.facts, "progress": asdict(snapshot.progress),
             "checksum": _checksum(tensors)}  # fmt: skip
    text = json.dumps(facts)
    return safetensors.torch.save(tensors, metadata={KEY: text, "checksum": str(zlib.crc32(text.encode()))})


def from_file_bytes(data: bytes, rank: int = 0) -> tuple[Snapshot, dict[str, Any]]:
    """Read back a snapshot, for one of the processes, and the settings.

    Raises:
        UnreadableState: The bytes are damaged, or another program's.
    """
    try:
        (length,) = struct.unpack_from("<Q", data)
        metadata = json.loads(data[8 : 8 + length])["__metadata__"]
        text, facts = metadata[KEY], json.loads(metadata[KEY])
        tensors = safetensors.torch.load(data)
        if facts["version"] != VERSION:
            raise UnreadableState(
                f"it is of version {facts['version']}, and this Thalweg writes version {VERSION}: continue with the one "
                "that began it, or begin anew"
            )
        if metadata["checksum"] != str(zlib.crc32(text.encode())) or facts["checksum"] != _checksum(tensors):
            raise ValueError("the checksum is another")
        progress = dict(facts["progress"])
        progress["history"] = tuple(EpochEnded(**epoch) for epoch in progress["history"])
        progress["rollbacks"] = tuple(progress["rollbacks"])
        prefix = f"process.{rank}."
        own = {name.removeprefix(prefix): tensors[name] for name in tensors if name.startswith(prefix)}
        shared = {name: tensors[name] for name in tensors if not name.startswith("process.")}
        return Snapshot(shared, own, facts["facts"], Progress(**progress)), facts["settings"]
    except (struct.error, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise UnreadableState(f"these {len(data)} bytes are no checkpoint of Thalweg, or damaged: {error}") from error


def read_file(path: str | Path) -> bytes | None:
    """Give the bytes of a checkpoint, None where there is none.

    Raises:
        StorageError: It cannot be read, or its folder does not exist.
    """
    path = Path(path)
    require_folder(path)
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(f"{path}: cannot be read: {error.strerror}") from error


def _checksum(tensors: dict[str, Tensor]) -> int:
    value = 0
    for name in sorted(tensors):
        value = zlib.crc32(name.encode(), value)
        value = zlib.crc32(tensors[name].contiguous().reshape(-1).view(torch.uint8).numpy().data, value)
    return value
