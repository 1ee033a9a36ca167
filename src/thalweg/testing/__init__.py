"""Contract suites to inherit from: :mod:`thalweg.testing.optimizers`, and more beside it.

They need pytest, and are imported from their own modules, so that each needs nothing else.
"""
