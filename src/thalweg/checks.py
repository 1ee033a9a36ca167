"""Checks of numbers that a user gives, and what is said when they do not fit."""

import math
from typing import Any

from thalweg.errors import InvalidSettings

__all__ = ["positive_number", "whole_number"]


def whole_number(name: str, value: Any, least: int) -> int:
    """Give a setting as an int.

    Raises:
        InvalidSettings: It is no whole number, or below ``least``.

    Example:
        >>> whole_number("trials", 1e3, least=1)
        1000
    """
    number = _number(value)
    if not (math.isfinite(number) and number == int(number) and number >= least):
        raise InvalidSettings(f"{name}={value!r}: expected a whole number of at least {least}, or None")
    return int(value)


def positive_number(name: str, value: Any) -> float:
    """Give a setting as a float.

    Raises:
        InvalidSettings: It is no number, or not above 0.
    """
    number = _number(value)
    if not number > 0:
        raise InvalidSettings(f"{name}={value!r}: expected a positive number, or None")
    return number


def _number(value: Any) -> float:
    """Give NaN for what is no number: texts and booleans are none."""
    if isinstance(value, str | bool):
        return math.nan
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan
