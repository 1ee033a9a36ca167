"""A family of models: the untuned estimator of a library, and what is worth tuning of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, final

from thalweg.data import ModelFamily, Task
from thalweg.space import Dimension

__all__ = ["Family", "Params"]

Params = Mapping[str, Any]
"""Values of parameters by name."""


@final
@dataclass(frozen=True, eq=False)
class Family:
    """One kind of model for one task.

    Args:
        name: Its name in configurations and results.
        task: ``"regression"`` or ``"classification"``.
        features: The features it is given, see :class:`thalweg.data.TableEncoder`.
        make: Gives the library's untuned estimator.
        space: The parameters that are searched, by the names of ``set_params``.
        default: The library's own values of these parameters, a point of the space.
        starts: Further points that practice has found good, tried right after the default one.
        fixed: Parameters that every point but the default one is given.
        integer_labels: Whether its classes must be called 0, 1, …, K - 1.
    """

    name: str
    task: Task
    features: ModelFamily
    make: Callable[[], Any]
    space: Mapping[str, Dimension]
    default: Params
    starts: tuple[Params, ...] = ()
    fixed: Params = field(default_factory=dict)
    integer_labels: bool = False

    def build(self, params: Params) -> Any:
        """Make the unfitted estimator of a point; that of the default point is the library's untuned one."""
        changed = {name: value for name, value in params.items() if value != self.default[name]}
        return self.make().set_params(**self.fixed, **changed) if changed else self.make()
