"""The command line: ``thalweg tune | predict | runs | show | resume``."""

from thalweg.cli.app import app

__all__ = ["main"]


def main() -> None:
    """Run the command that the process was started with, and end the process with its exit code.

    0 fine; 1 something unexpected; 2 the user can put it right (one line on stderr says what); 130 Ctrl-C.
    """
    app(prog_name="thalweg")
