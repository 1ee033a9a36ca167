"""Every exception that Thalweg raises on purpose, in one tree.

::

    ThalwegError
    ├── InvalidSpace             contradictory bounds, a cycle of conditions, a value outside the space
    ├── InvalidProblem           an objective, goal, constraint or gradient that does not fit together
    ├── InvalidSettings          a setting of an optimizer, a budget or an executor out of its range
    ├── IncompatibleProblem      an optimizer is given a problem it cannot serve
    ├── InvalidData              a table that cannot be read, or not be learned from
    ├── NoCompletedTrial         a best trial is asked for, and none was completed
    ├── StorageError             a store cannot be opened, read or written
    │   ├── StudyNotFound        no study of that name
    │   ├── ContradictorySettings  the same name with other settings than those stored
    │   └── UnreadableState      stored bytes of another version, or of an unknown class
    └── MissingDependency        an optional library is not installed

An error's text says what was got, what was expected and what to do. The classes also derive from the
built-in exception that a caller would expect (``ValueError``, ``ImportError`` …).
"""

__all__ = [
    "ContradictorySettings",
    "IncompatibleProblem",
    "InvalidData",
    "InvalidProblem",
    "InvalidSettings",
    "InvalidSpace",
    "MissingDependency",
    "NoCompletedTrial",
    "StorageError",
    "StudyNotFound",
    "ThalwegError",
    "UnreadableState",
]


class ThalwegError(Exception):
    """Root of the tree: ``except ThalwegError`` catches whatever Thalweg raises on purpose."""


class InvalidSpace(ThalwegError, ValueError):
    """A search space, or a value given for one, contradicts itself."""


class InvalidProblem(ThalwegError, ValueError):
    """An objective, a goal, a constraint or a gradient does not fit the rest of the problem."""


class InvalidSettings(ThalwegError, ValueError):
    """A setting lies outside its range."""


class IncompatibleProblem(ThalwegError, ValueError):
    """The optimizer cannot serve this problem."""


class InvalidData(ThalwegError, ValueError):
    """A table cannot be read, or nothing can be learned from it."""


class NoCompletedTrial(ThalwegError, LookupError):
    """There is no completed trial to choose the best from."""


class StorageError(ThalwegError, RuntimeError):
    """A store cannot be opened, read or written."""


class StudyNotFound(StorageError, LookupError):
    """The store holds no study of that name."""


class ContradictorySettings(StorageError, ValueError):
    """A stored study is continued with settings that contradict the stored ones."""


class UnreadableState(StorageError):
    """Stored bytes belong to another version of a class, or to a class that is not known here."""


class MissingDependency(ThalwegError, ImportError):
    """An optional library is not installed."""

    def __init__(self, library: str, purpose: str, extra: str) -> None:
        """Name the library, what it is needed for, and the extra that brings it."""
        super().__init__(
            f"{purpose} needs {library}, which is not installed: pip install 'thalweg[{extra}]'", name=library
        )
