import json

import ml_dtypes
import numpy as np
import pytest
import safetensors
from safetensors.numpy import load, load_file, save_file

from conformance.sink import EXTENDED, SinkSuite, assert_same, logical, sample
from tf2numpy._errors import FormatError, StorageFull
from tf2numpy._types import ArraySpec, Chunk
from tf2numpy._workspace import Workspace
from tf2numpy.formats.safetensors import safetensors as reader
from tf2numpy.sinks.safetensors import SafetensorsSink

CODES = {"BF16": "bfloat16", "F8_E5M2": "float8_e5m2", "F8_E4M3": "float8_e4m3fn"}


def header_of(path):
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + length])


def by_library(path, name):
    """Read one array with the library's own parser, and restore what our metadata records."""
    found = dict(safetensors.deserialize(path.read_bytes()))[name]
    recorded = header_of(path).get("__metadata__", {}).get(f"tf2numpy.dtype.{name}", "")
    if found["dtype"] in CODES:
        return np.frombuffer(bytearray(found["data"]), logical(CODES[found["dtype"]])).reshape(found["shape"])
    plain = load(single(found))["x"]
    if recorded.startswith(">"):
        wanted = np.dtype(recorded)
        return (
            plain.view(wanted.newbyteorder("<"))
            .astype(wanted)
            .reshape(plain.shape[: plain.ndim - (recorded == ">c16")])
        )
    if recorded == "complex128":
        return plain.view(np.complex128)[..., 0]
    return plain.view(logical(recorded)) if recorded else plain


def single(found):
    """Make a file of one array, so that its neighbours need not be readable by NumPy."""
    entry = {"dtype": found["dtype"], "shape": found["shape"], "data_offsets": [0, len(found["data"])]}
    text = json.dumps({"x": entry}).encode()
    return len(text).to_bytes(8, "little") + text + bytes(found["data"])


def make(path, **options):
    return SafetensorsSink(Workspace(path, **{"overwrite": False, **options}))


def written(path, arrays, unknown=()):
    sink = make(path, overwrite=True)
    sink.begin({n: ArraySpec((None, *a.shape[1:]) if n in unknown else a.shape, a.dtype) for n, a in arrays.items()})
    for name, array in arrays.items():
        sink.write(Chunk(name, tuple(slice(0, n) for n in array.shape), array))
    sink.commit()
    return sink


class TestSafetensors(SinkSuite):
    strings = False
    sink = SafetensorsSink
    reader = reader

    def read_back(self, path, name):
        return by_library(path, name)

    # A big-endian array is turned in the file, so that every reader understands it.
    @pytest.mark.parametrize("dtype", ["float32", "bool", "complex64", "complex128", "bfloat16", "uint4"])
    @pytest.mark.parametrize("shape", [(), (7,), (0,), (4, 5, 6)], ids=str)
    def test_mapped_is_the_array_and_writable(self, path, dtype, shape):
        super().test_mapped_is_the_array_and_writable(path, dtype, shape)


ARRAYS = {
    "b": sample((3,), np.dtype("u1")),
    "layer/kernel": sample((5, 3), np.dtype("f4")),
    "naïve 🙂": sample((2, 2), np.dtype("f8")),
    "step": sample((), np.dtype("i8")),
    "none": np.zeros((0, 4), "f2"),
    "flags": sample((7,), np.dtype("?")),
    "c": sample((3,), np.dtype("c8")),
}


def test_the_library_reads_what_it_reads_of_its_own(tmp_path):
    written(tmp_path / "ours.safetensors", ARRAYS)
    save_file(ARRAYS, tmp_path / "theirs.safetensors")
    ours, theirs = load_file(tmp_path / "ours.safetensors"), load_file(tmp_path / "theirs.safetensors")
    assert sorted(ours) == sorted(theirs)
    for name, array in theirs.items():
        assert_same(ours[name], array)
        assert_same(ours[name], ARRAYS[name])


def test_what_the_library_writes_is_read(tmp_path):
    save_file(ARRAYS, tmp_path / "theirs.safetensors", metadata={"format": "np"})
    found = reader(tmp_path / "theirs.safetensors", (tmp_path / "theirs.safetensors").read_bytes()[:64])
    assert sorted(found.arrays) == sorted(ARRAYS)
    for name, array in ARRAYS.items():
        assert_same(np.asarray(found.arrays[name].read(())), array)


def test_plain_arrays_need_no_metadata(tmp_path):
    written(tmp_path / "x.safetensors", ARRAYS)
    assert list(header_of(tmp_path / "x.safetensors")) == list(ARRAYS)


@pytest.mark.parametrize(
    ("dtype", "code", "shape", "recorded"),
    [
        ("bfloat16", "BF16", [4], None),
        ("float8_e5m2", "F8_E5M2", [4], None),
        ("float8_e4m3fn", "F8_E4M3", [4], None),
        ("float8_e4m3b11fnuz", "U8", [4], "float8_e4m3b11fnuz"),
        ("float8_e5m2fnuz", "U8", [4], "float8_e5m2fnuz"),
        ("int4", "U8", [4], "int4"),
        ("complex64", "C64", [4], None),
        ("complex128", "F64", [4, 2], "complex128"),
        (">f4", "F32", [4], ">f4"),
        (">c16", "F64", [4, 2], ">c16"),
        ("<M8[25s]", "I64", [4], "<M8[25s]"),
        (">m8[ns]", "I64", [4], ">m8[ns]"),
    ],
)
def test_how_each_dtype_is_named(tmp_path, dtype, code, shape, recorded):
    array = sample((4,), logical(dtype))
    path = tmp_path / "x.safetensors"
    written(path, {"w": array})
    header = header_of(path)
    assert header["w"] == {"dtype": code, "shape": shape, "data_offsets": [0, array.nbytes]}
    assert header.get("__metadata__") == ({"tf2numpy.dtype.w": recorded} if recorded else None)
    assert_same(np.asarray(reader(path, path.read_bytes()[:9]).arrays["w"].read((slice(1, 3),))), array[1:3])


def test_numbers_keep_their_values_for_the_library(tmp_path):
    swapped, double = np.array([1.5, -2, 1e30], ">f4"), np.array([1 + 2j, 3 - 4j])
    written(tmp_path / "x.safetensors", {"swapped": swapped, "double": double})
    found = load_file(tmp_path / "x.safetensors")
    assert found["swapped"].tolist() == swapped.tolist()
    assert found["double"].tolist() == [[1, 2], [3, -4]]


@pytest.mark.parametrize("growing", [("a",), ("b",), ("a", "c"), ("a", "b", "c")], ids=str)
def test_unknown_rows_give_the_same_arrays(tmp_path, growing):
    arrays = {
        "a": sample((300, 3), np.dtype("u1")),
        "b": sample((41,), np.dtype("f8")),
        "c": sample((7, 2), np.dtype("f4")),
    }
    written(tmp_path / "x.safetensors", arrays, growing)
    found = load_file(tmp_path / "x.safetensors")
    for name, array in arrays.items():
        assert_same(found[name], array)


def test_every_array_of_known_shape_is_aligned(tmp_path):
    path = tmp_path / "x.safetensors"
    arrays = {"odd": np.zeros(3, "u1"), "d": np.zeros(1, "f8"), "h": np.zeros(1, "f2"), "f": np.zeros(3, "f4")}
    sink = written(path, arrays)
    assert [header_of(path)[name]["data_offsets"][0] for name in ("d", "f", "h", "odd")] == [0, 8, 20, 22]
    assert all(array.flags.aligned for array in sink.mapped().values())
    assert all(array.read(()).flags.aligned for array in reader(path, path.read_bytes()[:9]).arrays.values())


@pytest.mark.parametrize(
    ("specs", "message"),
    [
        (
            {"x": ArraySpec((2,), np.dtype(">f8"))},
            "array 'x' cannot be mapped: it is big-endian, >f8, and .safetensors keeps the bytes the other way; choose "
            ".npy or .h5",
        ),
        (
            {"odd": ArraySpec((3,), np.dtype("u1")), "rows": ArraySpec((None,), np.dtype("f4"))},
            "array 'rows' cannot be mapped: it comes after rows whose number is not known, so .safetensors may let it "
            "begin anywhere; choose .npy",
        ),
    ],
)
def test_what_cannot_be_mapped(tmp_path, specs, message):
    with pytest.raises(FormatError) as caught:
        make(tmp_path / "x.safetensors").check_mappable(specs)
    assert str(caught.value) == message


def test_rows_after_arrays_of_whole_words_can_be_mapped(tmp_path):
    arrays = {
        "shape": np.arange(3),
        "rows": sample((5,), np.dtype("f4")),
        "splits": np.arange(4),
        "u": np.ones(3, "u1"),
    }
    sink = written(tmp_path / "x.safetensors", arrays, ("rows", "splits"))
    sink.check_mappable({n: ArraySpec((None,), a.dtype) for n, a in arrays.items() if n != "u"})
    with pytest.raises(FormatError):
        sink.mapped()
    del arrays["u"]
    maps = written(tmp_path / "x.safetensors", arrays, ("rows", "splits")).mapped()
    for name, array in arrays.items():
        assert_same(np.asarray(maps[name]), array)
        assert maps[name].flags.aligned


@pytest.mark.parametrize(
    ("name", "dtype", "message"),
    [
        (
            "s",
            object,
            "array 's' has dtype object, and .safetensors files hold no strings or objects; choose a .h5 or .zarr path "
            "for strings, and give numbers a dtype of numbers, np.asarray(x, 'float64')",
        ),
        (
            "s",
            "S3",
            "array 's' has dtype |S3, and .safetensors files hold no strings or objects; choose a .h5 or .zarr path "
            "for strings, and give numbers a dtype of numbers, np.asarray(x, 'float64')",
        ),
        (
            "s",
            [("a", "f4")],
            "array 's' has dtype [('a', '<f4')], which .safetensors files cannot hold; choose a .npy or .npz path, or "
            "cast it to a dtype of plain numbers",
        ),
        ("__metadata__", "f4", "the name '__metadata__' is taken in .safetensors files; rename the array"),
        (
            "a\udcff",
            "f4",
            "the name 'a\\udcff' is not valid Unicode, which .safetensors files cannot hold; rename the array",
        ),
        (
            "w",
            np.dtype(ml_dtypes.bfloat16).newbyteorder(">"),
            "array 'w': no file can name the dtype dtype(bfloat16, align=True); cast it to one that TensorFlow has too",
        ),
    ],
)
def test_refusals_before_anything_is_written(tmp_path, name, dtype, message):
    with pytest.raises(FormatError) as caught:
        make(tmp_path / "x.safetensors").begin({name: ArraySpec((2,), np.dtype(dtype))})
    if "no file can name" in message:
        message = f"array 'w': no file can name the dtype {dtype!r}; cast it to one that TensorFlow has too"
    assert str(caught.value) == message
    assert list(tmp_path.iterdir()) == []


def test_a_header_that_no_library_reads(tmp_path):
    with pytest.raises(FormatError) as caught:
        make(tmp_path / "x.safetensors").begin({"x" * 100_000_000: ArraySpec((2,), np.dtype("f4"))})
    assert str(caught.value) == (
        "1 arrays need a header of 100000120 bytes, and .safetensors allows 100000000; choose a .h5 path, "
        "or shorter names"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", EXTENDED)
def test_names_cannot_be_taken_for_records_of_others(tmp_path, name):
    arrays = {
        "x": sample((3,), logical(name)),
        "tf2numpy.dtype.x": np.zeros(2, "f4"),
        "": np.ones(1, "f4"),
        "a\0": np.ones(1),
    }
    path = tmp_path / "x.safetensors"
    written(path, arrays)
    found = reader(path, path.read_bytes()[:9]).arrays
    assert list(found) == list(arrays)
    for key, array in arrays.items():
        assert_same(np.asarray(found[key].read(())), array)


def test_too_large_from_the_start(tmp_path):
    with pytest.raises(StorageFull):
        make(tmp_path / "x.safetensors").begin({"x": ArraySpec((1 << 60,), np.dtype("u1"))})
    assert list(tmp_path.iterdir()) == []
