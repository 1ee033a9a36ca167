"""Start-up, help, exit codes."""

import subprocess
import sys

import pytest
import typer

from thalweg.cli.outcome import exit_codes
from thalweg.errors import InvalidData

HEAVY = "pandas", "sklearn", "skrub", "sqlalchemy", "torch", "xgboost"


def test_help_loads_nothing_heavy():
    code = (
        "import sys; from thalweg.cli import main; sys.argv = ['thalweg', '--help']\n"
        f"try: main()\nfinally: assert not sys.modules.keys() & set({HEAVY!r})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for name in ("tune", "resume", "predict", "runs", "show"):
        assert name in done.stdout


def test_wrong_options(command):
    done = command("tune", "houses.csv")
    assert done.exit_code == 2
    assert "Missing option '--target'" in done.stderr
    assert command("tune", "houses.csv", "--target", "price", "--optimizer", "luck").exit_code == 2


def exit_code_of(error, debug=False):
    with pytest.raises(typer.Exit) as stopped, exit_codes(debug):
        raise error
    return stopped.value.exit_code


def test_the_users_error_is_one_line(capsys):
    assert exit_code_of(InvalidData("the table\n is empty")) == 2
    assert capsys.readouterr().err == "thalweg: the table is empty\n"


def test_an_unexpected_error_is_written_down(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert exit_code_of(ZeroDivisionError("a slip")) == 1
    (log,) = tmp_path.iterdir()
    assert "Traceback" in log.read_text()
    said = f"thalweg: unexpected ZeroDivisionError: a slip (the traceback is in {log}; --debug shows it)\n"
    assert capsys.readouterr().err == said


def test_debug_shows_the_traceback(capsys):
    assert exit_code_of(ZeroDivisionError("a slip"), debug=True) == 1
    assert "Traceback" in capsys.readouterr().err
    assert exit_code_of(KeyboardInterrupt()) == 130
