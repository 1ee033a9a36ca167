"""Files are whole or absent, and a model file that holds anything but models is refused."""

import numpy as np
import pytest
import skops.io
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from thalweg.cli.files import new_directory, write_whole
from thalweg.cli.models import load_model, save_model
from thalweg.errors import StorageError


class Stranger:
    """A class of no library that models are made of."""


def test_a_model_comes_back(tmp_path):
    X, y = np.arange(8.0).reshape(4, 2), np.arange(4.0)
    model = Ridge().fit(X, y)
    save_model(model, tmp_path / "deep" / "model.skops")
    np.testing.assert_array_equal(load_model(tmp_path / "deep" / "model.skops").predict(X), model.predict(X))
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["model.skops"]


@pytest.mark.parametrize(
    ("thing", "named"),
    [
        (Stranger(), "Stranger"),
        (make_pipeline(FunctionTransformer(np.load, kw_args={"allow_pickle": True})), "load"),
    ],
)
def test_strange_types_and_functions_are_refused(tmp_path, thing, named):
    skops.io.dump(thing, tmp_path / "model.skops")
    with pytest.raises(StorageError, match=named):
        load_model(tmp_path / "model.skops")


def test_what_is_no_model_is_refused(tmp_path):
    (tmp_path / "model.skops").write_bytes(b"no zip archive")
    with pytest.raises(StorageError, match="not a model that thalweg has saved"):
        load_model(tmp_path / "model.skops")
    with pytest.raises(StorageError, match="moved or deleted"):
        load_model(tmp_path / "absent.skops")


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "trials.csv"
    path.write_text("old")

    def fail(temporary):
        temporary.write_text("half")
        raise OSError("the disk is full")

    with pytest.raises(StorageError, match="the disk is full"):
        write_whole(path, fail)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_one_of_two_gets_a_directory(tmp_path):
    assert new_directory(tmp_path / "runs" / "houses-1")
    assert not new_directory(tmp_path / "runs" / "houses-1")
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="not a directory"):
        new_directory(tmp_path / "file" / "houses-1")
