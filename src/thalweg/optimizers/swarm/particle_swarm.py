"""Particle swarm optimization with the constriction coefficient.

J. Kennedy, R. Eberhart, "Particle swarm optimization", ICNN 1995.
M. Clerc, J. Kennedy, "The particle swarm: explosion, stability, and convergence in a multidimensional complex space",
IEEE Transactions on Evolutionary Computation 6(1), 2002. Letters are theirs; constants as in D. Bratton, J. Kennedy,
"Defining a standard for particle swarm optimization", SIS 2007.
"""

import math
from dataclasses import replace
from typing import ClassVar, final

import numpy as np

from thalweg.arrays import Floats, Ints
from thalweg.errors import InvalidSettings
from thalweg.optimizers.base import Capabilities, Optimizer, order, require
from thalweg.optimizers.generation import Generation
from thalweg.problem import Candidates, Evaluations, Problem
from thalweg.rng import generator
from thalweg.serial import frozen
from thalweg.space import Columns

__all__ = ["ParticleSwarm", "SwarmState"]


@final
@frozen
class SwarmState:
    """A swarm of s particles in the unit cube of d columns, in the middle of a generation."""

    columns: Columns
    seed: int
    generation: Generation  # of the particles at u
    u: Floats  # (s, d) positions
    v: Floats  # (s, d) velocities
    best_u: Floats  # (s, d) p: the best position of each particle
    best_value: Floats  # (s,)
    best_infeasibility: Floats  # (s,)


@final
@frozen
class ParticleSwarm(Optimizer[SwarmState]):
    """Let particles fly towards their own best position and the swarm's.

    v ← χ (v + U(0, φ₁) ⊗ (p_i − x_i) + U(0, φ₂) ⊗ (p_g − x_i)),  x ← x + v,
    χ = 2 / |2 − φ − √(φ² − 4φ)|,  φ = φ₁ + φ₂ > 4.

    It flies in the unit cube of the searched scales; a particle that would leave it stops at the wall. Integers and
    choices are the bins of their interval.

    Args:
        size: Particles, at least 2.
        phi1: φ₁, pull to the particle's own best position.
        phi2: φ₂, pull to the swarm's best position; φ₁ + φ₂ > 4.

    Raises:
        InvalidSettings: A setting is out of its range.

    Example:
        >>> import thalweg as tw
        >>> result = tw.minimize(
        ...     lambda x: (x**2).sum(axis=1), tw.Box(-5, 10, dim=5), optimizer=tw.ParticleSwarm(), evaluations=8000,
        ...     vectorized=True, seed=0,
        ... )
        >>> result.best.value < 1e-6
        True
    """

    size: int = 40
    phi1: float = 2.05
    phi2: float = 2.05

    capabilities: ClassVar[Capabilities] = Capabilities(constraints=True)

    def __post_init__(self) -> None:
        """Check the settings."""
        if self.size < 2:
            raise InvalidSettings(f"ParticleSwarm: size={self.size}, expected at least 2 particles")
        if min(self.phi1, self.phi2) < 0 or self.phi1 + self.phi2 <= 4:
            raise InvalidSettings(
                f"ParticleSwarm: phi1={self.phi1}, phi2={self.phi2}: expected φ₁ + φ₂ > 4, none negative, "
                "or the swarm would not contract"
            )

    def init(self, problem: Problem, seed: int) -> SwarmState:
        """Place the particles uniformly, with velocities half way to another uniform point."""
        require(self, problem)
        s, d = self.size, problem.columns.dim
        random = generator(seed, 0)
        u = random.random((s, d))
        v = (random.random((s, d)) - u) / 2
        first = Generation.begin(0, s)
        return SwarmState(problem.columns, seed, first, u, v, u, first.value, first.infeasibility)

    def ask(self, state: SwarmState, n: int, pending: Candidates) -> tuple[Candidates, SwarmState]:
        """Propose particles of this generation that are neither told nor pending; none when all are."""
        particles = state.generation.waiting(n, pending)
        x = state.columns.from_unit(state.u[particles])
        return Candidates.at(state.columns, x, state.generation.slots(particles)), state

    def tell(self, state: SwarmState, evaluations: Evaluations) -> SwarmState:
        """Note the values, and fly when the whole generation is known."""
        foreign = evaluations.candidates.slot < 0
        if foreign.any():
            state = _adopt(state, evaluations.take(foreign))
        generation = state.generation.tell(evaluations)
        if generation is not state.generation:
            state = replace(state, generation=generation)
        return self._fly(_remember(state)) if generation.complete else state

    def stop(self, state: SwarmState) -> str:
        """Stop when all particles rest at one point."""
        resting = (
            state.generation.number > 0 and np.abs(state.v).max() < 1e-15 and np.ptp(state.u, axis=0).max() < 1e-15
        )
        return "all particles rest at one point" if resting else ""

    def _fly(self, state: SwarmState) -> SwarmState:
        """Move every particle: equations (3) and (4) of Clerc and Kennedy with the constriction χ."""
        phi = self.phi1 + self.phi2
        chi = 2 / abs(2 - phi - math.sqrt(phi * phi - 4 * phi))
        g = order(state.best_value, state.best_infeasibility)[0]
        random = generator(state.seed, state.generation.number + 1)
        u = state.u
        v = random.random(u.shape)
        v *= self.phi1
        v *= state.best_u - u
        pull = random.random(u.shape)
        pull *= self.phi2
        pull *= state.best_u[g] - u
        v += pull
        v += state.v
        v *= chi
        moved = u + v
        inside = np.clip(moved, 0.0, 1.0)
        v[inside != moved] = 0.0
        return replace(state, generation=state.generation.following(), u=inside, v=v)


def _remember(state: SwarmState) -> SwarmState:
    """Update every particle's best position, by Deb's rules where there are constraints."""
    value, infeasibility = state.generation.value, state.generation.infeasibility
    nearer = infeasibility < state.best_infeasibility
    lower = (infeasibility == state.best_infeasibility) & (value < state.best_value)
    better = nearer | lower
    return replace(
        state,
        best_u=np.where(better[:, None], state.u, state.best_u),
        best_value=np.where(better, value, state.best_value),
        best_infeasibility=np.where(better, infeasibility, state.best_infeasibility),
    )


def _adopt(state: SwarmState, foreign: Evaluations) -> SwarmState:
    """Give foreign points, best first, to the particles with the worst memories, where they improve them."""
    u = state.columns.to_unit(foreign.candidates.x)
    best_u, best_value = state.best_u.copy(), state.best_value.copy()
    best_infeasibility = state.best_infeasibility.copy()
    for row in order(foreign.value[:, 0], foreign.infeasibility):
        worst = order(best_value, best_infeasibility)[-1]
        pair = np.array([foreign.value[row, 0], best_value[worst]])
        violations = np.array([foreign.infeasibility[row], best_infeasibility[worst]])
        ranked: Ints = order(pair, violations)
        if ranked[0] != 0 or not foreign.complete[row]:
            break
        best_u[worst], best_value[worst], best_infeasibility[worst] = u[row], pair[0], violations[0]
    return replace(state, best_u=best_u, best_value=best_value, best_infeasibility=best_infeasibility)
