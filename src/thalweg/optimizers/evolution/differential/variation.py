"""How differential evolution makes trials: a mutation, and a crossover in either of two coordinate systems."""

import numpy as np

from thalweg.arrays import Bools, Floats

__all__ = ["binomial_crossover", "current_to_pbest", "learn_covariance", "pull_inside"]

LEARNED = 0.1  # c, share of the newest generation in the learned covariance


def current_to_pbest(u: Floats, archive: Floats, F: Floats, best: int, random: np.random.Generator) -> Floats:
    """Mutate a population: current-to-pbest/1 with an archive.

    v_i = x_i + F_i (x_pbest − x_i) + F_i (x_r1 − x̃_r2),  r1 ≠ i from the population, r2 ≠ r1, i from it and the archive.

    Args:
        u: (n, d) population, best first, n ≥ 4.
        archive: (a, d) parents that were beaten.
        F: (n,) step of each.
        best: pbest is one of so many, the best.
        random: Where the chance comes from.

    Returns:
        (n, d) mutants, not yet pulled inside the bounds.

    Reference:
        J. Zhang, A. C. Sanderson, "JADE: adaptive differential evolution with optional external archive", 2009.
    """
    n, i = len(u), np.arange(len(u))
    pbest = random.integers(best, size=n)
    r1 = random.integers(n - 1, size=n)
    r1 += r1 >= i
    r2 = random.integers(n + len(archive) - 2, size=n)
    r2 += r2 >= np.minimum(i, r1)
    r2 += r2 >= np.maximum(i, r1)
    everyone = np.concatenate([u, archive]) if len(archive) else u
    v = u[pbest]
    v -= u
    v += u[r1]
    v -= everyone[r2]
    v *= F[:, None]
    v += u
    return v


def binomial_crossover(
    u: Floats, v: Floats, CR: Floats, turned: Bools, axes: Floats, random: np.random.Generator
) -> Floats:
    """Take each coordinate of a mutant with probability CR, and one for certain; for some trials along turned axes.

    Args:
        u: (n, d) parents.
        v: (n, d) mutants.
        CR: (n,) probability of each.
        turned: (n,) which are crossed along the axes.
        axes: (d, d) orthonormal columns; anything where no trial is crossed along them.
        random: Where the chance comes from.

    Returns:
        (n, d) trials.

    Reference:
        S.-M. Guo, C.-C. Yang, "Enhancing differential evolution utilizing eigenvector-based crossover operator", 2015.
    """
    n, d = u.shape
    keep = random.random((n, d)) >= CR[:, None]
    keep[np.arange(n), random.integers(d, size=n)] = False
    step = v - u
    if turned.any():
        step[turned] = step[turned] @ axes
    step[keep] = 0.0
    if turned.any():
        step[turned] = step[turned] @ axes.T
    return step + u


def learn_covariance(covariance: Floats, u: Floats) -> Floats:
    """Mix the covariance of individuals into what was learned of earlier ones.

    C ← (1 − c) C + c Σ (u − ū)(u − ū)ᵀ / k,  c = 0.1: a few individuals more than there are columns do not show the axes
    of a valley, those of ten generations do.

    Args:
        covariance: (d, d) C; zeros where nothing was learned yet, and then the individuals' own is given.
        u: (k, d) the better half of a population.
    """
    centred = u - u.mean(axis=0)
    newest: Floats = centred.T @ centred / len(u)
    return (1 - LEARNED) * covariance + LEARNED * newest if covariance.any() else newest


def pull_inside(trial: Floats, u: Floats) -> Floats:
    """Put what left the unit cube half way between the wall and the parent; the array itself is changed.

    Args:
        trial: (n, d) trials.
        u: (n, d) their parents, inside.
    """
    np.copyto(trial, u / 2, where=trial < 0)
    np.copyto(trial, (1 + u) / 2, where=trial > 1)
    return trial
