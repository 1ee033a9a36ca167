"""Text tables: what is read, and what is said of those that cannot be."""

import gzip
from pathlib import Path

import pandas as pd
import pytest

from thalweg.data import read_table
from thalweg.errors import InvalidData


def written(directory: Path, name: str, content: str | bytes) -> Path:
    path = directory / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", "rooms,town\n3,Bern\n5,Chur\n"),
        ("t.csv", "\ufeffrooms,town\r\n3,Bern\r\n5,Chur"),
        ("t.csv", "rooms;town\n3;Bern\n\n5;Chur\n"),
        ("t.CSV", 'rooms, town\n3, "Bern"\n5, Chur\n'),
        ("t.tsv", "rooms\ttown\n3\tBern\n5\tChur\n"),
        ("t.tab", "rooms\ttown\n3\tBern\n5\tChur\n"),
        ("t.txt", "rooms|town\n3|Bern\n5|Chur\n"),
        ("t.txt", "rooms\ttown\n3\tBern\n5\tChur\n"),
        ("t.csv.gz", gzip.compress(b"rooms,town\n3,Bern\n5,Chur\n")),
        ("t.tsv.gz", gzip.compress(b"rooms\ttown\n3\tBern\n5\tChur\n")),
    ],
)
def test_reads_every_kind_of_text_table(tmp_path: Path, name: str, content: str | bytes) -> None:
    table = read_table(str(written(tmp_path, name, content)))
    pd.testing.assert_frame_equal(table, pd.DataFrame({"rooms": [3, 5], "town": ["Bern", "Chur"]}))


def test_a_quoted_cell_may_hold_delimiters_and_lines(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, "t.csv", 'a,b\n"x, ""y""\nz",1\nu,2\n'))
    assert table["a"].tolist() == ['x, "y"\nz', "u"]


def test_quotes_are_plain_where_they_would_merge_lines(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, "t.tsv", 'label\ttext\nham\t"Hi there\nspam\tWin\nham\t"Bye" he said\n'))
    assert table["text"].tolist() == ['"Hi there', "Win", '"Bye" he said']


def test_missing_cells(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, "t.csv", "a,b\n1,x\n,NA\n?, ?\n4,y\n"))
    assert table["a"].isna().tolist() == table["b"].isna().tolist() == [False, True, True, False]


def test_decimal_commas(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, "t.csv", "a;b\n1,5;x\n2,25;y\n"))
    assert table["a"].tolist() == [1.5, 2.25]
    assert read_table(written(tmp_path, "u.csv", "a;b\n1.5;x,y\n2.25;y\n"))["a"].tolist() == [1.5, 2.25]


def test_a_column_name_keeps_to_one_line(tmp_path: Path) -> None:
    assert list(read_table(written(tmp_path, "t.csv", '"floor \nspace",a b\n0,5\n')).columns) == [
        "floor space",
        "a b",
    ]


def test_a_column_without_a_name(tmp_path: Path) -> None:
    assert list(read_table(written(tmp_path, "t.csv", ",a\n0,5\n1,6\n")).columns) == ["Unnamed: 0", "a"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", "", "the file is empty: 0 bytes"),
        ("t.csv", " \n\n", "the file is empty"),
        ("t.csv", "a,b\n", r"a header \(a, b\) and no rows"),
        ("t.csv", "a,b\n1,2\n1,2,3\n", "line 3: the row has 3 cells and the header 2"),
        ("t.csv", "a,b,c\n1,2,3\n\n1,2\n", "line 4: the row has 2 cells and the header 3"),
        ("t.csv", 'a,b\n"x\ny",2\n1\n', "line 4: the row has 1 cells"),
        ("t.csv", "a,b,a\n1,2,3\n", r"two columns are called 'a' \(columns 1 and 3\)"),
        ("t.csv", "1.5,2\n3,4\n", "the first line must name the columns"),
        (
            "t.csv",
            "name,x\nZoë,1\n".encode("latin-1"),
            r"byte 0xeb at offset 9 \(line 2\).*iconv -f WINDOWS-1252",
        ),
        ("t.csv", "a,b\n1,2\n".encode("utf-16"), "UTF-16 text, expected UTF-8: iconv -f UTF-16"),
        ("t.csv", b"\x89PNG\r\n\x1a\n\x00\x00", "binary data"),
        ("t.csv", 'a,b\n1,"2\n3,4,5\n', "not readable as a text table"),
        ("t.csv", 'a,b\n1,"' + "2" * 200_000, "line 2: field larger than field limit .*is a quote left open"),
        ("t.csv.gz", "a,b\n1,2\n", "not a readable gzip file"),
        ("t.csv.gz", gzip.compress(b"a,b\n1,2\n")[:-9], "not a readable gzip file"),
    ],
)
def test_says_what_is_wrong_in_one_line(tmp_path: Path, name: str, content: str | bytes, message: str) -> None:
    path = written(tmp_path, name, content)
    with pytest.raises(InvalidData, match=message) as caught:
        read_table(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
