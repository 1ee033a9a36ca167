"""Contract suites to inherit from: :mod:`thalweg.testing.optimizers` and :mod:`thalweg.testing.storages`.

They need pytest, and are imported from their own modules, so that each needs nothing else.
"""

__all__ = ["optimizers", "storages"]
