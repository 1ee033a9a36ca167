"""The kinds of variables that a user searches: Float, Int, Categorical and Box.

Each knows its columns (:meth:`Dimension.columns`), how its values become a block of a matrix, and back.
"""

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, final

import numpy as np

from thalweg.arrays import Floats
from thalweg.errors import InvalidSpace
from thalweg.serial import frozen
from thalweg.space.columns import CATEGORICAL, CONTINUOUS, INTEGER

__all__ = ["Box", "Categorical", "Dimension", "Float", "Int", "When"]

When = Mapping[str, Sequence[Any]]
"""Names of parents, each with the values at which the dimension is active; all of them must hold."""

LARGEST_INTEGER = 2**53  # beyond it a float64 no longer holds every integer


class Dimension(ABC):
    """One named entry of a search space."""

    when: When | None

    @property
    @abstractmethod
    def width(self) -> int:
        """Number of matrix columns."""

    @abstractmethod
    def columns(self) -> tuple[int, Floats, Floats, bool, float]:
        """Give kind, low (width,), high (width,), log and step of the columns."""

    @abstractmethod
    def encode(self, values: Sequence[Any], name: str) -> Floats:
        """Turn n values into an (n, width) block; a value outside raises InvalidSpace with the name."""

    @abstractmethod
    def decode(self, block: Floats) -> list[Any]:
        """Turn an (n, width) block into n Python values."""


@final
@frozen
class Float(Dimension):
    """A real number in [low, high].

    Args:
        low: Smallest value, finite.
        high: Largest value, finite, at least ``low``.
        log: Search on a logarithmic scale; then ``low > 0``.
        step: Search only ``low, low + step, low + 2·step, …`` up to ``high``; not together with ``log``.
        when: Active only where each named parent has one of the listed values.

    Raises:
        InvalidSpace: The bounds contradict each other.

    Example:
        >>> Float(1e-4, 1.0, log=True)
        Float(low=0.0001, high=1.0, log=True, step=None, when=None)
    """

    low: float
    high: float
    log: bool = False
    step: float | None = None
    when: When | None = None

    def __post_init__(self) -> None:
        """Refuse bounds that contradict each other."""
        _check_bounds(self, self.low, self.high)
        if self.log and self.low <= 0:
            raise InvalidSpace(f"{self}: a logarithmic scale needs low > 0; give a small positive low, or log=False")
        if self.step is not None:
            if not _is_number(self.step) or not 0 < self.step < math.inf:
                raise InvalidSpace(f"{self}: step must be a positive number, or None for no grid")
            if self.log:
                raise InvalidSpace(f"{self}: step and log=True contradict each other; give one of them")

    @property
    def width(self) -> int:
        """One column."""
        return 1

    def columns(self) -> tuple[int, Floats, Floats, bool, float]:
        """One continuous column."""
        return CONTINUOUS, np.array([self.low], float), np.array([self.high], float), self.log, self.step or 0.0

    def encode(self, values: Sequence[Any], name: str) -> Floats:
        """Check the bounds; a value within a billionth of a grid point is that point."""
        x = _numbers(values, name, self)
        outside = ~((x >= self.low) & (x <= self.high))
        if self.step is not None:
            k = (x - self.low) / self.step
            rounding = 4 * np.finfo(float).eps * np.maximum(abs(self.low), np.abs(x)) / self.step
            outside |= np.abs(k - np.rint(k)) > 1e-9 * np.maximum(1, np.abs(k)) + rounding
        _refuse(outside, values, name, self)
        return x[:, None]

    def decode(self, block: Floats) -> list[Any]:
        """Give Python floats."""
        return list(block[:, 0].tolist())


@final
@frozen
class Int(Dimension):
    """An integer in [low, high], both ends included.

    Args:
        low: Smallest value.
        high: Largest value, at least ``low``.
        log: Search on a logarithmic scale; then ``low ≥ 1``.
        when: Active only where each named parent has one of the listed values.

    Raises:
        InvalidSpace: The bounds contradict each other, or are no integers.

    Example:
        >>> Int(1, 1000, log=True)
        Int(low=1, high=1000, log=True, when=None)
    """

    low: int
    high: int
    log: bool = False
    when: When | None = None

    def __post_init__(self) -> None:
        """Refuse bounds that contradict each other."""
        _check_bounds(self, self.low, self.high)
        if self.low != int(self.low) or self.high != int(self.high):
            raise InvalidSpace(f"{self}: the bounds of an Int must be integers; use Float for real numbers")
        if max(abs(self.low), abs(self.high)) > LARGEST_INTEGER:
            raise InvalidSpace(f"{self}: integers beyond ±2**53 are not exact; search an exponent instead")
        if self.log and self.low < 1:
            raise InvalidSpace(f"{self}: a logarithmic scale needs low ≥ 1; give low=1, or log=False")

    @property
    def width(self) -> int:
        """One column."""
        return 1

    def columns(self) -> tuple[int, Floats, Floats, bool, float]:
        """One integer column."""
        return INTEGER, np.array([self.low], float), np.array([self.high], float), self.log, 0.0

    def encode(self, values: Sequence[Any], name: str) -> Floats:
        """Check the bounds and that the values are whole."""
        x = _numbers(values, name, self)
        _refuse(~((x >= self.low) & (x <= self.high) & (x == np.rint(x))), values, name, self)
        return x[:, None]

    def decode(self, block: Floats) -> list[Any]:
        """Give Python integers."""
        return list(np.rint(block[:, 0]).astype(np.int64).tolist())


@final
@frozen
class Categorical(Dimension):
    """One of several values without an order.

    Args:
        choices: At least one; any hashable or JSON value (strings, numbers, booleans, None, lists, …), each once.
        when: Active only where each named parent has one of the listed values.

    Raises:
        InvalidSpace: There are no choices, or two are the same.

    Example:
        >>> Categorical(["gbtree", "dart"]).encode(["dart"], "booster")
        array([[1.]])
    """

    choices: Sequence[Any]
    when: When | None = None

    def __post_init__(self) -> None:
        """Refuse empty and repeated choices."""
        if isinstance(self.choices, str) or not isinstance(
            self.choices, Sequence | np.ndarray | set | frozenset | range
        ):
            raise InvalidSpace(f"Categorical needs a list of choices, got {self.choices!r}")
        unordered = isinstance(self.choices, set | frozenset)  # their order would change from run to run
        choices = sorted(self.choices, key=repr) if unordered else list(self.choices)
        object.__setattr__(self, "choices", tuple(choices))
        if not self.choices:
            raise InvalidSpace("Categorical needs at least one choice, got none")
        codes: dict[Any, int] = {}
        for code, choice in enumerate(self.choices):
            if codes.setdefault(_identity(choice), code) != code:
                raise InvalidSpace(f"Categorical has the choice {choice!r} twice; give each once")
        object.__setattr__(self, "_codes", codes)

    @property
    def width(self) -> int:
        """One column of codes."""
        return 1

    def columns(self) -> tuple[int, Floats, Floats, bool, float]:
        """One categorical column."""
        return CATEGORICAL, np.array([0.0]), np.array([len(self.choices) - 1.0]), False, 0.0

    def code(self, value: Any, name: str) -> int:
        """Give the position of a value among the choices; True is not 1, but 1.0 is."""
        codes: dict[Any, int] = self._codes  # type: ignore[attr-defined]
        code = codes.get(_identity(value))
        if code is None:
            raise InvalidSpace(f"{name}={value!r} is none of the choices {list(self.choices)}")
        return code

    def encode(self, values: Sequence[Any], name: str) -> Floats:
        """Look the values up among the choices."""
        codes: dict[Any, int] = self._codes  # type: ignore[attr-defined]
        strings = all(type(value) is str for value in values)  # their key is known without asking each
        found = [codes.get((False, value)) for value in values] if strings else [None]
        if None in found:
            return np.array([self.code(value, name) for value in values], float)[:, None]
        return np.array(found, float)[:, None]

    def decode(self, block: Floats) -> list[Any]:
        """Give the choices themselves."""
        return list(map(self.choices.__getitem__, block[:, 0].astype(np.int64).tolist()))


@final
@frozen
class Box(Dimension):
    """A vector of real numbers, each in its own interval; the bounds may be infinite for gradient methods.

    Args:
        low: Smallest value, one number for all or one a component; −inf where there is none.
        high: Largest value, likewise; inf where there is none.
        dim: Number of components; may be left out where ``low`` or ``high`` is a sequence.
        when: Active only where each named parent has one of the listed values.

    Raises:
        InvalidSpace: The bounds contradict each other or the dimension.

    Example:
        >>> Box(-5, 5, dim=3).decode(np.array([[0.0, 1.0, 2.0]]))
        [array([0., 1., 2.])]
    """

    low: float | Sequence[float] | Floats = -math.inf
    high: float | Sequence[float] | Floats = math.inf
    dim: int | None = None
    when: When | None = None

    def __post_init__(self) -> None:
        """Spread scalars over the components, and refuse contradictions."""
        if self.dim is not None and (isinstance(self.dim, bool) or not isinstance(self.dim, int | np.integer)):
            raise InvalidSpace(f"{self}: dim must be a whole number of components, got {self.dim!r}")
        if any(np.asarray(bound).dtype.kind not in "iuf" for bound in (self.low, self.high)):
            raise InvalidSpace(f"{self}: the bounds of a Box must be numbers, or sequences of numbers")
        sizes = {np.size(bound) for bound in (self.low, self.high) if np.ndim(bound)}
        sizes |= {int(self.dim)} if self.dim is not None else set()
        if len(sizes) != 1 or min(sizes) < 1 or max(np.ndim(self.low), np.ndim(self.high)) > 1:
            raise InvalidSpace(
                f"{self}: the number of components must follow from dim= or from the length of low or high, "
                "at least 1 and the same everywhere"
            )
        (dim,) = sizes
        low, high = (tuple(np.broadcast_to(np.asarray(bound, float), dim).tolist()) for bound in (self.low, self.high))
        for a, b in zip(low, high, strict=True):
            if math.isnan(a) or math.isnan(b) or a > b or a == math.inf or b == -math.inf:
                raise InvalidSpace(f"Box: low={a} and high={b} contradict each other; low must not exceed high")
        for field, bound in (("low", low), ("high", high), ("dim", dim)):
            object.__setattr__(self, field, bound)

    @property
    def width(self) -> int:
        """One column a component."""
        assert self.dim is not None  # set in __post_init__
        return self.dim

    def columns(self) -> tuple[int, Floats, Floats, bool, float]:
        """Continuous columns."""
        return CONTINUOUS, np.array(self.low), np.array(self.high), False, 0.0

    def encode(self, values: Sequence[Any], name: str) -> Floats:
        """Stack the vectors and check the bounds."""
        try:
            x = np.array(values, dtype=np.float64).reshape(len(values), self.width)
        except (TypeError, ValueError) as error:
            raise InvalidSpace(f"{name}: expected vectors of {self.width} numbers, got {values[0]!r}") from error
        low, high = np.array(self.low), np.array(self.high)
        _refuse(~np.all((x >= low) & (x <= high), axis=1), values, name, self)
        return x

    def decode(self, block: Floats) -> list[Any]:
        """Give one array a row, each its own copy."""
        return list(block.copy())


def _identity(value: Any) -> Any:
    """Key under which a choice is found: booleans apart from numbers, JSON containers by their text."""
    if isinstance(value, np.generic):
        value = value.item()
    try:
        hash(value)
    except TypeError:
        try:
            return "json", json.dumps(value, sort_keys=True)
        except (TypeError, ValueError) as error:
            raise InvalidSpace(f"the choice {value!r} is neither hashable nor a JSON value") from error
    return (isinstance(value, bool), value)


def _check_bounds(dimension: Float | Int, low: float, high: float) -> None:
    for bound in (low, high):
        if not _is_number(bound):
            raise InvalidSpace(f"{dimension}: bounds must be numbers, got {bound!r}")
        if not math.isfinite(bound):
            raise InvalidSpace(f"{dimension}: bounds must be finite, got {bound}; only a Box may be unbounded")
    if low > high:
        raise InvalidSpace(f"{dimension}: low={low} exceeds high={high}; swap them")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def _numbers(values: Sequence[Any], name: str, dimension: Dimension) -> Floats:
    try:
        x = np.array(values)
    except ValueError:  # sequences of several lengths
        x = np.array(None)
    if x.dtype.kind not in "biuf":  # a text is not read as a number
        wrong = next((value for value in values if not _is_number(value)), values[0])
        raise InvalidSpace(f"{name}={wrong!r} is no number; expected one of {dimension}")
    if x.shape != (len(values),):
        raise InvalidSpace(f"{name}: expected one number a configuration for {dimension}, got shape {x.shape}")
    return x.astype(np.float64, copy=False)


def _refuse(
    outside: np.ndarray[Any, np.dtype[np.bool_]], values: Sequence[Any], name: str, dimension: Dimension
) -> None:
    if outside.any():
        raise InvalidSpace(f"{name}={values[int(np.argmax(outside))]!r} lies outside {dimension}")
