"""A search space: named dimensions with conditions, to rows of a matrix and back."""

from collections.abc import Mapping, Sequence
from itertools import compress
from typing import Any, final

import numpy as np

from thalweg.arrays import AnyArray, Bools, Floats
from thalweg.errors import InvalidSpace, UnreadableState
from thalweg.serial import construct, describe, without_addresses
from thalweg.space.columns import Columns, Condition
from thalweg.space.dimensions import Box, Categorical, Dimension, Int

__all__ = ["Configuration", "Space", "SpaceLike"]

Configuration = Any
"""A dict of parameters by name, or an array (dim,) where the space is a single Box."""

SpaceLike = Any
"""What a user may give as a space: a Space, a Box, or a mapping of names to dimensions."""


@final
class Space:
    """Names, dimensions and conditions of what is searched.

    Args:
        dimensions: A mapping of names to :class:`Float`, :class:`Int`, :class:`Categorical` or :class:`Box`; or a
            single Box, whose configurations are then arrays instead of dicts; or another Space.

    Attributes:
        dimensions: The dimensions by name; a single Box is called ``"x"``.
        bare: Whether the space is a single Box without a name.
        columns: What optimizers see: see :class:`thalweg.space.Columns`.

    Raises:
        InvalidSpace: There are no dimensions, a condition names an unknown parent or value, or conditions form a cycle.

    Example:
        >>> from thalweg.space import Float
        >>> space = Space({"kind": Categorical(["a", "b"]), "rate": Float(0, 1, when={"kind": ["b"]})})
        >>> x, active = space.encode([{"kind": "a"}, {"kind": "b", "rate": 0.25}])
        >>> space.decode(x, active)
        [{'kind': 'a'}, {'kind': 'b', 'rate': 0.25}]
    """

    dimensions: Mapping[str, Dimension]
    bare: bool
    columns: Columns

    def __init__(self, dimensions: SpaceLike) -> None:
        """Check names and conditions and lay out the columns."""
        if isinstance(dimensions, Space):
            self.__dict__.update(dimensions.__dict__)
            return
        self.bare = isinstance(dimensions, Box)
        if isinstance(dimensions, Box):
            if dimensions.when:
                raise InvalidSpace("a Box that is the whole space cannot have conditions; name it in a dict")
            dimensions = {"x": dimensions}
        if not isinstance(dimensions, Mapping):
            raise InvalidSpace(f"a space is a dict of names to dimensions, or a Box; got {type(dimensions).__name__}")
        if not dimensions:
            raise InvalidSpace("a space needs at least one dimension, got an empty dict")
        for name, dimension in dimensions.items():
            if not isinstance(name, str) or not isinstance(dimension, Dimension):
                raise InvalidSpace(f"{name!r}: expected a name and a Float, Int, Categorical or Box, got {dimension!r}")
        self.dimensions = dict(dimensions)
        self._order = _parents_first(self.dimensions)
        self._place = self._layout()
        self.columns = self._columns()

    def __repr__(self) -> str:
        """Show the dimensions."""
        return f"Space({self.dimensions['x'] if self.bare else dict(self.dimensions)!r})"

    @property
    def column_names(self) -> list[str]:
        """One name a column: a Box called w of three components gives ``w[0]``, ``w[1]``, ``w[2]``."""
        names = []
        for name, dimension in self.dimensions.items():
            several = isinstance(dimension, Box)
            names += [f"{name}[{i}]" for i in range(dimension.width)] if several else [name]
        return names

    def describe(self) -> dict[str, Any]:
        """Give a JSON tree for each dimension; a text where a choice is a Python object of another kind."""
        return {name: _description(dimension) for name, dimension in self.dimensions.items()}

    @staticmethod
    def construct(description: Mapping[str, Any]) -> "Space":
        """Build the space again that :meth:`describe` described; a single Box without a name comes back named ``"x"``.

        Raises:
            UnreadableState: It has a choice that can only be built by the program that described it.

        Example:
            >>> from thalweg.space import Float
            >>> Space.construct(Space({"rate": Float(0, 1)}).describe())
            Space({'rate': Float(low=0, high=1, log=False, step=None, when=None)})
        """
        for name, tree in description.items():
            if isinstance(tree, str):
                raise UnreadableState(f"{name} = {tree} can only be built by the program that described it")
        return Space({name: construct(tree) for name, tree in description.items()})

    def encode(self, configurations: Sequence[Configuration]) -> tuple[Floats, Bools]:
        """Turn n configurations into rows.

        Args:
            configurations: Dicts of every active parameter (values of inactive ones are ignored); arrays for a bare Box.

        Returns:
            The rows (n, d) in natural units, and the mask (n, d) of active columns.

        Raises:
            InvalidSpace: A parameter is unknown, missing, or outside its dimension.
        """
        n = len(configurations)
        if self.bare:
            block = self.dimensions["x"].encode(configurations, "x") if n else np.empty((0, self.columns.dim))
            return block, self.columns.activity(block)
        self._check_names(configurations)
        x = np.broadcast_to(self.columns.neutral, (n, self.columns.dim)).copy()
        for name in self._order:
            dimension, place = self.dimensions[name], self._place[name]
            on = self.columns.activity(x)[:, place.start] if dimension.when else slice(None)
            active = list(compress(configurations, on)) if isinstance(on, np.ndarray) else configurations
            try:
                values = [configuration[name] for configuration in active]
            except KeyError:
                lacking = next(configuration for configuration in active if name not in configuration)
                raise InvalidSpace(f"the parameter {name!r} is active and missing in {lacking!r}") from None
            if values:
                x[on, place] = self._snapped(dimension, values, name, place)
        return x, self.columns.activity(x)

    def decode(self, x: Floats, active: Bools | None = None) -> list[Configuration]:
        """Turn rows into configurations: dicts of the active parameters, or arrays for a bare Box.

        Args:
            x: (n, d) rows.
            active: (n, d) mask; computed from the conditions where it is None.
        """
        blocks = [self.dimensions[name].decode(x[:, place]) for name, place in self._place.items()]
        if self.bare:
            return blocks[0]
        names = list(self.dimensions)
        if not self.columns.conditions:
            return [dict(zip(names, row, strict=True)) for row in zip(*blocks, strict=True)]
        mask = (self.columns.activity(x) if active is None else active)[:, [p.start for p in self._place.values()]]
        return [
            {name: value for name, value, on in zip(names, row, marks, strict=True) if on}
            for row, marks in zip(zip(*blocks, strict=True), mask.tolist(), strict=True)
        ]

    def decode_columns(self, x: Floats, active: Bools | None = None) -> dict[str, AnyArray]:
        """Turn rows into one array a parameter, for vectorised functions and frames.

        Returns:
            Floats (n,), integers (n,), a Box as (n, dim), choices as objects (n,). Where a parameter is inactive in some
            rows it holds NaN, or None for a choice, and integers become floats.
        """
        mask = self.columns.activity(x) if active is None else active
        result: dict[str, AnyArray] = {}
        for name, dimension in self.dimensions.items():
            place = self._place[name]
            off = ~mask[:, place.start]
            if isinstance(dimension, Categorical):
                values: AnyArray = np.empty(len(x), dtype=object)
                values[:] = dimension.decode(x[:, place])
                values[off] = None
            else:
                values = x[:, place].copy() if isinstance(dimension, Box) else x[:, place.start].copy()
                if off.any():
                    values[off] = np.nan
                elif isinstance(dimension, Int):
                    values = values.astype(np.int64)
            result[name] = values
        return result

    def _check_names(self, configurations: Sequence[Configuration]) -> None:
        known = self.dimensions.keys()
        for configuration in configurations:
            if type(configuration) is not dict and not isinstance(configuration, Mapping):
                raise InvalidSpace(f"expected a dict of parameters, got {configuration!r}")
            if not configuration.keys() <= known:
                unknown = sorted(map(str, configuration.keys() - known))
                raise InvalidSpace(f"unknown parameter {', '.join(unknown)}; the space has {', '.join(known)}")

    def _snapped(self, dimension: Dimension, values: list[Any], name: str, place: slice) -> Floats:
        block = dimension.encode(values, name)
        if getattr(dimension, "step", None):
            block[:, 0] = self.columns.snap(place.start, block[:, 0])
        return block

    def _layout(self) -> dict[str, slice]:
        places, start = {}, 0
        for name, dimension in self.dimensions.items():
            places[name] = slice(start, start + dimension.width)
            start += dimension.width
        return places

    def _columns(self) -> Columns:
        kind, low, high, log, step = [], [], [], [], []
        for dimension in self.dimensions.values():
            k, a, b, is_log, grid = dimension.columns()
            kind += [k] * dimension.width
            low.append(a)
            high.append(b)
            log += [is_log] * dimension.width
            step += [grid] * dimension.width
        return Columns(
            np.array(kind, np.int64), np.concatenate(low), np.concatenate(high), np.array(log, bool),
            np.array(step, float), tuple(self._conditions()),
        )  # fmt: skip

    def _conditions(self) -> list[Condition]:
        rules = []
        for name in self._order:
            for parent, values in (self.dimensions[name].when or {}).items():
                codes = tuple(self.dimensions[parent].encode(list(values), parent)[:, 0].tolist())
                start, stop = self._place[name].start, self._place[name].stop
                rules += [Condition(child, self._place[parent].start, codes) for child in range(start, stop)]
        return rules


def _parents_first(dimensions: Mapping[str, Dimension]) -> list[str]:
    """Order names so that parents come before their children; refuse unknown parents and cycles."""
    for name, dimension in dimensions.items():
        if dimension.when is not None and not isinstance(dimension.when, Mapping):
            raise InvalidSpace(f"{name!r}: when= needs a dict of parents and values, got {dimension.when!r}")
        for parent, values in (dimension.when or {}).items():
            if parent not in dimensions:
                raise InvalidSpace(f"{name!r} depends on {parent!r}, which the space does not have")
            if not isinstance(dimensions[parent], Categorical | Int):
                raise InvalidSpace(f"{name!r} depends on {parent!r}, which must be Categorical or Int to be a parent")
            if isinstance(values, str) or not isinstance(values, Sequence) or not values:
                raise InvalidSpace(f"{name!r}: when={{{parent!r}: …}} needs a list of values, got {values!r}")
    order: list[str] = []
    remaining = dict(dimensions)
    while remaining:
        ready = [name for name, one in remaining.items() if not (one.when or {}).keys() & remaining.keys()]
        if not ready:
            raise InvalidSpace(f"the conditions of {', '.join(map(repr, remaining))} form a cycle")
        order += ready
        for name in ready:
            del remaining[name]
    return order


def _description(dimension: Dimension) -> Any:
    try:
        return describe(dimension)
    except TypeError:  # a choice that is hashable and no JSON value, such as a function
        return without_addresses(repr(dimension))
