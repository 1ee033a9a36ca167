"""How many rows are learned from at a time, where nobody says."""

import math

__all__ = ["batch_size_for"]

BATCHES = 50  # of an epoch
SMALLEST, LARGEST = 32, 512  # rows of a batch


def batch_size_for(n: int) -> int:
    """Give the rows of a batch so that an epoch of n rows has about 50, of 32 to 512 rows.

    Example:
        >>> batch_size_for(150), batch_size_for(15_000)
        (32, 256)
    """
    return min(max(SMALLEST, 1 << round(math.log2(max(1.0, n / BATCHES)))), LARGEST)
