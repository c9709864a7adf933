import errno
import os
import re
import subprocess
import sys
import textwrap
import warnings

import h5py
import ml_dtypes
import numpy as np
import pytest

from conformance.sink import EXTENDED, SinkSuite, assert_same, logical, sample
from tf2numpy._dtypes import storage
from tf2numpy._errors import FormatError, MissingExtra
from tf2numpy._types import ArraySpec, Chunk
from tf2numpy._units import format_bytes
from tf2numpy.sinks._atomic import AtomicFile
from tf2numpy.sinks._hdf5_file import ShieldedFile
from tf2numpy.sinks.hdf5 import Hdf5Sink


def stored_bits(dataset):
    """Read the elements exactly as they lie in the file, with no conversion."""
    name = dataset.attrs["dtype"]
    bits = np.empty(dataset.shape, storage(logical(name)))
    if bits.size:
        dataset.id.read(h5py.h5s.ALL, h5py.h5s.ALL, bits, dataset.id.get_type())
    return bits.view(logical(name))


class TestHdf5(SinkSuite):
    def make_sink(self, path, overwrite=False):
        return Hdf5Sink(path, overwrite=overwrite)

    def read_back(self, path, name):
        with h5py.File(path) as file:
            dataset = file[name]
            if "dtype" not in dataset.attrs:
                found = np.empty(dataset.shape, dataset.dtype)
                if found.size:
                    dataset.read_direct(found)
                return found
            if dataset.attrs["dtype"] != "string":
                return stored_bits(dataset)
            found = np.empty(dataset.shape, object)
            rows = np.empty(dataset.shape, object)
            rows[()] = dataset[()]
            for place in np.ndindex(*dataset.shape):
                found[place] = rows[place].tobytes()
            return found


def fill(path, arrays, unknown=()):
    sink = Hdf5Sink(path, overwrite=False)
    sink.begin(
        {
            name: ArraySpec((None, *array.shape[1:]) if name in unknown else array.shape, array.dtype)
            for name, array in arrays.items()
        }
    )
    for name, array in arrays.items():
        sink.write(Chunk(name, tuple(slice(0, n) for n in array.shape[:1]), array))
    sink.commit()
    return sink


def every_value(name):
    """All bit patterns of a dtype."""
    dtype = logical(name)
    bits = {"int4": 4, "uint4": 4, "int2": 2, "uint2": 2, "float4_e2m1fn": 4}.get(name, 8 * dtype.itemsize)
    return np.arange(1 << bits).astype(storage(dtype)).view(dtype)


@pytest.mark.parametrize("unknown", [False, True])
@pytest.mark.parametrize(
    ("name", "as_read"),
    [
        ("bfloat16", "float32"),
        ("float8_e5m2", "float16"),
        *((n, "int8") for n in ("int4", "int2")),
        *((n, "uint8") for n in ("uint4", "uint2")),
    ],
)
def test_h5py_alone_reads_the_right_values(tmp_path, name, as_read, unknown):
    if name not in EXTENDED:
        pytest.skip(f"this ml_dtypes has no {name}")
    array = every_value(name)
    fill(tmp_path / "x.h5", {"x": array}, unknown=["x"] if unknown else [])
    with h5py.File(tmp_path / "x.h5") as file:
        found = file["x"][()]
        assert file["x"].attrs["dtype"] == name
        assert_same(stored_bits(file["x"]), array)
    assert found.dtype == as_read
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # ml_dtypes warns when it casts NaNs
        wanted = array.astype(as_read)
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize(
    "name", ["float8_e4m3fn", "float8_e4m3fnuz", "float8_e4m3b11fnuz", "float8_e5m2fnuz", "float4_e2m1fn"]
)
def test_floats_that_hdf5_cannot_describe_are_their_bits(tmp_path, name):
    if name not in EXTENDED:
        pytest.skip(f"this ml_dtypes has no {name}")
    array = every_value(name)
    fill(tmp_path / "x.h5", {"x": array})
    with h5py.File(tmp_path / "x.h5") as file:
        assert_same(file["x"][()], array.view(np.uint8))
        assert file["x"].attrs["dtype"] == name


def test_plain_dtypes_carry_no_attribute(tmp_path):
    fill(tmp_path / "x.h5", {"a": np.zeros(3, bool), "b": np.zeros(3, "c16"), "c": np.zeros(3, ">f4")})
    with h5py.File(tmp_path / "x.h5") as file:
        assert [len(file[name].attrs) for name in "abc"] == [0, 0, 0]
        assert h5py.check_enum_dtype(file["a"].id.dtype) is None
        assert isinstance(file["a"].id.get_type(), h5py.h5t.TypeEnumID)
        assert [file[name].dtype for name in "abc"] == [np.dtype(bool), np.dtype("c16"), np.dtype(">f4")]


def test_strings_keep_every_byte(tmp_path):
    array = np.array([b"", b"\0", b"a\0b\0", b"\xff" * 10, bytes(range(256))], object)
    fill(tmp_path / "x.h5", {"known": array, "unknown": array}, unknown=["unknown"])
    with h5py.File(tmp_path / "x.h5") as file:
        for name in ("known", "unknown"):
            assert [element.tobytes() for element in file[name][()]] == array.tolist()
            assert h5py.check_vlen_dtype(file[name].dtype) == np.uint8
            assert file[name].attrs["dtype"] == "string"


def test_strings_larger_than_a_batch(tmp_path):
    array = np.array([bytes([i]) * n for i, n in enumerate((6 << 20, 1, 3 << 20, 3 << 20, 0))], object)
    fill(tmp_path / "x.h5", {"s": array})
    with h5py.File(tmp_path / "x.h5") as file:
        assert [element.tobytes() for element in file["s"][()]] == array.tolist()


@pytest.mark.parametrize(("element", "found"), [("text", "str"), (None, "NoneType"), (3, "int")])
def test_elements_that_are_not_bytes(tmp_path, element, found):
    array = np.array([[b"a", b"b"], [b"c", b"d"], [b"e", element]], object)
    sink = Hdf5Sink(tmp_path / "x.h5", overwrite=False)
    sink.begin({"s": ArraySpec((5, 2), array.dtype)})
    with pytest.raises(FormatError) as caught:
        sink.write(Chunk("s", (slice(2, 5),), array))
    assert str(caught.value) == (
        f"array 's': the element at [4, 1] is {found}, and only bytes can be written; encode text first"
    )
    sink.abort()
    assert list(tmp_path.iterdir()) == []


def test_layout(tmp_path):
    arrays = {
        "known": sample((3, 5), np.dtype("f4")),
        "rows": sample((3, 5), np.dtype("f4")),
        "wide": sample((3, 5 << 20), np.dtype("u1")),
        "odd": sample((3,), np.dtype("u1")),
    }
    fill(tmp_path / "x.h5", arrays, unknown=["rows", "wide"])
    with h5py.File(tmp_path / "x.h5") as file:
        for name in ("known", "odd"):
            assert file[name].chunks is None
            assert file[name].maxshape == arrays[name].shape
            assert file[name].id.get_offset() % 64 == 0
        assert file["rows"].chunks == ((1 << 20) // 20, 5)
        assert file["rows"].maxshape == (None, 5)
        assert file["wide"].chunks == (1, 5 << 20)


def test_the_rest_of_the_last_chunk_is_zeros(tmp_path):
    rows = (1 << 20) // 8
    sink = Hdf5Sink(tmp_path / "x.h5", overwrite=False)
    sink.begin({"x": ArraySpec((None,), np.dtype("u8"))})
    for start, count in ((0, 1), (1, rows), (rows + 1, 2)):  # the buffer is used twice
        sink.write(Chunk("x", (slice(start, start + count),), np.full(count, 2**64 - 1, "u8")))
    sink.commit()
    with h5py.File(tmp_path / "x.h5") as file:
        _, last = file["x"].id.read_direct_chunk((rows,))
    assert_same(np.frombuffer(last, "u8"), np.array([2**64 - 1] * 3 + [0] * (rows - 3), "u8"))


def test_a_file_of_known_shapes_is_closed_before_it_is_filled(tmp_path):
    sink = Hdf5Sink(tmp_path / "x.h5", overwrite=False)
    sink.begin({"x": ArraySpec((4,), np.dtype("f4")), "empty": ArraySpec((0, 4), np.dtype("f4"))})
    assert not sink._h5
    (hidden,) = tmp_path.iterdir()
    with h5py.File(hidden) as file:
        assert list(file) == ["empty", "x"]
    sink.abort()


def test_many_arrays_of_every_kind_do_not_touch_each_other(tmp_path):
    arrays = {}
    for i in range(120):
        dtype = [np.dtype("f4"), np.dtype(object), logical("bfloat16"), np.dtype("u1")][i % 4]
        arrays[f"g{i % 7}/d{i}"] = sample((i % 11, 50), dtype, seed=i)
    unknown = [name for i, name in enumerate(arrays) if i % 3 == 0]
    suite = TestHdf5()
    sink = Hdf5Sink(tmp_path / "x.h5", overwrite=False)
    sink.begin({n: ArraySpec((None, 50) if n in unknown else a.shape, a.dtype) for n, a in arrays.items()})
    for row in range(11):
        for name, array in arrays.items():
            if row < len(array):
                sink.write(Chunk(name, (slice(row, row + 1),), array[row : row + 1]))
    sink.commit()
    for name, array in arrays.items():
        assert_same(suite.read_back(tmp_path / "x.h5", name), array)


def test_no_arrays_at_all(tmp_path):
    fill(tmp_path / "x.h5", {})
    with h5py.File(tmp_path / "x.h5") as file:
        assert list(file) == []


def test_an_exception_of_hdf5_leaves_nothing(tmp_path, monkeypatch):
    def fail(*args):
        raise ValueError("from HDF5")

    monkeypatch.setattr("tf2numpy.sinks._hdf5_arrays.Chunked.finish", fail)
    with pytest.raises(ValueError, match="from HDF5"):
        fill(tmp_path / "x.h5", {"x": np.zeros(3)}, unknown=["x"])
    assert list(tmp_path.iterdir()) == []


# Refusals

SWAPPED = np.dtype(ml_dtypes.bfloat16).newbyteorder(">")


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
        Hdf5Sink(tmp_path / "x.h5", overwrite=False).begin({"fine": spec, name: spec})
    assert str(caught.value) == f"the name {name!r} {problem}, which HDF5 cannot hold; rename the array"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("names", [["a/b", "a/b/c/d"], ["a/b/c/d", "a/b"]])
def test_names_in_each_others_way(tmp_path, names):
    spec = ArraySpec((1,), np.dtype("u1"))
    with pytest.raises(FormatError) as caught:
        Hdf5Sink(tmp_path / "x.h5", overwrite=False).begin(dict.fromkeys(names, spec))
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
            (None, 1 << 30),
            "f4",
            "array 'w': HDF5 stores an unknown number of rows in chunks of at least one row and less than "
            "4.0 GiB, and one row is 4.0 GiB (4294967296 bytes); choose a .npy path",
        ),
        ((3,), "U5", "array 'w': HDF5 has no type for <U5; cast it first"),
        ((3,), "M8[s]", "array 'w': HDF5 has no type for datetime64[s]; cast it first"),
        ((3,), [("a", object)], "array 'w': HDF5 has no type for [('a', 'O')]; cast it first"),
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
        Hdf5Sink(tmp_path / "x.h5", overwrite=False).begin(specs)
    assert str(caught.value) == message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("array", "why"),
    [(np.zeros(3), "its number of rows is not known"), (np.array([b""], object), "its elements differ in size")],
    ids=["rows", "strings"],
)
def test_arrays_that_cannot_be_mapped(tmp_path, array, why):
    sink = fill(tmp_path / "x.h5", {"x": array}, unknown=["x"])
    with pytest.raises(FormatError) as caught:
        sink.mapped()
    assert str(caught.value) == (
        f"array 'x' cannot be mapped: {why}, so HDF5 keeps it in pieces; save it, and open the file with h5py"
    )


def test_without_h5py(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(MissingExtra) as caught:
        Hdf5Sink(tmp_path / "x.h5", overwrite=False).begin({})
    assert str(caught.value) == ("writing HDF5 needs h5py, which is not installed; pip install 'tf2numpy[hdf5]'")
    assert list(tmp_path.iterdir()) == []


# Disk full


def test_hdf5_never_learns_of_a_failed_write(tmp_path, monkeypatch):
    file = AtomicFile(tmp_path / "x", overwrite=False)
    file.create(0)
    shield = ShieldedFile(file)
    assert shield.write(memoryview(b"0123456789")) == 10
    shield.check()

    def fail(fd, *args):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(os, "pwrite", fail)
        broken.setattr(os, "ftruncate", fail)
        shield.seek(-2, os.SEEK_CUR)
        assert shield.write(memoryview(b"abcd")) == 4
        shield.truncate(100)
    assert shield.write(memoryview(b"ef")) == 2
    shield.seek(-6, os.SEEK_CUR)
    assert shield.write(memoryview(b"AB")) == 2
    with pytest.raises(OSError, match="No space left on device"):
        shield.check()
    assert (shield.tell(), shield.seek(0, os.SEEK_END), shield.seek(6)) == (10, 14, 6)
    found = bytearray(b"?" * 10)
    assert shield.readinto(memoryview(found)) == 10
    assert found == b"67ABcdef\0\0"
    shield.seek(1)
    assert shield.read(3) == b"123"
    assert os.path.getsize(file.partial) == 10
    file.discard()


FULL = """
    import resource, sys
    from pathlib import Path
    import numpy as np
    from tf2numpy._types import ArraySpec, Chunk
    from tf2numpy._errors import StorageFull
    from tf2numpy.sinks.hdf5 import Hdf5Sink
    limit, rows, dtype = int(sys.argv[2]), int(sys.argv[3]) or None, np.dtype(sys.argv[4])
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    sink = Hdf5Sink(Path(sys.argv[1]), overwrite=False)
    rows_per_piece = 30_000 if dtype == object else 300_000
    piece = np.full(rows_per_piece, b"0123456789" * 3 if dtype == object else 1, dtype)
    try:
        sink.begin({"x": ArraySpec((rows,), dtype)})
        for start in range(0, 12_000_000, rows_per_piece):
            sink.write(Chunk("x", (slice(start, start + rows_per_piece),), piece))
        sink.commit()
    except StorageFull as error:
        print(error, end="")
    sink.abort()
    sink.abort()
"""


def run_full(path, limit, rows, dtype):
    command = [sys.executable, "-c", textwrap.dedent(FULL), path, str(limit), str(rows), dtype]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stderr == ""
    assert list(path.parent.iterdir()) == []
    written = int(re.search(r"\((\d+) bytes\)", run.stdout)[1])  # HDF5's own bytes differ by its version
    return written, run.stdout


@pytest.mark.parametrize("dtype", ["u1", "O"])
@pytest.mark.parametrize("limit", [6_000_000, 4_200_000, 1_000_000, 100_000, 3000, 1000])
def test_disk_full_in_the_middle(tmp_path, limit, dtype):
    path = tmp_path / "x.h5"
    written, message = run_full(path, limit, 0, dtype)
    assert 0 <= written <= limit * 1.5  # what HDF5 writes twice counts twice
    assert message == (
        f"no room to write {str(path)!r} (File too large) after {format_bytes(written)} ({written} bytes); the "
        f"unfinished file is removed. Free some room, or choose a path on another file system"
    )


def test_disk_full_from_the_start(tmp_path):
    path = tmp_path / "x.h5"
    written, message = run_full(path, 6_000_000, 12_000_000, "u1")
    assert written < 10_000
    assert message == (
        f"no room to write {str(path)!r} (File too large) after {format_bytes(written)} ({written} bytes); the "
        f"unfinished file is removed. Free some room, or choose a path on another file system"
    )


@pytest.mark.parametrize("dtype", ["u1", "O"])
def test_a_file_system_that_is_really_full(small_disk, dtype):
    path = small_disk / "x.h5"
    written, message = run_full(path, 0, 0, dtype)
    assert message == (
        f"no room to write {str(path)!r} (No space left on device) after {format_bytes(written)} "
        f"({written} bytes); the unfinished file is removed. Free some room, or choose a path on another file "
        f"system"
    )
