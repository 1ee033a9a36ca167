"""Models in files, by skops: reading one runs nothing that the file says."""

import importlib
import zipfile
from pathlib import Path
from typing import Any

import skops.io

from thalweg.cli.files import write_whole
from thalweg.errors import StorageError

__all__ = ["load_model", "save_model"]

_TRUSTED_PACKAGES = ("thalweg", "sklearn", "skrub", "xgboost", "numpy", "scipy")


def save_model(model: Any, path: Path) -> None:
    """Save a model by skops: without pickle, so that reading it back runs no code of the file's.

    Raises:
        StorageError: The file cannot be written, or :func:`load_model` would refuse it.
    """
    write_whole(path, lambda temporary: skops.io.dump(model, temporary))
    _trusted_types(path)


def load_model(path: Path) -> Any:
    """Load a model that :func:`save_model` has written.

    Raises:
        StorageError: There is no such file, or it holds anything but classes of known libraries.
    """
    if not path.is_file():
        raise StorageError(f"{path}: no such file; the run's model was moved or deleted")
    return skops.io.load(path, trusted=_trusted_types(path))


def _trusted_types(path: Path) -> list[str]:
    try:
        names = skops.io.get_untrusted_types(file=path)
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise StorageError(f"{path}: not a model that thalweg has saved: {error}") from error
    strange = [name for name in names if not _is_trusted(name)]
    if strange:
        raise StorageError(
            f"{path}: refused: it holds what no model of thalweg does ({', '.join(map(str, strange[:3]))})"
        )
    return list(names)


def _is_trusted(name: str) -> bool:
    """Trust classes of known packages; functions are not trusted, for a model could call one (numpy.load)."""
    module, _, attribute = name.rpartition(".")
    if module.split(".")[0] not in _TRUSTED_PACKAGES or "__main__" in name:  # importing that would run a program
        return False
    try:
        return isinstance(getattr(importlib.import_module(module), attribute), type)
    except (ImportError, AttributeError):
        return False
