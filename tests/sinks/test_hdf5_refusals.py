"""Names, arrays and elements that HDF5 cannot hold are refused, and no file is left."""

import sys

import h5py
import ml_dtypes
import numpy as np
import pytest

from tf2numpy._errors import FormatError, MissingExtra
from tf2numpy._types import ArraySpec, Chunk
from tf2numpy._workspace import Workspace
from tf2numpy.sinks.hdf5 import Hdf5Sink

from .hdf5 import fill

SWAPPED = np.dtype(ml_dtypes.bfloat16).newbyteorder(">")


@pytest.mark.parametrize(
    ("element", "found", "remedy"),
    [
        ("text", "str", "encode text first, element.encode()"),
        (None, "NoneType", "give bytes in its place, or leave this array out"),
        (3, "int", "give numbers a dtype of numbers, np.asarray(x, 'float64')"),
    ],
)
def test_elements_that_are_not_bytes(tmp_path, element, found, remedy):
    array = np.array([[b"a", b"b"], [b"c", b"d"], [b"e", element]], object)
    sink = Hdf5Sink(Workspace(tmp_path / "x.h5", overwrite=False))
    sink.begin({"s": ArraySpec((5, 2), array.dtype)})
    with pytest.raises(FormatError) as caught:
        sink.write(Chunk("s", (slice(2, 5),), array))
    assert str(caught.value) == (
        f"array 's': the element at [4, 1] is {found}, and only bytes can be written; {remedy}"
    )
    sink.abort()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", "is empty or has an empty part"),
        ("/a", "is empty or has an empty part"),
        ("a//b", "is empty or has an empty part"),
        ("a/", "is empty or has an empty part"),
        ("../../x", "has '.' or '..' as a part"),
        ("a/./b", "has '.' or '..' as a part"),
        ("..", "has '.' or '..' as a part"),
        ("a\0b", "has a NUL character"),
        ("a\ud800", "is not valid Unicode"),
    ],
)
def test_hostile_names(tmp_path, name, problem):
    spec = ArraySpec((1,), np.dtype("u1"))
    with pytest.raises(FormatError) as caught:
        Hdf5Sink(Workspace(tmp_path / "x.h5", overwrite=False)).begin({"fine": spec, name: spec})
    assert str(caught.value) == f"the name {name!r} {problem}, which HDF5 cannot hold; rename the array"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("names", [["a/b", "a/b/c/d"], ["a/b/c/d", "a/b"]])
def test_names_in_each_others_way(tmp_path, names):
    spec = ArraySpec((1,), np.dtype("u1"))
    with pytest.raises(FormatError) as caught:
        Hdf5Sink(Workspace(tmp_path / "x.h5", overwrite=False)).begin(dict.fromkeys(names, spec))
    assert str(caught.value) == (
        "the names 'a/b' and 'a/b/c/d' cannot be in one HDF5 file: 'a/b' would be both an array and the group "
        "of another; rename one of them"
    )
    assert list(tmp_path.iterdir()) == []


def test_names_that_only_look_hostile(tmp_path):
    names = ["...", "a.b", "a..b/..c", "\\", "~", "C:", "a b", "é/ü", "a\n", "soft -> link", ".hidden"]
    fill(tmp_path / "x.h5", {name: np.array(i) for i, name in enumerate(names)})
    with h5py.File(tmp_path / "x.h5") as file:
        assert [file[name][()] for name in names] == list(range(len(names)))


@pytest.mark.parametrize(
    ("shape", "dtype", "message"),
    [
        (
            (1,) * 33,
            "f4",
            "array 'w': an HDF5 dataset has at most 32 axes, found 33; reshape it, or choose a .npy path",
        ),
        (
            (3,),
            "U5",
            "array 'w': its elements are text, <U5, which this format cannot hold; encode it to bytes, "
            "np.char.encode(x), or leave out dtype=str where it was decoded",
        ),
        ((3,), "M8[s]", "array 'w': HDF5 has no type for datetime64[s]; cast it first"),
        ((3,), [("a", object)], "array 'w': HDF5 has no type for [('a', 'O')]; cast it first"),
        ((3,), [], "array 'w': HDF5 has no type for []; cast it first"),
        (
            (3,),
            SWAPPED,
            f"array 'w': no file can name the dtype {SWAPPED!r}; cast it to one that TensorFlow has too",
        ),
    ],
)
def test_arrays_that_hdf5_cannot_hold(tmp_path, shape, dtype, message):
    specs = {"fine": ArraySpec((3,), np.dtype("f4")), "w": ArraySpec(shape, np.dtype(dtype))}
    with pytest.raises(FormatError) as caught:
        Hdf5Sink(Workspace(tmp_path / "x.h5", overwrite=False)).begin(specs)
    assert str(caught.value) == message
    assert list(tmp_path.iterdir()) == []


def test_strings_cannot_be_mapped(tmp_path):
    sink = fill(tmp_path / "x.h5", {"n": np.zeros(3), "x": np.array([b""], object)}, unknown=["n", "x"])
    with pytest.raises(FormatError) as caught:
        sink.mapped()
    assert str(caught.value) == (
        "array 'x' cannot be mapped: its elements differ in size, so HDF5 keeps it in pieces; "
        "save it, and open the file with h5py"
    )


def test_without_h5py(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(MissingExtra) as caught:
        Hdf5Sink(Workspace(tmp_path / "x.h5", overwrite=False)).begin({})
    assert str(caught.value) == ("writing HDF5 needs h5py, which is not installed; pip install 'tf2numpy[hdf5]'")
    assert list(tmp_path.iterdir()) == []
