"""One thread for BLAS, as long as anybody wants that."""

from functools import cache
from threading import Lock
from typing import Any, final

from threadpoolctl import ThreadpoolController

__all__ = ["OneThread", "one_thread"]


@final
class OneThread:
    """A context in which BLAS has one thread, for the whole process.

    Several fits may be in it at once, in threads of their own: whoever comes first takes BLAS's threads away, and whoever
    leaves last gives them back.
    """

    def __init__(self) -> None:
        """Let nobody be inside."""
        self._lock, self._inside = Lock(), 0
        self._limit: Any = None

    def __enter__(self) -> None:
        """Take the threads away."""
        with self._lock:
            if not self._inside:
                self._limit = _controller().limit(limits=1, user_api="blas")
            self._inside += 1

    def __exit__(self, *trouble: object) -> None:
        """Give them back."""
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._limit.restore_original_limits()


one_thread = OneThread()


@cache
def _controller() -> Any:
    """Look for the libraries once: that takes longer than a prediction."""
    return ThreadpoolController()
