"""How a command ends: its exit code, and the one line on stderr that says why."""

import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from thalweg.errors import ThalwegError

__all__ = ["INTERRUPTED", "UNEXPECTED", "USER_ERROR", "complain", "exit_codes"]

UNEXPECTED, USER_ERROR, INTERRUPTED = 1, 2, 130  # 130 is what a shell reports of a program that Ctrl-C ended


@contextmanager
def exit_codes(debug: bool) -> Iterator[None]:
    """Turn what a command raises into an exit code and one line.

    Args:
        debug: Show tracebacks on stderr.
    """
    try:
        yield
    except ThalwegError as error:
        if debug:
            traceback.print_exc()
        complain(str(error))
        raise typer.Exit(USER_ERROR) from None
    except KeyboardInterrupt:
        complain("interrupted")
        raise typer.Exit(INTERRUPTED) from None
    except (
        typer.Exit,
        BrokenPipeError,
    ):  # the reader of a pipe has gone: typer ends the process without a word
        raise
    except Exception as error:
        where = "above" if debug else f"in {_written_down()}; --debug shows it"
        if debug:
            traceback.print_exc()
        complain(f"unexpected {type(error).__name__}: {error} (the traceback is {where})")
        raise typer.Exit(UNEXPECTED) from None


def complain(message: str) -> None:
    """Write one line to stderr."""
    print("thalweg:", " ".join(message.split()), file=sys.stderr, flush=True)


def _written_down() -> str:
    with tempfile.NamedTemporaryFile("w", prefix="thalweg-", suffix=".log", delete=False) as file:
        traceback.print_exc(file=file)
    return file.name
