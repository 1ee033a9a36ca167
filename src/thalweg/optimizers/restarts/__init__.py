"""Restarts of any optimizer, and the policies that say how each run differs from the one before."""

from thalweg.optimizers.restarts.policies import BIPOP, IPOP, Ledger, Plan, Policy, SameSettings
from thalweg.optimizers.restarts.restarts import Restarts
from thalweg.optimizers.restarts.separable_search import SeparableSearch, SeparableState
from thalweg.optimizers.restarts.state import RestartsState

__all__ = [
    "BIPOP",
    "IPOP",
    "Ledger",
    "Plan",
    "Policy",
    "Restarts",
    "RestartsState",
    "SameSettings",
    "SeparableSearch",
    "SeparableState",
]
