"""Swarms: particles that share what they have seen."""

from thalweg.optimizers.swarm.particle_swarm import ParticleSwarm, SwarmState

__all__ = ["ParticleSwarm", "SwarmState"]
