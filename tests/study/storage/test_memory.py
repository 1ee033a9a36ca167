from pathlib import Path

import pytest

from thalweg.study.storage import MemoryStorage, Storage
from thalweg.testing.storages import StorageLaws, points


class TestMemoryStorage(StorageLaws):
    def open(self, folder: Path) -> Storage:
        return MemoryStorage()


def test_a_state_is_kept_as_it_is():
    storage, state = MemoryStorage(), object()
    storage.create("sand", {}, (3, 2, 1), state)
    assert storage.read("sand").state is state


def test_points_that_were_read_cannot_be_written_to():
    storage = MemoryStorage()
    storage.create("sand", {}, (3, 2, 1), None)
    storage.ask("sand", 0, None, points(2), "w", 0.0)
    with pytest.raises(ValueError, match="read-only"):
        storage.trials("sand").candidates.x[0, 0] = 1.0


def test_no_python_object_is_kept_of_a_trial():
    storage = MemoryStorage()
    storage.create("sand", {}, (3, 2, 1), None)
    for revision in range(100):
        storage.ask("sand", revision, None, points(40), "w", 0.0)
    columns = storage._studies["sand"].columns
    assert all(len(column) < 3 * 4000 and not column.dtype.hasobject for column in columns.values())
