"""Frozen values, to bytes and back."""

import json
import math
import struct
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hn

from thalweg.errors import UnreadableState
from thalweg.serial import construct, describe, from_bytes, frozen, to_bytes


@frozen
class Leaf:
    value: Any = None


@frozen
class Tree:
    left: Any
    right: Leaf = Leaf()

    def __post_init__(self):
        if isinstance(self.left, str) and self.left == "refused":
            raise ValueError("no such tree")


@frozen(version=3)
class Third:
    value: int = 0


scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
arrays = hn.arrays(
    st.sampled_from(["<f8", ">f8", "<f4", "<i8", "|u1", "|b1", "<U3", "<c16"]),
    hn.array_shapes(min_dims=0, max_side=3),
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text() | st.integers(), inner, max_size=3)
        | inner.map(Leaf)
        | st.builds(Tree, inner.filter(lambda value: value != "refused"), inner.map(Leaf))
    ),
    max_leaves=8,
)


@given(values)
def test_values_come_back_equal(value):
    back = from_bytes(to_bytes(value))
    assert back == value and repr(back) == repr(value)
    assert construct(describe(value)) == value


@given(arrays)
def test_arrays_come_back_to_the_bit(array):
    back = from_bytes(to_bytes(Leaf((array, array.T)))).value
    for one, other in zip(back, (array, array.T), strict=True):
        assert one.shape == other.shape and one.dtype == other.dtype.newbyteorder("<")
        assert one.tobytes() == other.astype(one.dtype).tobytes()
        assert one.flags.writeable and one.flags.owndata


@pytest.mark.parametrize("number", [math.inf, -math.inf, -0.0, 5e-324, 0.1, 2**70])
def test_numbers_come_back_to_the_bit(number):
    assert repr(from_bytes(to_bytes(number))) == repr(number)


def test_nan_and_numpy_scalars_come_back_as_python_numbers():
    assert math.isnan(from_bytes(to_bytes(math.nan)))
    back = from_bytes(to_bytes((np.float64(0.5), np.int64(3), np.bool_(True))))
    assert back == (0.5, 3, True) and [type(one) for one in back] == [float, int, bool]


def test_strided_and_broadcast_arrays_are_written_as_they_look():
    view = np.arange(12.0).reshape(3, 4)[::2, ::-1]
    spread = np.broadcast_to(np.arange(2), (3, 2))
    back = from_bytes(to_bytes((view, spread)))
    assert np.array_equal(back[0], view) and np.array_equal(back[1], spread)


def test_the_same_value_gives_the_same_bytes():
    assert to_bytes(Tree(np.arange(3), Leaf({"a": 1}))) == to_bytes(Tree(np.arange(3), Leaf({"a": 1})))


def test_the_layout_is_the_documented_one():
    data = to_bytes(Leaf(np.array([1.5, 2.5])))
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    assert header["arrays"] == [["<f8", [2], 0]]
    assert header["value"] == {"@": f"{__name__}:Leaf", "v": 1, "f": {"value": {"#": 0}}}
    assert np.frombuffer(data[8 + length :]).tolist() == [1.5, 2.5]


def test_an_instance_is_frozen():
    with pytest.raises(AttributeError):
        Leaf().value = 1


class Live:
    pass


@pytest.mark.parametrize("live", [Live(), len, {1, 2}, b"bytes"], ids=lambda one: type(one).__name__)
def test_live_things_are_refused_by_name(live):
    with pytest.raises(TypeError, match=f"{type(live).__name__} cannot be stored"):
        to_bytes(Leaf((1, live)))


def test_arrays_of_objects_are_refused():
    with pytest.raises(TypeError, match="array of Python objects"):
        to_bytes(np.array([None, 1], dtype=object))


def test_bytes_with_an_array_of_objects_are_refused():
    header = json.dumps({"value": {"#": 0}, "arrays": [["|O", [1], 0]]}).encode()
    with pytest.raises(UnreadableState, match="array of Python objects"):
        from_bytes(struct.pack("<Q", len(header)) + header + bytes(8))


@given(st.binary(max_size=60))
def test_any_other_bytes_are_refused(data):
    with pytest.raises(UnreadableState, match=f"these {len(data)} bytes are not a state"):
        from_bytes(data)


def test_cut_off_bytes_are_refused():
    data = to_bytes(Leaf(np.arange(4)))
    for length in range(len(data)):
        with pytest.raises(UnreadableState):
            from_bytes(data[:length])


def test_another_version_is_refused_in_words():
    data = to_bytes(Third(5)).replace(b'"v":3', b'"v":2')
    with pytest.raises(UnreadableState, match="Third was stored as version 2, and this Thalweg has version 3"):
        from_bytes(data)


@pytest.mark.parametrize("name", ["os:system", "builtins:eval", "thalweg.missing:X", "thalweg.rng:generator"])
def test_only_registered_classes_are_built(name):
    with pytest.raises(UnreadableState, match=f"the class {name} is not known"):
        construct({"@": name, "v": 1, "f": {}})


def test_a_class_of_thalweg_itself_is_found_without_an_import():
    code = (
        "import thalweg.serial as s;"
        "name = 'thalweg.optimizers.swarm.particle_swarm:ParticleSwarm';"
        "assert s.construct({'@': name, 'v': 1, 'f': {'size': 7}}).size == 7"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_fields_that_a_class_refuses_are_an_unreadable_state():
    data = to_bytes(Tree("allowed")).replace(b"allowed", b"refused")
    with pytest.raises(UnreadableState, match="no such tree"):
        from_bytes(data)


def test_descriptions_hold_arrays_as_lists():
    assert describe(Leaf(np.array([[0.5, 1.5]]))) == {
        "@": f"{__name__}:Leaf",
        "v": 1,
        "f": {"value": [[0.5, 1.5]]},
    }
    assert describe({"a": (1, None)}) == {"m": [["a", [1, None]]]}
