"""What every storage says of a study that it does not hold."""

from collections.abc import Sequence

from thalweg.errors import StudyNotFound

__all__ = ["study_not_found"]


def study_not_found(name: str, names: Sequence[str]) -> StudyNotFound:
    """Make the error that names the studies there are, the latest ones where they are many.

    Example:
        >>> str(study_not_found("tide", ["sand", "silt"]))
        "there is no study named 'tide'; there are 'sand', 'silt'"
    """
    if not names:
        return StudyNotFound(f"there is no study named {name!r}: this storage holds none yet")
    more = f" and {len(names) - 20} earlier ones" if len(names) > 20 else ""
    return StudyNotFound(f"there is no study named {name!r}; there are {', '.join(map(repr, names[-20:]))}{more}")
