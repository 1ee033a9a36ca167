"""What is searched: dimensions, conditions, and their encoding to the rows of a matrix."""

from thalweg.space.columns import CATEGORICAL, CONTINUOUS, INTEGER, Columns, Condition
from thalweg.space.dimensions import Box, Categorical, Dimension, Float, Int, When
from thalweg.space.space import Configuration, Space, SpaceLike

__all__ = [
    "CATEGORICAL",
    "CONTINUOUS",
    "INTEGER",
    "Box",
    "Categorical",
    "Columns",
    "Condition",
    "Configuration",
    "Dimension",
    "Float",
    "Int",
    "Space",
    "SpaceLike",
    "When",
]
