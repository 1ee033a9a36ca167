"""Penalties: what large coefficients cost. Each is one file; a solver knows only their contract."""

from thalweg.training.penalties.elastic_net import ElasticNet
from thalweg.training.penalties.group_lasso import GroupLasso
from thalweg.training.penalties.l1 import L1
from thalweg.training.penalties.l2 import L2, NoPenalty
from thalweg.training.penalties.non_negative import NonNegative
from thalweg.training.penalties.penalty import Penalty

__all__ = ["L1", "L2", "ElasticNet", "GroupLasso", "NoPenalty", "NonNegative", "Penalty"]
