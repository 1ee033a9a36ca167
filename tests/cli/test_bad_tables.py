"""Whatever is wrong with a table is said in one line, with exit code 2, and nothing is written."""

import numpy as np
import pytest


def _with(houses, **columns):
    return houses.assign(**columns).to_csv(index=False).encode()


def _thousand_categories(houses):
    labels = [f"label {row % 1000}" for row in range(1200)]
    return ("rooms,kind\n" + "\n".join(f"{row},{label}" for row, label in enumerate(labels))).encode()


CASES = {
    "empty file": (lambda houses: b"", "price", "the file is empty"),
    "header alone": (lambda houses: b"rooms,price\n", "price", "no rows below it"),
    "one row": (lambda houses: b"rooms,price\n3,100.5\n", "price", "has 1 row"),
    "target missing": (_with, "prize", "did you mean 'price'?"),
    "target constant": (
        lambda houses: _with(houses, price=7.0),
        "price",
        "in every row: there is nothing to predict",
    ),
    "target all empty": (lambda houses: _with(houses, price=np.nan), "price", "missing in every row"),
    "two columns of one name": (
        lambda houses: _with(houses).replace(b"age", b"rooms", 1),
        "price",
        "two columns",
    ),
    "infinite value": (lambda houses: _with(houses, age=np.inf), "price", "'age' holds 60 infinite values"),
    "mixed types": (
        lambda houses: _with(houses, price=houses["price"].astype(object).where(houses.index != 7, "dear")),
        "price",
        "mixes 59 numbers with 1 text",
    ),
    "thousand categories": (_thousand_categories, "kind", "1,000 classes"),
    "not UTF-8": (
        lambda houses: _with(houses).replace(b"Genf", b"Gen\xe8ve"),
        "price",
        "not UTF-8 text: byte 0xe8",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_one_line_and_exit_code_2(case, command, houses, tmp_path):
    content, target, said = CASES[case]
    (tmp_path / "table.csv").write_bytes(content(houses))
    assert_refused(command("tune", "table.csv", "--target", target, "--trials", "3"), said)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["table.csv"]


def test_missing_file(command):
    assert_refused(command("tune", "absent.csv", "--target", "price"), "absent.csv: no such file")


def test_directory(command, tmp_path):
    assert_refused(command("tune", tmp_path, "--target", "price"), "this is a directory")


def test_unreadable_parquet(command, tmp_path):
    (tmp_path / "table.parquet").write_bytes(b"PAR1 and nothing that follows from it PAR1")
    assert_refused(command("tune", "table.parquet", "--target", "price"), "not a readable Parquet file")


def test_a_process_says_the_same(start, tmp_path):
    (tmp_path / "table.csv").write_text("rooms,price\n")
    process = start("tune", "table.csv", "--target", "price")
    stdout, stderr = process.communicate(timeout=100)
    assert process.returncode == 2
    assert (stdout, stderr.count("\n")) == ("", 1)
    assert stderr.startswith("thalweg: table.csv: a header (rooms, price) and no rows")


def assert_refused(result, said):
    assert result.exit_code == 2, result.output
    assert said in result.stderr
    assert result.stderr.count("\n") == 1
    assert "Traceback" not in result.output
    assert result.stdout == ""
