"""Frozen settings and states, to bytes and back, without pickle.

The bytes are a JSON header followed by raw little-endian arrays (the layout of safetensors)::

    8 bytes      length of the header, unsigned, little-endian
    header       {"value": ..., "arrays": [[dtype, shape, offset], ...]}, UTF-8
    arrays       one after the other, C order

Inside the header an array is ``{"#": index}`` and a frozen dataclass ``{"@": name, "v": version, "f": {...}}``. Only
classes made with :func:`frozen` are ever built, and by calling them: nothing that a store holds is executed.
"""

import contextlib
import dataclasses
import importlib
import json
import re
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, dataclass_transform, overload

import numpy as np

from thalweg.arrays import AnyArray
from thalweg.errors import UnreadableState

__all__ = ["construct", "describe", "from_bytes", "frozen", "join", "split", "to_bytes", "without_addresses"]

T = TypeVar("T")
_CLASSES: dict[str, tuple[type, int]] = {}
_NAMES: dict[type, tuple[str, int, tuple[str, ...]]] = {}


@overload
def frozen(cls: type[T], /) -> type[T]: ...
@overload
def frozen(*, version: int = ...) -> Callable[[type[T]], type[T]]: ...
@dataclass_transform(frozen_default=True)
def frozen(cls: type[T] | None = None, /, *, version: int = 1) -> Any:
    """Make a frozen dataclass that can be stored: numbers, strings, arrays, tuples, mappings, other such classes.

    Args:
        cls: The class, when used without parentheses.
        version: Raise it when the fields change, so that old bytes are refused in words.

    Example:
        >>> @frozen
        ... class Walk:
        ...     position: np.ndarray
        ...     steps: int = 0
        >>> from_bytes(to_bytes(Walk(np.array([1.5, 2.5]), 3)))
        Walk(position=array([1.5, 2.5]), steps=3)
    """

    def register(cls: type[T]) -> type[T]:
        made = dataclasses.dataclass(frozen=True)(cls)
        name = f"{made.__module__}:{made.__qualname__}"
        _CLASSES[name] = (made, version)
        fields = tuple(field.name for field in dataclasses.fields(made) if field.init)  # type: ignore[arg-type]
        _NAMES[made] = (name, version, fields)
        return made

    return register if cls is None else register(cls)


def to_bytes(value: object) -> bytes:
    """Write a value of frozen dataclasses, tuples, mappings, arrays, numbers and strings as bytes.

    Raises:
        TypeError: The value holds something live (a function, a file, an instance of another class).
    """
    tree, arrays = split(value)
    table, offset = [], 0
    for array in arrays:
        table.append([array.dtype.str, array.shape, offset])
        offset += array.nbytes
    header = json.dumps({"value": tree, "arrays": table}, separators=(",", ":")).encode()
    return b"".join([struct.pack("<Q", len(header)), header, *(array.tobytes() for array in arrays)])


def from_bytes(data: bytes) -> Any:
    """Read back what :func:`to_bytes` wrote.

    Raises:
        UnreadableState: The bytes are damaged, of another version, or name a class that no imported module defines.
    """
    try:
        (length,) = struct.unpack_from("<Q", data)
        header = json.loads(data[8 : 8 + length])
        body = memoryview(data)[8 + length :]
        arrays = [_read_array(body, *entry) for entry in header["arrays"]]
        return _build(header["value"], arrays)
    except (struct.error, ValueError, KeyError, IndexError, TypeError) as error:
        raise UnreadableState(f"these {len(data)} bytes are not a state that Thalweg wrote: {error}") from error


def split(value: object) -> tuple[Any, list[AnyArray]]:
    """Part a frozen value into a JSON tree and the arrays that it numbers, for files of another layout.

    Raises:
        TypeError: As for :func:`to_bytes`.

    Example:
        >>> split((3, np.array([0.5])))
        ([3, {'#': 0}], [array([0.5])])
    """
    arrays: list[AnyArray] = []
    return _flatten(value, arrays), arrays


def join(tree: Any, arrays: Sequence[AnyArray]) -> Any:
    """Build the value again that :func:`split` has parted.

    Raises:
        UnreadableState: The tree is damaged, or names a class that no imported module defines, or another version of one.
    """
    try:
        return _build(tree, arrays)
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise UnreadableState(f"this tree is not one that Thalweg wrote: {error}") from error


def describe(value: object) -> Any:
    """Give the JSON tree of a frozen value, to compare settings with stored ones; arrays become lists.

    Example:
        >>> describe((1, "a", np.array([0.5])))
        [1, 'a', [0.5]]
    """
    tree, arrays = split(value)
    return json.loads(json.dumps(_inline(tree, arrays)))


def construct(description: Any) -> Any:
    """Build a frozen value from what :func:`describe` gave; arrays come back as tuples.

    Raises:
        UnreadableState: It names a class that no imported module defines, or another version of one.
    """
    return _build(description, [])


def without_addresses(text: str) -> str:
    """Leave out of a ``repr`` where objects lie in memory, which differs from one process to the next.

    Example:
        >>> without_addresses("<function f at 0x7f01c2>")
        '<function f>'
    """
    return re.sub(r" at 0x[0-9a-fA-F]+", "", text)


def _flatten(value: Any, arrays: list[AnyArray]) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.ndarray):
        if value.dtype.hasobject:
            raise TypeError(f"an array of Python objects cannot be stored (dtype {value.dtype})")
        arrays.append(value.astype(value.dtype.newbyteorder("<"), copy=False))
        return {"#": len(arrays) - 1}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, tuple | list):
        return [_flatten(item, arrays) for item in value]
    if isinstance(value, Mapping):
        return {"m": [[_flatten(key, arrays), _flatten(item, arrays)] for key, item in value.items()]}
    known = _NAMES.get(type(value))
    if known is None:
        raise TypeError(
            f"{type(value).__qualname__} cannot be stored; states and settings hold numbers, strings, arrays, tuples "
            "and classes made with thalweg.serial.frozen"
        )
    name, version, fields = known
    return {"@": name, "v": version, "f": {field: _flatten(getattr(value, field), arrays) for field in fields}}


def _read_array(body: memoryview, dtype: str, shape: list[int], offset: int) -> AnyArray:
    kind = np.dtype(dtype)
    if kind.hasobject:
        raise ValueError("an array of Python objects")
    count = int(np.prod(shape, dtype=np.int64))
    return np.frombuffer(body, dtype=kind, count=count, offset=offset).reshape(shape).copy()


def _build(tree: Any, arrays: Sequence[AnyArray]) -> Any:
    if isinstance(tree, list):
        return tuple(_build(item, arrays) for item in tree)
    if not isinstance(tree, dict):
        return tree
    if "#" in tree:
        return arrays[tree["#"]]
    if "m" in tree:
        return {_build(key, arrays): _build(item, arrays) for key, item in tree["m"]}
    name, version = tree["@"], tree["v"]
    if name not in _CLASSES:
        _load_own_module(name.partition(":")[0])
    if name not in _CLASSES:
        raise UnreadableState(f"the class {name} is not known: import the module that defines it, then try again")
    cls, current = _CLASSES[name]
    if version != current:
        raise UnreadableState(
            f"{name} was stored as version {version}, and this Thalweg has version {current}: continue the run with "
            "the Thalweg that began it, or begin a new run"
        )
    return cls(**{field: _build(item, arrays) for field, item in tree["f"].items()})


def _load_own_module(module: str) -> None:
    """Import a module of Thalweg itself, whose classes are registered by that; never one of anybody else's."""
    package, _, rest = module.partition(".")
    if package == __name__.partition(".")[0] and not rest.endswith("__main__"):
        with contextlib.suppress(ModuleNotFoundError):
            importlib.import_module(module)


def _inline(tree: Any, arrays: list[AnyArray]) -> Any:
    if isinstance(tree, list):
        return [_inline(item, arrays) for item in tree]
    if isinstance(tree, dict):
        if "#" in tree:
            return arrays[tree["#"]].tolist()
        return {key: _inline(item, arrays) for key, item in tree.items()}
    return tree
