"""Packages whose names are imported when first used: the stub ``__init__.pyi`` is the only list of them."""

import ast
import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["attach"]


def attach(package: str, file: str) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Give a package the functions and the list of names that make its imports lazy (PEP 562).

    The names are read from the stub beside the package's file, in the form ``from module import Name as
    Name``. Type checkers, editors and readers see ordinary imports; at run time a module is loaded when one
    of its names is used.

    Args:
        package: ``__name__`` of the package.
        file: ``__file__`` of the package.

    Returns:
        ``__getattr__``, ``__dir__`` and ``__all__`` of the package.

    Example:
        >>> import thalweg.optimizers.baseline as room
        >>> __getattr__, __dir__, names = attach(room.__name__, room.__file__)
        >>> "SobolSearch" in names, __getattr__("RandomSearch").__name__
        (True, 'RandomSearch')
    """
    homes: dict[str, str] = {}
    for statement in ast.parse(Path(file).with_suffix(".pyi").read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.ImportFrom) and statement.module:
            homes.update((alias.asname or alias.name, statement.module) for alias in statement.names)

    def find(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name, obj=sys.modules[package])
        value = getattr(importlib.import_module(homes[name]), name)
        setattr(sys.modules[package], name, value)  # so that this function is asked only once
        return value

    def listing() -> list[str]:
        return sorted({*vars(sys.modules[package]), *homes})

    return find, listing, sorted(homes)
