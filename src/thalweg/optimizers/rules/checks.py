"""Checks of a rule's or a schedule's settings, all with the same words."""

from numbers import Integral, Real
from typing import Any

from thalweg.errors import InvalidSettings

__all__ = ["check_count", "check_fraction", "check_not_negative", "check_positive"]


def check_fraction(owner: object, *names: str) -> None:
    """Refuse settings outside [0, 1)."""
    for name, value in _numbers(owner, names):
        _refuse_unless(0 <= value < 1, owner, name, "a number from 0 to below 1")


def check_positive(owner: object, *names: str) -> None:
    """Refuse settings outside (0, ∞)."""
    for name, value in _numbers(owner, names):
        _refuse_unless(0 < value < float("inf"), owner, name, "a positive number")


def check_not_negative(owner: object, *names: str) -> None:
    """Refuse settings outside [0, ∞)."""
    for name, value in _numbers(owner, names):
        _refuse_unless(0 <= value < float("inf"), owner, name, "a number of at least 0")


def check_count(owner: object, *names: str) -> None:
    """Refuse settings that are no whole number of at least 1."""
    for name in names:
        value = getattr(owner, name)
        whole = isinstance(value, Integral) and not isinstance(value, bool)
        _refuse_unless(whole and value >= 1, owner, name, "a whole number of at least 1")


def _numbers(owner: object, names: tuple[str, ...]) -> list[tuple[str, Any]]:
    """Give the named settings, with NaN, which is in no range, for what is no number."""
    values = [(name, getattr(owner, name)) for name in names]
    return [(name, value if isinstance(value, Real) else float("nan")) for name, value in values]


def _refuse_unless(fits: bool, owner: object, name: str, expected: str) -> None:
    if not fits:
        raise InvalidSettings(f"{type(owner).__name__}: {name}={getattr(owner, name)!r}, expected {expected}")
