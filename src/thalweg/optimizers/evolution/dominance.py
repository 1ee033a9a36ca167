"""What NSGA-II selects by: constrained non-dominated sorting, and the crowding distance.

K. Deb, A. Pratap, S. Agarwal, T. Meyarivan, "A fast and elitist multiobjective genetic algorithm: NSGA-II", IEEE
Transactions on Evolutionary Computation 6(2), 2002, sections III-A, III-B and VI. Letters are theirs.
"""

import numpy as np

from thalweg.arrays import Floats, Ints
from thalweg.problem.pareto import non_dominated

__all__ = ["crowding_distance", "non_dominated_sort", "survivors", "tournaments"]


def non_dominated_sort(value: Floats, infeasibility: Floats, most: int | None = None) -> Ints:
    """Give every point the number of its front, 0 for the points that no other one dominates, by constraints first.

    A feasible point dominates every infeasible one; of two infeasible ones the smaller violation dominates; failed ones
    come last; of two feasible ones the Pareto-better one dominates. Front k is what nothing but the fronts before it
    dominates. Two objectives take O(n log n) a front, and no more memory than the points: the paper counts the dominating
    points of each in a table of n² pairs instead.

    Args:
        value: (n, m) objectives, NaN where they failed.
        infeasibility: (n,) total violation ≥ 0, inf where it failed.
        most: As soon as so many points have their front, all others are put into one last front; None for never.

    Returns:
        (n,) numbers of the fronts, without a gap.

    Example:
        >>> value = np.array([[1.0, 2.0], [2.0, 1.0], [2.0, 2.0], [0.0, 0.0], [np.nan, np.nan]])
        >>> non_dominated_sort(value, np.array([0.0, 0.0, 0.0, 0.1, np.inf])).tolist()
        [0, 0, 1, 2, 3]
    """
    feasible = infeasibility == 0
    rank, left, number = np.zeros(len(value), dtype=np.int64), np.flatnonzero(feasible), 0
    spare = 0 if most is None else max(len(left) - most, 0)  # how many need no front of their own
    if value.shape[1] == 1:  # each distinct value is a front
        rank[left] = np.unique(value[left, 0], return_inverse=True)[1]
        number, left = int(rank[left].max(initial=-1)) + 1, left[:0]
    while len(left) > spare:
        front = non_dominated(value[left])
        rank[left[front]] = number
        number, left = number + 1, left[~front]
    rank[left] = number
    number += bool(len(left))
    rank[~feasible] = number + np.unique(infeasibility[~feasible], return_inverse=True)[1]
    return rank


def crowding_distance(value: Floats, rank: Ints) -> Floats:
    """Give every point the room that its neighbours of the same front leave it.

    In each objective the front is sorted; its two ends get ∞, the others

        d ← d + (f(next) − f(previous)) / (f_max − f_min).

    Args:
        value: (n, m) objectives, NaN where they failed; those get 0.
        rank: (n,) numbers of the fronts.

    Returns:
        (n,) distances, the larger the less crowded.

    Example:
        >>> crowding_distance(np.array([[0.0, 3.0], [1.0, 1.0], [3.0, 0.0]]), np.zeros(3, dtype=np.int64)).tolist()
        [inf, 2.0, inf]
    """
    distance = np.zeros(len(value))
    if not len(value):
        return distance
    for f in value.T / 2:  # halved, for the difference of two very large numbers is infinite
        order = np.lexsort((f, rank))
        f, front = f[order], rank[order]
        begins = np.append(True, front[1:] != front[:-1])
        ends = np.append(begins[1:], True)
        number = np.cumsum(begins) - 1
        extent = (f[ends] - f[begins])[number]
        room = np.append(f[1:], 0.0) - np.append(0.0, f[:-1])
        flat = extent == 0  # no room to share, and nobody at its end
        distance[order] += np.where(flat, 0.0, np.where(begins | ends, np.inf, room / np.where(flat, 1.0, extent)))
    distance[np.isnan(value).any(axis=1)] = 0.0
    return distance


def survivors(value: Floats, rank: Ints, size: int) -> Ints:
    """Choose the points that go on: whole fronts while they fit, and of the first that does not the least crowded.

    The paper removes the points of least crowding distance at once, and with them both of two neighbours, where one
    would have left room for the other. Here those go that are more crowded than their neighbours in every objective, at
    most half of what is too many at a time; then the distances are computed anew.

    Args:
        value: (n, m) objectives, NaN where they failed.
        rank: (n,) numbers of the fronts.
        size: How many go on; all where there are not more.

    Returns:
        (min(n, size),) indices.

    Example:
        >>> value = np.array([[0.0, 9.0], [4.0, 4.1], [4.1, 4.0], [9.0, 0.0], [9.0, 9.0]])
        >>> survivors(value, np.array([0, 0, 0, 0, 1]), size=3).tolist()
        [0, 2, 3]

    Reference:
        S. Kukkonen, K. Deb, "Improved pruning of non-dominated solutions based on crowding distance for bi-objective
        optimization problems", CEC 2006 (one at a time).
    """
    last = np.sort(rank)[min(size, len(rank)) - 1]
    kept, front = np.flatnonzero(rank < last), np.flatnonzero(rank == last)
    while (excess := len(kept) + len(front) - size) > 0:
        distance = crowding_distance(value[front], rank[front])
        crowded = _most_crowded(value[front], distance)
        gone = crowded[np.argsort(distance[crowded], kind="stable")][: (excess + 1) // 2]
        front = np.delete(front, gone)
    return np.concatenate([kept, front])


def tournaments(rank: Ints, distance: Floats, n: int, random: np.random.Generator) -> Ints:
    """Hold n binary tournaments by the crowded-comparison operator ≺ₙ: the lower front wins, then the larger distance.

    Opponents are neighbours in shuffled lists of all, so that everybody takes part equally often. Of two that are equal
    the first wins.

    Args:
        rank: (k,) numbers of the fronts.
        distance: (k,) crowding distances.
        n: How many.
        random: Where the chance comes from.

    Returns:
        (n,) indices of the winners.

    Example:
        >>> tournaments(np.array([1, 0]), np.array([np.inf, 0.5]), 3, np.random.default_rng(0)).tolist()
        [1, 1, 1]
    """
    k = len(rank)
    lists = -(-2 * n // k)
    shuffled = random.permuted(np.tile(np.arange(k), (lists, 1)), axis=1)
    a, b = shuffled.reshape(-1)[: 2 * n].reshape(n, 2).T
    second = (rank[b] < rank[a]) | ((rank[b] == rank[a]) & (distance[b] > distance[a]))
    return np.where(second, b, a)


def _most_crowded(value: Floats, distance: Floats) -> Ints:
    """Give the points of a front whose neighbours in every objective have more room; one of them at least."""
    least = np.ones(len(value), dtype=np.bool_)
    for f in value.T:
        order = np.argsort(f, kind="stable")
        d = distance[order]
        least[order[1:]] &= d[1:] <= d[:-1]
        least[order[:-1]] &= d[:-1] < d[1:]
    points = np.flatnonzero(least)
    return points if len(points) else np.array([distance.argmin()])
