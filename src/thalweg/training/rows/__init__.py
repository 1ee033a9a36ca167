"""Training data as rows that are seen a chunk at a time: in memory, or from files."""

from thalweg.training.rows.changed import with_targets, with_weights
from thalweg.training.rows.memory import DenseRows, SparseRows, rows_of
from thalweg.training.rows.passes import map_rows, sum_rows
from thalweg.training.rows.rows import Chunk, Rows, chunk_rows, cut, transposed

__all__ = [
    "Chunk",
    "DenseRows",
    "Rows",
    "SparseRows",
    "chunk_rows",
    "cut",
    "map_rows",
    "rows_of",
    "sum_rows",
    "transposed",
    "with_targets",
    "with_weights",
]
