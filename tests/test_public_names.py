"""The public face: names that exist, and what importing them costs."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

import thalweg

SOURCE = Path(thalweg.__file__).parent


@pytest.mark.parametrize("name", thalweg.__all__)
def test_every_public_name_loads(name):
    assert getattr(thalweg, name) is not None
    assert name in dir(thalweg)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nonsense"):
        _ = thalweg.nonsense


def test_importing_thalweg_loads_nothing_heavy():
    heavy = "pandas sklearn sqlalchemy torch scipy xgboost skrub loky typer"
    code = f"import sys, thalweg; print([name for name in {heavy.split()} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("package", [p.parent for p in sorted(SOURCE.rglob("__init__.py"))], ids=lambda p: p.name)
def test_the_list_of_names_of_every_room_is_exact(package):
    module = ".".join(["thalweg", *package.relative_to(SOURCE).parts])
    room = __import__(module, fromlist=["__all__"])
    names = getattr(room, "__all__", None)
    assert names is not None, f"{module} has no __all__"
    assert len(set(names)) == len(names)
    for name in names:
        exists = hasattr(room, name) or importlib.util.find_spec(f"{module}.{name}")
        assert exists, f"{module}.__all__ names {name!r}, which it does not have"
