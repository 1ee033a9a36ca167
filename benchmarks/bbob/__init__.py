"""The parts of bbob.py: what is measured, and the methods."""
