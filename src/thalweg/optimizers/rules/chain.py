"""A chain of rules, each of which turns the direction of the one before it."""

from typing import Any, final

from thalweg.arrays import Floats
from thalweg.errors import InvalidSettings
from thalweg.optimizers.rules.rule import AnyRule, Averages, UpdateRule
from thalweg.serial import frozen

__all__ = ["Chain"]


@final
@frozen
class Chain(UpdateRule[tuple[Any, ...]]):
    """Let each rule take the direction of the one before it as its gradient.

    What a link means, its place says: before Adam, ``WeightDecay`` is an L2 penalty, whose gradient goes through
    the moments; after it, it is decoupled, as in AdamW. Before it, ``ClipNorm`` bounds gradients; after it, steps.

    Args:
        links: The rules, first to last. One that decides itself where the point goes, because it keeps an average
            or waits (``ScheduleFreeSGD``, ``ScheduleFreeAdamW``, ``Accumulate``, another chain), comes last.

    Raises:
        InvalidSettings: There is no link, or one that must come last does not.

    Example:
        >>> import numpy as np
        >>> from thalweg.optimizers.rules import SGD, ClipNorm, WeightDecay
        >>> rule, x = Chain((ClipNorm(1.0), SGD(), WeightDecay(0.1))), np.array([5.0, 0.0])
        >>> direction, _ = rule.update(rule.init(x), np.array([30.0, 40.0]), x)
        >>> direction
        array([1.1, 0.8])
    """

    links: tuple[AnyRule, ...]

    def __post_init__(self) -> None:
        """Check the order of the links."""
        links = tuple(self.links)
        object.__setattr__(self, "links", links)
        if not links or not all(isinstance(link, UpdateRule) for link in links):
            raise InvalidSettings(f"Chain: links={links!r}, expected one or more update rules, such as (SGD(),)")
        for place, link in enumerate(links[:-1], start=1):
            if isinstance(link, Averages):
                raise InvalidSettings(
                    f"Chain: {type(link).__name__} is link {place} of {len(links)}, expected it to be the last: it "
                    "decides where the point goes"
                )

    def init(self, x: Floats) -> tuple[Any, ...]:
        """Begin every link at x."""
        return tuple(link.init(x) for link in self.links)

    def update(
        self, state: tuple[Any, ...], gradient: Floats, x: Floats, learning_rate: float = 1.0
    ) -> tuple[Floats, tuple[Any, ...]]:
        """Pass the gradient through the links."""
        direction, after = gradient, []
        for link, before in zip(self.links, state, strict=True):
            direction, link_state = link.update(before, direction, x, learning_rate)
            after.append(link_state)
        return direction, tuple(after)

    def average(self, state: tuple[Any, ...], x: Floats) -> Floats:
        """Give the average of the last link, x itself if it keeps none."""
        last = self.links[-1]
        return last.average(state[-1], x) if isinstance(last, Averages) else x
