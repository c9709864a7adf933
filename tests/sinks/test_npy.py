import os
import subprocess
import sys
import textwrap

import ml_dtypes
import numpy as np
import pytest

from conformance.sink import EXTENDED, SinkSuite, assert_same, logical, sample
from tf2numpy._dtypes import storage
from tf2numpy._errors import FormatError, StorageFull
from tf2numpy._types import ArraySpec, Chunk
from tf2numpy._workspace import Workspace
from tf2numpy.formats.npy import npy
from tf2numpy.sinks import _npy_file
from tf2numpy.sinks.npy import NpySink


class TestNpy(SinkSuite):
    many_arrays = False
    strings = False
    sink = NpySink
    reader = npy

    def read_back(self, path, name):
        array = np.load(path)
        if array.dtype.names is None:
            return array
        (name,) = array.dtype.names
        return array[name].view(logical(name))


def written(path, array, shape=None):
    sink = NpySink(Workspace(path, overwrite=True))
    sink.begin({"": ArraySpec(array.shape if shape is None else shape, array.dtype)})
    sink.write(Chunk("", tuple(slice(0, n) for n in array.shape[:1]), array))
    sink.commit()
    return path.read_bytes()


@pytest.mark.parametrize("dtype", ["float32", ">i4", "bool", "complex128", "S3", "datetime64[ns]"])
@pytest.mark.parametrize("shape", [(), (5,), (0, 3), (2, 3, 4)], ids=str)
def test_the_file_is_what_numpy_saves(tmp_path, dtype, shape):
    array = np.zeros(shape, dtype)
    np.save(tmp_path / "by_numpy.npy", array)
    assert written(tmp_path / "ours.npy", array) == (tmp_path / "by_numpy.npy").read_bytes()


def test_unknown_rows_give_the_same_file_as_known_ones(tmp_path):
    array = sample((1234, 3), np.dtype(np.float32))
    assert written(tmp_path / "a.npy", array, (None, 3)) == written(tmp_path / "b.npy", array)


@pytest.mark.parametrize("name", EXTENDED)
def test_extended_dtypes_are_a_structure_named_like_them(tmp_path, name):
    array = sample((4, 2), logical(name))
    written(tmp_path / "x.npy", array)
    found = np.load(tmp_path / "x.npy")
    assert found.dtype == np.dtype([(name, storage(array.dtype))])
    assert_same(found[name].view(getattr(ml_dtypes, name)), array)


@pytest.mark.parametrize("shape", [(None,), (None, *[1] * 9), (None, *[1] * 31), (None, 2**40, 0)], ids=str)
@pytest.mark.parametrize("dtype", ["u1", "bfloat16", "complex128"])
def test_the_header_keeps_its_length_while_rows_come(shape, dtype):
    spec = ArraySpec(shape, logical(dtype))
    sizes = {len(_npy_file.file_header(_npy_file._known(spec, n), spec.dtype)) for n in (0, 1, 10, 2**31, 2**63 - 1)}
    assert len(sizes) == 1
    assert sizes.pop() % 64 == 0


def test_the_file_is_sparse_until_it_is_filled(tmp_path):
    sink = NpySink(Workspace(tmp_path / "x.npy", overwrite=False))
    sink.begin({"x": ArraySpec((1 << 24,), np.dtype("u1"))})
    hidden = tmp_path / ".x.npy.partial" / "output"
    assert hidden.stat().st_size == (1 << 24) + 128
    sink.abort()


@pytest.mark.parametrize(
    ("specs", "found"),
    [
        ({}, "none"),
        ({"a": ArraySpec((1,), np.dtype("u1")), "b/c": ArraySpec((1,), np.dtype("u1"))}, "'a', 'b/c'"),
    ],
)
def test_exactly_one_array(tmp_path, specs, found):
    with pytest.raises(FormatError) as caught:
        NpySink(Workspace(tmp_path / "x.npy", overwrite=False)).begin(specs)
    assert str(caught.value) == (f"a .npy file holds exactly one array, found {found}; choose a .h5 path for several")
    assert list(tmp_path.iterdir()) == []


def test_no_strings(tmp_path):
    with pytest.raises(FormatError) as caught:
        NpySink(Workspace(tmp_path / "x.npy", overwrite=False)).begin({"s": ArraySpec((None,), np.dtype(object))})
    assert str(caught.value) == (
        "array 's' has dtype object: .npy files, alone, in a folder or in a .npz file, hold strings and other Python "
        "objects only as pickles, which are unsafe to load; choose a .h5 or .zarr path for strings, and give numbers a "
        "dtype of numbers, np.asarray(x, 'float64')"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "dtype",
    [
        np.dtype(ml_dtypes.bfloat16).newbyteorder(">"),
        *[np.dtype(t) for t in [getattr(ml_dtypes, "float8_e3m4", None)] if t is not None],
    ],
    ids=str,
)
def test_no_dtype_that_cannot_be_named(tmp_path, dtype):
    with pytest.raises(FormatError) as caught:
        NpySink(Workspace(tmp_path / "x.npy", overwrite=False)).begin({"w": ArraySpec((2,), dtype)})
    assert str(caught.value) == (
        f"array 'w': no file can name the dtype {dtype!r}; cast it to one that TensorFlow has too"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_name_is_never_a_path(tmp_path):
    inner = tmp_path / "inner"
    inner.mkdir()
    sink = NpySink(Workspace(inner / "x.npy", overwrite=False))
    sink.begin({"../../escaped": ArraySpec((2,), np.dtype("u1"))})
    sink.write(Chunk("../../escaped", (), np.zeros(2, "u1")))
    sink.commit()
    assert [p.relative_to(tmp_path) for p in tmp_path.rglob("*") if p.is_file()] == [
        inner.relative_to(tmp_path) / "x.npy"
    ]


def test_disk_full_in_the_middle(tmp_path):
    program = """
        import resource, sys
        from pathlib import Path
        import numpy as np
        from tf2numpy._types import ArraySpec, Chunk
        from tf2numpy._errors import StorageFull
        from tf2numpy._workspace import Workspace
        from tf2numpy.sinks.npy import NpySink
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        sink = NpySink(Workspace(Path(sys.argv[1]), overwrite=False))
        sink.begin({"x": ArraySpec((None,), np.dtype("u1"))})
        try:
            for start in range(0, 2 << 20, 300_000):
                sink.write(Chunk("x", (slice(start, start + 300_000),), np.zeros(300_000, "u1")))
        except StorageFull as error:
            print(error, end="")
        sink.abort()
    """
    path = tmp_path / "x.npy"
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), path], capture_output=True, text=True, check=True
    )
    # The fourth piece went in up to the limit; only whole pieces count as written.
    assert run.stdout == (
        f"no room to write {str(path)!r} (File too large) after 879.0 KiB (900128 bytes); "
        f"free some room, or choose a path on another file system"
    )
    assert list(tmp_path.iterdir()) == []


def test_too_large_from_the_start(tmp_path, monkeypatch):
    real = os.statvfs(tmp_path)
    few = os.statvfs_result((real[0], 1024, 1000, 1000, 2, *real[5:]))
    monkeypatch.setattr(os, "statvfs", lambda path: few)
    path = tmp_path / "x.npy"
    with pytest.raises(StorageFull) as caught:
        NpySink(Workspace(path, overwrite=False)).begin({"x": ArraySpec((2000,), np.dtype("u1"))})
    assert str(caught.value) == (
        f"{str(path)!r} needs 2.1 KiB (2128 bytes), and 2.0 KiB (2048 bytes) are free on the file system of "
        f"{str(tmp_path)!r}; free some room there, or choose a path on another file system"
    )
    assert list(tmp_path.iterdir()) == []
