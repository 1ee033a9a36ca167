"""Tables: reading, what their columns hold, target and features apart, rows split, features as numbers.

::

    table = read_table("housing.csv")                       # any file or data frame → pandas.DataFrame
    data = split_target(table, "median_house_value")        # LabelledData: X, y, task, reason, notes
    split = holdout_split(data.X, data.y, data.task, seed=0)
    encoder = TableEncoder(for_model="trees", task=data.task)
    matrix = encoder.fit_transform(split.X_train, split.y_train)

Whatever is wrong with a table is told as :class:`thalweg.errors.InvalidData`, in one line.
"""

from thalweg.data.columns import Column, Kind, describe_columns
from thalweg.data.encoding import TRUSTED_TYPES, ModelFamily, TableEncoder
from thalweg.data.reading import read_table
from thalweg.data.splitting import Split, cross_validation_folds, holdout_split
from thalweg.data.target import LabelledData, Task, labelled_data, split_target

__all__ = [
    "TRUSTED_TYPES",
    "Column",
    "Kind",
    "LabelledData",
    "ModelFamily",
    "Split",
    "TableEncoder",
    "Task",
    "cross_validation_folds",
    "describe_columns",
    "holdout_split",
    "labelled_data",
    "read_table",
    "split_target",
]
