"""What a descent still has before it, judged from how it went so far."""

from collections.abc import Sequence

__all__ = ["WINDOW", "remaining"]

WINDOW = 20  # iterations that are looked at


def remaining(values: Sequence[float]) -> float:
    """Estimate the decrease to come, as if what the second half brought over the first were the rate from now on.

    With decreases D₁ and D₂ of two equal spans and r = D₂/D₁, it is D₂ (r + r² + …) = D₂ r / (1 − r): Aitken's
    extrapolation, over spans since single steps are erratic.

    Args:
        values: F at the last iterates, oldest first; fewer than three tell nothing.

    Example:
        >>> remaining([8.0, 4.0, 2.0])
        2.0
    """
    span = (len(values) - 1) // 2
    if not span:
        return 0.0
    before, lately = values[-2 * span - 1] - values[-span - 1], values[-span - 1] - values[-1]
    rate = min(lately / before, 0.999) if before > 0 else 0.0
    return lately * rate / (1 - rate)
