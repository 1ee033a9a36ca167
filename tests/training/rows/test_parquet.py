"""Rows of Parquet files: the same chunks and answers as from memory, in bounded memory; whatever is wrong is said."""

import os
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from thalweg.errors import InvalidData
from thalweg.training.losses import Logistic, Multinomial, Squared
from thalweg.training.objective import LinearObjective
from thalweg.training.penalties import L2
from thalweg.training.rows import DenseRows, sum_rows
from thalweg.training.rows import rows as rows_module
from thalweg.training.rows.parquet import ParquetRows
from thalweg.training.solvers.exact import Exact
from thalweg.training.solvers.newton import Newton

N = 5003


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(rows_module, "CHUNK_BYTES", 2**14)


@pytest.fixture
def table():
    random = np.random.default_rng(0)
    X = random.normal(size=(N, 3))
    label = X @ [1.0, -2.0, 0.5] + random.normal(size=N) > 0
    columns = {"a": X[:, 0], "b": X[:, 1], "y": X @ [1, 2, 3] + random.normal(size=N), "label": label, "c": X[:, 2]}
    kind = np.array(["red", "blue", "green"])[np.argmax(X + random.normal(size=(N, 3)), axis=1)]
    columns |= {"kind": kind, "w": random.integers(0, 4, size=N) / 3}
    return pa.table(columns)


def matrix(table, *names, dtype=np.float64):
    return np.column_stack([np.asarray(table[name]) for name in names]).astype(dtype)


def in_parts(folder, table, cuts, **options):
    for i, (first, last) in enumerate(zip([0, *cuts], [*cuts, len(table)], strict=True)):
        pq.write_table(table.slice(first, last - first), folder / f"part-{i}.parquet", **options)
    return folder


def assert_same_chunks(rows, other):
    assert (rows.n, rows.d, rows.dtype, rows.total_weight) == (other.n, other.d, other.dtype, other.total_weight)
    chunks, expected = list(rows.chunks()), list(other.chunks())
    assert len(chunks) == len(expected) > 2
    for chunk, wanted in zip(chunks, expected, strict=True):
        assert chunk.start == wanted.start
        assert chunk.X.flags.c_contiguous and (chunk.X.dtype, chunk.y.dtype) == (rows.dtype, rows.dtype)
        assert np.array_equal(chunk.X, wanted.X) and np.array_equal(chunk.y, wanted.y)
        assert (chunk.weight is None) == (wanted.weight is None)
        assert chunk.weight is None or np.array_equal(chunk.weight, wanted.weight)


@pytest.mark.parametrize(
    "cuts, options", [([], {}), ([700, 700, 4000], {}), ([10], {"row_group_size": 100, "data_page_size": 200})]
)
def test_chunks_are_those_of_memory_however_the_files_are_cut(tmp_path, table, cuts, options):
    folder = in_parts(tmp_path, table, cuts, **options)
    rows = ParquetRows(folder, target="y", columns=["a", "c", "b"], weight="w")
    expected = DenseRows(matrix(table, "a", "c", "b"), np.asarray(table["y"]), np.asarray(table["w"]))
    assert rows.names == ("a", "c", "b")
    assert_same_chunks(rows, expected)
    assert_same_chunks(rows, expected)  # a second pass is like the first


@pytest.mark.parametrize("threads", [1, 2])
def test_exact_and_newton_give_the_same_answer_as_from_memory_bit_for_bit(tmp_path, table, threads, monkeypatch):
    monkeypatch.setattr("thalweg.training.rows.passes.threads_for", lambda size: threads)
    in_parts(tmp_path, table, [1234])
    X, weight = matrix(table, "a", "b", "c"), np.asarray(table["w"])
    for solver, loss, target, y in (
        (Exact(), Squared(), "y", np.asarray(table["y"])),
        (Newton(), Logistic(), "label", np.asarray(table["label"]).astype(float)),
        (Newton(), Multinomial(), "kind", np.unique(np.asarray(table["kind"]), return_inverse=True)[1].astype(float)),
    ):
        rows = ParquetRows(tmp_path, target, ["a", "b", "c"], weight="w", classes=loss.classes)
        predictors = 3 if target == "kind" else 1
        file, memory = (
            solver.solve(LinearObjective(kept, loss, L2(), 0.01, True, predictors))
            for kept in (rows, DenseRows(X, y, weight))
        )
        assert np.array_equal(file.theta, memory.theta)
        assert (file.value, file.gap, file.iterations) == (memory.value, memory.gap, memory.iterations)
        assert np.abs(file.theta).max() > 0.1


def test_float32_is_kept_where_all_columns_have_it(tmp_path, table):
    path = tmp_path / "table.parquet"
    single = table.select(["a", "b", "c"]).cast(pa.schema([(name, pa.float32()) for name in "abc"]))
    pq.write_table(single.append_column("y", table["y"]), path)
    y = np.asarray(table["y"]).astype(np.float32)
    assert_same_chunks(ParquetRows(path, "y"), DenseRows(matrix(table, "a", "b", "c", dtype=np.float32), y))
    pq.write_table(single.set_column(0, "a", table["a"]).append_column("y", table["y"]), path)
    assert ParquetRows(path, "y").dtype == np.float64


def test_integers_and_booleans_become_numbers(tmp_path, table):
    whole = table.append_column("small", pa.array(np.arange(N) % 256, pa.uint8()))
    whole = whole.append_column("large", pa.array(np.arange(N) - 2**40)).append_column(
        "half", pa.array(np.arange(N, dtype=np.float16), pa.float16())
    )
    pq.write_table(whole, tmp_path / "table.parquet")
    names = ["label", "small", "large", "half", "a"]
    expected = DenseRows(matrix(whole, *names), np.asarray(table["label"]).astype(float))
    rows = ParquetRows(tmp_path, "w", names)
    assert np.array_equal(np.concatenate([chunk.X for chunk in rows.chunks()]), expected.X)


@pytest.mark.parametrize(
    "values",
    [
        np.array(["no", "yes", "maybe"]),
        np.array([0, 1]),
        np.array([0, 1, 2], dtype=np.uint8),
        np.array([-1, 7]),
        np.array([False, True]),
        np.array([2.0, 5.0], dtype=np.float32),
    ],
    ids=lambda values: values.dtype.name,
)
@pytest.mark.parametrize("form", [None, "dictionary", "large"])
def test_classes_are_found_and_coded(tmp_path, values, form):
    y = np.random.default_rng(0).choice(values, size=N)
    column = pa.array(y.tolist() if y.dtype.kind in "Ub" else y)
    if form == "dictionary":
        column = column.dictionary_encode()
    elif form == "large" and y.dtype.kind == "U":
        column = column.cast(pa.large_string())
    pq.write_table(pa.table({"x": np.arange(N), "y": column}), tmp_path / "table.parquet", row_group_size=999)
    rows = ParquetRows(tmp_path, "y", classes=True)
    labels, codes = np.unique(y, return_inverse=True)
    assert np.array_equal(rows.classes, labels)
    assert np.array_equal(np.concatenate([chunk.y for chunk in rows.chunks()]), codes)


def test_memory_is_bounded_by_pages_and_not_by_the_file(tmp_path, monkeypatch):
    n, d = 100_000, 20
    columns = {f"x{j}": np.random.default_rng(j).normal(size=n) for j in range(d)}
    pq.write_table(
        pa.table(columns | {"y": np.zeros(n)}),
        tmp_path / "one-group.parquet",
        data_page_size=2**15,
        use_dictionary=False,
    )
    rows, before = ParquetRows(tmp_path, "y"), pa.total_allocated_bytes()
    most = max(pa.total_allocated_bytes() - before for _ in rows.chunks())
    assert 0 < most < n * d * 8 / 4
    assert pa.total_allocated_bytes() - before < 2**16


def test_progress_is_told_after_every_chunk(tmp_path, table):
    seen = []
    rows = ParquetRows(in_parts(tmp_path, table, [99]), "y", ["a"], weight="w", observe=lambda *told: seen.append(told))
    assert seen == []
    sum_rows(rows, lambda chunk: (len(chunk),))
    sizes = [len(chunk) for chunk in rows.chunks()]
    assert seen == 2 * [(int(done), N) for done in np.cumsum(sizes)]


def test_a_folder_is_read_by_name_and_other_files_are_left_alone(tmp_path, table):
    pq.write_table(table.slice(3000), tmp_path / "b.pq")
    pq.write_table(table.slice(0, 3000), tmp_path / "a.parquet")
    for other in ("_metadata", "notes.txt", ".hidden.parquet", "_common.parquet"):
        (tmp_path / other).write_text("no table")
    (tmp_path / "more").mkdir()
    expected = DenseRows(matrix(table, "a"), np.asarray(table["y"]))
    assert_same_chunks(ParquetRows(tmp_path, "y", ["a"]), expected)
    assert_same_chunks(ParquetRows([tmp_path / "a.parquet", str(tmp_path / "b.pq")], "y", ["a"]), expected)


BAD = {
    "no such target": (lambda table: table, {"target": "yy"}, "there is no column 'yy': did you mean 'y'?"),
    "no such column": (lambda table: table, {"columns": ["nothing"]}, "there is no column 'nothing': it has a, b, y"),
    "no such weight": (lambda table: table, {"weight": "ww"}, "did you mean 'w'?"),
    "text column": (lambda table: table, {"columns": None}, "column 'kind' is of type string: expected numbers"),
    "text target": (lambda table: table, {"target": "kind"}, "column 'kind' is of type string"),
    "column and target": (lambda table: table, {"columns": ["a", "y"]}, "column 'y' is named twice"),
    "no column left": (lambda table: table.select(["y"]), {"columns": None}, "no column is left for X beside y"),
    "no rows": (lambda table: table.slice(0, 0), {}, "no rows"),
    "two of one name": (lambda table: table.append_column("a", table["a"]), {}, "two columns are named 'a'"),
    "fractions as classes": (lambda table: table, {"classes": True}, "the target 'y' holds"),
    "weight below zero": (
        lambda table: table.set_column(6, "w", pa.array(np.where(np.arange(N) == 4000, -2, 1))),
        {"weight": "w"},
        "the weight 'w' is -2.0 in row 4,000",
    ),
    "weights all zero": (
        lambda table: table.set_column(6, "w", pa.array(np.zeros(N))),
        {"weight": "w"},
        "the weight 'w' is 0 in every row",
    ),
    "too many classes": (
        lambda table: table.set_column(2, "y", pa.array(np.arange(N))),
        {"classes": True},
        "more than 1,000 different values",
    ),
    "missing class": (
        lambda table: table.set_column(2, "y", pa.array(["a", None] + ["b"] * (N - 2))),
        {"classes": True},
        "the target 'y' has missing values",
    ),
    "dates as classes": (
        lambda table: table.set_column(2, "y", pa.array(np.arange(N), pa.timestamp("ms"))),
        {"classes": True},
        "the target 'y' is timestamp[ms]: expected whole numbers, texts or booleans",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_can_be_seen_at_once_is_refused_at_once(tmp_path, table, case):
    change, settings, said = BAD[case]
    path = tmp_path / "table.parquet"
    pq.write_table(change(table), path)
    with pytest.raises(InvalidData) as caught:
        ParquetRows(path, **{"target": "y", "columns": ["a", "b", "c"], **settings})
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("column", ["a", "y", "w"])
@pytest.mark.parametrize(
    "value, said", [(None, "missing values"), (np.nan, "values that are nan"), (-np.inf, "values that are -inf")]
)
def test_missing_and_infinite_values_are_refused_with_file_and_column(tmp_path, table, column, value, said):
    values = table[column].to_pylist()
    values[4500] = value
    in_parts(tmp_path, table.set_column(table.column_names.index(column), column, pa.array(values)), [4000])
    with pytest.raises(InvalidData, match=f"part-1.parquet: column '{column}' has .*{said}"):
        list(ParquetRows(tmp_path, "y", ["c", "a"], weight="w").chunks())


def test_huge_numbers_are_finite(tmp_path):
    X = np.full(600, 1e308)
    pq.write_table(pa.table({"x": X, "y": X}), tmp_path / "table.parquet")
    assert np.array_equal(next(ParquetRows(tmp_path, "y").chunks()).y, X)


def test_files_that_are_not_there_or_not_readable(tmp_path, table):
    with pytest.raises(InvalidData, match=r"absent\.parquet: no such file"):
        ParquetRows(tmp_path / "absent.parquet", "y")
    with pytest.raises(InvalidData, match=r"this folder holds no file that ends in \.parquet or \.pq"):
        ParquetRows(tmp_path, "y")
    with pytest.raises(InvalidData, match="empty list"):
        ParquetRows([], "y")
    path = tmp_path / "table.parquet"
    for content in (b"", b"PAR1 and nothing that follows from it PAR1"):
        path.write_bytes(content)
        with pytest.raises(InvalidData, match=r"table\.parquet: not a readable Parquet file"):
            ParquetRows(tmp_path, "y")
    path.unlink()
    path.mkdir()
    with pytest.raises(InvalidData, match=r"table\.parquet: not a readable Parquet file"):
        ParquetRows(tmp_path, "y")


def test_damage_in_the_middle(tmp_path, table):
    path = tmp_path / "table.parquet"
    pq.write_table(table, path, row_group_size=1000)
    content = bytearray(path.read_bytes())
    rows = ParquetRows(path, "y", ["a"])
    middle = pq.ParquetFile(path).metadata.row_group(2).column(0).dictionary_page_offset
    content[middle : middle + 64] = b"\xff" * 64
    stamp = path.stat()
    path.write_bytes(content)
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    with pytest.raises(InvalidData, match=r"table\.parquet: not a readable Parquet file"):
        list(rows.chunks())


@pytest.mark.parametrize(
    "change, said",
    [
        (lambda table: table.set_column(1, "b", table["kind"]), "column 'b' is string here and double in"),
        (lambda table: table.drop_columns(["b"]), "column 'b' is nothing here and double in"),
        (lambda table: table.append_column("d", table["a"]), "column 'd' is double here and nothing in"),
    ],
)
def test_files_that_disagree(tmp_path, table, change, said):
    pq.write_table(table, tmp_path / "1.parquet")
    pq.write_table(change(table), tmp_path / "2.parquet")
    with pytest.raises(InvalidData) as caught:
        ParquetRows(tmp_path, "y", ["a"])
    assert f"2.parquet: {said}" in str(caught.value)
    pq.write_table(table.select(table.column_names[::-1]), tmp_path / "2.parquet")
    assert sum(map(len, ParquetRows(tmp_path, "y", ["a"]).chunks())) == 2 * N  # another order is no disagreement


def test_a_file_that_changes_between_passes_or_within_one(tmp_path, table):
    in_parts(tmp_path, table, [2500])
    rows = ParquetRows(tmp_path, "y", ["a"])
    list(rows.chunks())
    chunks = rows.chunks()
    next(chunks)
    pq.write_table(table.slice(0, 2500).set_column(0, "a", table["b"].slice(0, 2500)), tmp_path / "part-0.parquet")
    for going_on in (chunks, rows.chunks()):
        with pytest.raises(InvalidData, match=r"part-0\.parquet: the file was changed while it was being learned from"):
            list(going_on)
    (tmp_path / "part-0.parquet").unlink()
    with pytest.raises(InvalidData, match=r"part-0\.parquet: no such file"):
        list(rows.chunks())


def test_the_fingerprint_is_of_the_contents(tmp_path, table):
    def fingerprint(folder, **settings):
        return ParquetRows(folder, **{"target": "y", "columns": ["a", "b"], **settings}).fingerprint()

    folders = [tmp_path / name for name in ("one", "copy", "other")]
    for folder in folders:
        folder.mkdir()
    in_parts(folders[0], table, [99])
    in_parts(folders[1], table, [99])
    in_parts(folders[2], table.set_column(0, "a", table["c"]), [99])
    first = fingerprint(folders[0])
    assert first == fingerprint(folders[1])
    others = [fingerprint(folders[2]), fingerprint(folders[0], columns=["b", "a"])]
    others += [fingerprint(folders[0], weight="w"), fingerprint(folders[0], target="c")]
    assert len({first, *others}) == 5


def test_pandas_is_not_imported(tmp_path, table):
    """It takes more memory than all that is read."""
    in_parts(tmp_path, table, [])
    code = (
        "import sys; from thalweg.training.rows.parquet import ParquetRows\n"
        "for target in ('kind', 'label'): print(len(list("
        f"ParquetRows({str(tmp_path)!r}, target, ['a', 'b'], weight='w', classes=True).chunks())))\n"
        "print('pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "1", "False"]
