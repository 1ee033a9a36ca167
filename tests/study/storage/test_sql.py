import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from thalweg.errors import MissingDependency, StorageError
from thalweg.study.storage import MemoryStorage, SQLStorage, Storage, open_storage
from thalweg.testing.storages import SHAPE, DurableStorageLaws, points, results


class TestSQLiteStorage(DurableStorageLaws):
    def open(self, folder: Path) -> Storage:
        return SQLStorage(f"sqlite:///{folder}/runs.db")


def run(script: str, *arguments: object, **options: object) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options,
    )  # fmt: skip


# A state of 3 kB, so that a commit is more than one page; its number counts the commits.
COMMITS = """
    import resource, sys
    from thalweg.study.storage import open_storage
    from thalweg.testing.storages import SHAPE, points, results

    storage = open_storage(sys.argv[1])
    if len(sys.argv) > 2:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
    storage.create("sand", {}, SHAPE, (0, "x" * 3000))
    while True:
        record = storage.read("sand")
        storage.ask("sand", record.revision, (record.state[0] + 1, "x" * 3000), points(5), "w", 0.0)
        numbers = range(record.asked, record.asked + 5)
        told = results(points(5), value=[float(number) for number in numbers])
        storage.tell("sand", record.revision + 1, (record.state[0] + 2, "y" * 3000), numbers, told, 0.0)
        print(record.revision + 2, flush=True)
"""


def check_commits(path: Path, at_least: int) -> None:
    storage = open_storage(path)
    record, trials = storage.read("sand"), storage.trials("sand")
    assert record.revision >= at_least
    assert record.state[0] == record.revision
    assert record.state[1][0] == ("x" if record.revision % 2 else "y") or record.revision == 0
    assert len(trials) == record.asked == 5 * ((record.revision + 1) // 2)
    assert len(storage.running("sand")) == 5 * (record.revision % 2) == record.asked - record.finished
    done = trials.value[: record.finished, 0]
    assert done.tolist() == list(range(record.finished))
    storage.close()


def test_a_killed_process_leaves_whole_commits(tmp_path):
    path = tmp_path / "runs.db"
    for commits in (1, 8, 41):  # each process continues what the one before it left
        process = run(COMMITS, path)
        for _ in range(commits):
            last = int(process.stdout.readline())
        time.sleep(0.0007 * commits)  # so that they die at different points of a commit
        process.send_signal(signal.SIGKILL)
        process.communicate()
        check_commits(path, at_least=last)
        storage = open_storage(path)
        record = storage.read("sand")
        if record.revision % 2:
            numbers = list(storage.running("sand"))
            told = results(points(5), value=[float(number) for number in numbers])
            storage.tell("sand", record.revision, (record.revision + 1, "y"), numbers, told, 0.0)
        storage.close()


def test_a_full_disk_is_said_in_words_and_loses_nothing(tmp_path):
    path = tmp_path / "runs.db"
    process = run(COMMITS, path, 400_000)
    out, err = process.communicate()
    assert process.returncode == 1
    assert "thalweg.errors.StorageError" in err
    assert "what was committed is safe" in err.splitlines()[-1]
    check_commits(path, at_least=int(out.split()[-1]))


def test_an_error_in_the_middle_leaves_nothing(tmp_path):
    storage = open_storage(tmp_path / "runs.db")
    storage.create("sand", {}, SHAPE, (0,))
    storage.ask("sand", 0, (1,), points(2), "w", 0.0)
    with pytest.raises(TypeError, match="cannot be stored"):
        storage.ask("sand", 1, (print,), points(2), "w", 0.0)
    with pytest.raises(ValueError, match="zip"):
        storage.tell("sand", 1, (9,), [0], results(points(2)), 0.0)
    record = storage.read("sand")
    assert (record.revision, record.state, record.asked, record.finished) == (1, (1,), 2, 0)
    storage.tell("sand", 1, (2,), [0], results(points(1)), 0.0)
    storage.close()


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("mysql://me:secret@host/runs", "unknown kind, 'mysql'"),
        ("sqlite:runs.db", "expected 'sqlite:///path'"),
        ("sqlite://runs.db", "expected 'sqlite:///path'|names no file"),
        ("sqlite://", "leave storage out"),
        ("sqlite:///:memory:", "leave storage out"),
        ("sqlite+nonsense:///runs.db", "nonsense"),
        ("", "expected None"),
        (3, "expected None"),
        ("nowhere/at/all/runs.db", "the folder 'nowhere/at/all' does not exist"),
    ],
)
def test_what_cannot_be_opened_is_refused_in_words(what, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StorageError, match=words):
        open_storage(what)


def test_a_missing_driver_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.setitem(sys.modules, "psycopg2", None)
    with pytest.raises(MissingDependency, match="psycopg") as caught:
        open_storage("postgresql://me:secret@localhost/runs")
    assert "secret" not in str(caught.value)


def test_a_file_that_is_no_database_is_refused(tmp_path):
    path = tmp_path / "runs.db"
    path.write_bytes(b"time,tide\n" * 1000)
    with pytest.raises(StorageError, match="something else than an SQLite database"):
        open_storage(path)
    assert path.read_bytes() == b"time,tide\n" * 1000


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(StorageError, match="cannot be opened"):
        open_storage(tmp_path)


def test_a_damaged_file_is_said_in_words(tmp_path):
    path = tmp_path / "runs.db"
    storage = open_storage(path)
    storage.create("sand", {}, SHAPE, None)
    for revision in range(50):
        storage.ask("sand", revision, None, points(20), "w", 0.0)
    storage.close()
    data = bytearray(path.read_bytes())
    data[8192:] = b"\xa5" * (len(data) - 8192)
    path.write_bytes(data)
    with pytest.raises(StorageError, match="damaged"):
        storage = open_storage(path)
        storage.trials("sand")
    storage.close()


def test_a_locked_database_is_said_in_words(tmp_path):
    path = tmp_path / "runs.db"
    storage = SQLStorage(f"sqlite:///{path}", timeout=0.2)
    storage.create("sand", {}, SHAPE, None)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageError, match="another process has held the database"):
        storage.ask("sand", 0, None, points(1), "w", 0.0)
    assert storage.read("sand").revision == 0  # readers do not wait
    other.execute("ROLLBACK")
    other.close()
    storage.ask("sand", 0, None, points(1), "w", 0.0)
    storage.close()


def test_tables_of_another_version_are_refused(tmp_path):
    path = tmp_path / "runs.db"
    open_storage(path).close()
    other = sqlite3.connect(path)
    other.execute("UPDATE thalweg_schema SET version = 99")
    other.commit()
    other.close()
    with pytest.raises(StorageError, match=r"version 99 .* this Thalweg has version 1"):
        open_storage(path)


def test_tables_of_others_are_left_alone(tmp_path):
    path = tmp_path / "runs.db"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE studies (id INTEGER)")
    other.close()
    storage = open_storage(path)
    assert storage.names() == []
    storage.close()


def test_a_path_a_url_a_storage_or_nothing_is_understood(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for what in ("runs.db", Path("runs.db"), "sqlite:///runs.db", f"sqlite:///{tmp_path}/runs.db"):
        storage = open_storage(what)
        storage.create(f"by {what!r}", {}, SHAPE, None)
        assert isinstance(storage, SQLStorage)
        assert open_storage(storage) is storage
        storage.close()
    again = open_storage("runs.db")
    assert len(again.names()) == 4
    again.close()
    assert isinstance(open_storage(None), MemoryStorage)


def test_a_forked_child_has_connections_of_its_own(tmp_path):
    storage = open_storage(tmp_path / "runs.db")
    storage.create("sand", {}, SHAPE, (0,))
    child = os.fork()
    if not child:
        storage.ask("sand", 0, (1,), points(2), "child", 0.0)
        storage.close()
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert storage.running("sand") == {0: "child", 1: "child"}
    storage.ask("sand", 1, (2,), points(1), "parent", 0.0)
    storage.close()
    again = open_storage(tmp_path / "runs.db")
    assert again.read("sand").revision == 2
    again.close()


def test_readers_see_whole_commits(tmp_path):
    storage = open_storage(tmp_path / "runs.db")
    storage.create("sand", {}, SHAPE, (0,))
    done = threading.Event()

    def write() -> None:
        for revision in range(0, 200, 2):
            storage.ask("sand", revision, (revision + 1,), points(2), "w", 0.0)
            numbers = [revision, revision + 1]
            storage.tell("sand", revision + 1, (revision + 2,), numbers, results(points(2)), 0.0)
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    while not done.is_set():
        record = storage.read("sand")
        assert record.state == (record.revision,)
        assert record.asked - record.finished == 2 * (record.revision % 2)
    writer.join()
    storage.close()


def test_sqlalchemy_is_loaded_only_when_a_database_is_opened():
    script = """
        import sys
        from thalweg.study.storage import open_storage
        open_storage(None)
        assert "sqlalchemy" not in sys.modules
    """
    process = run(script)
    assert process.communicate() == ("", "")
    assert process.returncode == 0
