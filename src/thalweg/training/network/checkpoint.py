"""The file from which a fit goes on: safetensors, with JSON for what is no array.

The format: https://huggingface.co/docs/safetensors. It holds numbers and nothing that could be executed.
"""

import json
import time
import zlib
from pathlib import Path
from typing import Any, final

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from thalweg.arrays import AnyArray
from thalweg.errors import ContradictorySettings, StorageError, UnreadableState
from thalweg.serial import describe, join, split
from thalweg.training.files import require_folder, write_whole

__all__ = ["CheckpointFile"]

KEY = "thalweg"  # of the JSON in the file's metadata
LONGEST = 100  # characters of a setting in an error


@final
class CheckpointFile:
    """One file, whole at any instant, that holds the last state of a fit and what was being fitted.

    Args:
        path: The file. Its folder must exist.
        fit: What must be the same when the fit goes on: settings and fingerprints, by name.
        seconds: Least time between two saves, except where a save is forced.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = CheckpointFile(f"{folder}/fit.safetensors", {"rows": 10})
        ...     file.save((3, np.array([0.5])))
        ...     file.load()
        (3, array([0.5]))
    """

    def __init__(self, path: str | Path, fit: dict[str, Any], seconds: float = 60.0) -> None:
        """Look at nothing yet."""
        self.path, self.seconds = Path(path).expanduser().absolute(), seconds
        self._fit = {name: describe(value) for name, value in fit.items()}
        self._saved = time.monotonic()

    @property
    def due(self) -> bool:
        """Whether the last save is long enough ago."""
        return time.monotonic() - self._saved >= self.seconds

    def load(self) -> Any:
        """Give the state that was saved last, or None where there is no file.

        Raises:
            ContradictorySettings: The file is of another fit.
            UnreadableState: It is damaged, no such file, or one of another version.
            StorageError: It cannot be read, or its folder does not exist.
        """
        require_folder(self.path)
        if not self.path.exists():
            return None
        try:
            with safe_open(self.path, framework="numpy") as file:
                metadata = file.metadata()
                held = json.loads(metadata[KEY])
                arrays = [file.get_tensor(str(i)) for i in range(held["arrays"])]
            if metadata["checksum"] != _checksum(metadata[KEY], arrays):
                raise ValueError("the checksum is another")
            stored, tree = held["fit"], held["state"]
        except OSError as error:
            raise StorageError(f"{self.path}: the checkpoint cannot be read: {error}") from error
        except (SafetensorError, ValueError, KeyError, TypeError) as error:
            raise UnreadableState(f"{self.path}: not the checkpoint of a fit: {error}") from error
        self._compare(stored)
        return join(tree, arrays)

    def save(self, state: object) -> None:
        """Write the state, so that it is on the disk when this returns.

        Raises:
            StorageError: The file cannot be written; the one before stays.
        """
        tree, arrays = split(state)
        held = json.dumps({"fit": self._fit, "state": tree, "arrays": len(arrays)})
        self._saved = time.monotonic()  # a try counts too: a full disk is not asked again after every step
        metadata = {KEY: held, "checksum": _checksum(held, arrays)}
        write_whole(self.path, save({str(i): array for i, array in enumerate(arrays)}, metadata=metadata))

    def _compare(self, stored: dict[str, Any]) -> None:
        for name, value in self._fit.items():
            if stored.get(name) != value:
                raise ContradictorySettings(
                    f"{self.path}: this is the checkpoint of a fit with {name}={_short(stored.get(name))}, and not "
                    f"{_short(value)}: start it as it was, or name another file"
                )


def _checksum(text: str, arrays: list[AnyArray]) -> str:
    value = zlib.crc32(text.encode())
    for array in arrays:
        value = zlib.crc32(np.ascontiguousarray(array).tobytes(), value)
    return f"{value:08x}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} …"
