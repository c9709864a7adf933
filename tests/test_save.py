"""Every kind of value goes to a file whole, and is read back with NumPy or h5py, never with our own code."""

from __future__ import annotations

import os

import h5py
import ml_dtypes
import numpy as np
import pytest

import tf2numpy as t2n

PLAIN = ["bool", "float16", "float32", "float64", "complex64", "complex128"]
PLAIN += [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]
KNOWN = ".npy, .npz, .safetensors, dir, .h5, .hdf5, .zarr, .parquet, .arrow, .feather"
EXTENDED = {"bfloat16": "u2", "float8_e5m2": "u1", "float8_e4m3fn": "u1", "int4": "u1", "uint4": "u1"}


def sample(name, shape=(3, 4)):
    return (np.arange(np.prod(shape, dtype=int)) % 7).reshape(shape).astype(getattr(ml_dtypes, name, name))


def read(path):
    """Read every dataset of an HDF5 file with h5py: strings as bytes, extended dtypes by their bits."""
    found = {}

    def visit(name, dataset):
        if not isinstance(dataset, h5py.Dataset):
            return
        logical = dataset.attrs.get("dtype")
        if logical == "string":
            found[name] = np.empty(dataset.shape, object)
            for place in np.ndindex(*dataset.shape):
                found[name][place] = dataset[place].tobytes()
        elif logical is not None:
            bits = np.empty(dataset.shape, EXTENDED[logical])
            dataset.id.read(h5py.h5s.ALL, h5py.h5s.ALL, bits, dataset.id.get_type())
            found[name] = bits.view(getattr(ml_dtypes, logical))
        else:
            found[name] = np.asarray(dataset[()])

    with h5py.File(path) as file:
        file.visititems(visit)
    return found


def assert_files(found, expected):
    assert sorted(found) == sorted(expected)
    for name, array in expected.items():
        array = np.asarray(array)
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape), name
        assert found[name].tolist() == array.tolist(), name


def message_of(error, *args, **options):
    with pytest.raises(error) as caught:
        t2n.save(*args, **options)
    return str(caught.value)


@pytest.mark.parametrize("name", [*PLAIN, *EXTENDED])
def test_dtypes(tf, tmp_path, name):
    array = sample(name)
    tensor = tf.constant(array)
    found = np.load(t2n.save(tensor, tmp_path / "x.npy"))
    if name in EXTENDED:
        found = found[name].view(array.dtype)
    assert_files({"x": found}, {"x": array})
    assert_files(read(t2n.save({"x": tensor, "y": array}, tmp_path / "x.h5")), {"x": array, "y": array})


def test_strings(tf, tmp_path):
    strings = np.array([[b"a\0b", b""], [b"\0", b"\xff" * 300]], object)
    path = t2n.save({"s": tf.constant(strings), "one": tf.constant(b"\0")}, tmp_path / "x.hdf5")
    assert_files(read(path), {"s": strings, "one": np.array(b"\0", object)})


def test_structures_numbers_and_none(tf, tmp_path):
    value = {"a": [tf.constant(1), (2.5, None)], "b/c": np.int8(3), 7: {"text": "ü", "flag": True, "z": 1j}}
    assert_files(
        read(t2n.save(value, tmp_path / "x.h5")),
        {
            "a/0": np.int32(1),
            "a/1/0": np.float64(2.5),
            "b/c": np.int8(3),
            "7/text": np.array("ü".encode(), object),
            "7/flag": np.bool_(True),
            "7/z": np.complex128(1j),
        },
    )
    assert np.load(t2n.save(2.5, tmp_path / "x.npy")).tolist() == 2.5
    assert_files(read(t2n.save(np.arange(3), tmp_path / "lone.h5")), {"data": np.arange(3)})


def test_ragged_and_sparse(tf, tmp_path):
    ragged = tf.ragged.constant([[[1, 2], []], [], [[3]]], tf.int16)
    sparse = tf.sparse.from_dense(np.float32([[0, 5], [6, 0]]))
    slices = tf.IndexedSlices(tf.constant([[1.0], [2.0]]), tf.constant([3, 1]))
    nested = {
        "values/values": np.int16([1, 2, 3]),
        "values/row_splits": np.int64([0, 2, 2, 3]),
        "row_splits": np.int64([0, 2, 2, 3]),
    }
    places = {
        "indices": np.int64([[0, 1], [1, 0]]),
        "values": np.float32([5, 6]),
        "shape": np.int64([2, 2]),
    }
    rows = {"indices": np.int64([[3], [1]]), "values": np.float32([[1], [2]])}
    value = {"r": ragged, "s": sparse, "i": slices}
    expected = {f"{k}/{n}": a for k, parts in zip("rsi", (nested, places, rows), strict=True) for n, a in parts.items()}
    assert_files(read(t2n.save(t2n.to_numpy(value), tmp_path / "np.h5")), expected)
    assert_files(read(t2n.save(value, tmp_path / "tf.h5")), expected)
    assert_files(read(t2n.save(ragged, tmp_path / "lone.h5")), nested)


def test_model_weights(tf, tmp_path):
    import keras

    model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2, name="d")], name="m")
    found = read(t2n.save(model, tmp_path / "x.h5"))
    assert len(found) == 2
    assert_files(found, {weight.path: weight.numpy() for weight in model.weights})


@pytest.mark.parametrize("known", [True, False])
def test_datasets(tf, tmp_path, known):
    parts = {"n": np.arange(50), "x": sample("float32", (50, 3)), "r": tf.ragged.range(tf.range(50) % 4)}
    dataset = tf.data.Dataset.from_tensor_slices(parts).batch(7)
    dataset = dataset if known else dataset.filter(lambda rows: True)
    found = read(t2n.save(dataset, tmp_path / "x.h5", max_bytes=4096))
    flat = {"r/values": parts["r"].values.numpy(), "r/row_splits": parts["r"].row_splits.numpy()}
    assert_files(found, {"n": parts["n"], "x": parts["x"], **flat})
    one = dataset.map(lambda rows: rows["x"])
    assert_files({"x": np.load(t2n.save(one, tmp_path / "x.npy", max_bytes=64))}, {"x": parts["x"]})
    none = dataset.take(0).map(lambda rows: rows["x"])
    assert np.load(t2n.save(none, tmp_path / "none.npy")).shape == (0, 3)


@pytest.mark.parametrize(
    "array",
    [
        np.asfortranarray(sample("float64")),
        sample("int32")[::-1, ::-2],
        sample("int32", (2, 3, 4)).transpose(2, 0, 1),
        np.broadcast_to(np.float32(3), (5, 6)),
        np.arange(6, dtype=">i4").reshape(2, 3),
        np.array(5),
        np.zeros((0, 3)),
        np.zeros((3, 0)),
    ],
    ids=["fortran", "reversed", "transposed", "broadcast", "big-endian", "0-d", "no rows", "no columns"],
)
@pytest.mark.parametrize("max_bytes", [64, "64MiB"])
def test_any_layout(tmp_path, array, max_bytes):
    assert_files({"x": np.load(t2n.save(array, tmp_path / "x.npy", max_bytes=max_bytes))}, {"x": array})
    assert_files(read(t2n.save({"x": array}, tmp_path / "x.h5", max_bytes=max_bytes)), {"x": array})


def test_casts(tf, tmp_path):
    ragged = tf.ragged.constant([[1, 2], []])
    path = t2n.save({"r": ragged, "s": tf.constant("x"), "n": 1}, tmp_path / "x.h5", dtype="float16")
    expected = {"r/values": np.float16([1, 2]), "r/row_splits": np.int64([0, 2, 2]), "n": np.float16(1)}
    assert_files(read(path), {**expected, "s": np.array(b"x", object)})
    found = np.load(t2n.save(tf.data.Dataset.range(3), tmp_path / "x.npy", dtype="bfloat16"))
    assert found["bfloat16"].view(ml_dtypes.bfloat16).tolist() == [0, 1, 2]
    assert message_of(t2n.InvalidArgument, ["a"], tmp_path / "y.h5", dtype=str) == (
        "dtype=str decodes strings in memory, and a file holds their bytes; leave dtype out"
    )
    with pytest.raises(t2n.InvalidArgument):
        t2n.save(tf.constant("x"), tmp_path / "y.h5", dtype="float16")
    assert sorted(os.listdir(tmp_path)) == ["x.h5", "x.npy"]


REFUSED = {
    "several arrays": (
        ".npy",
        {"a": 1, "b": 2},
        "a .npy file holds exactly one array, found 'a', 'b'; choose a .h5 path for several",
    ),
    "strings": (
        ".npy",
        b"x",
        "array 'data' has dtype object: .npy files, alone, in a folder or in a .npz file, hold strings and other "
        "Python objects only as pickles, which are unsafe to load; choose a .h5 or .zarr path for strings, and give "
        "numbers a dtype of numbers, np.asarray(x, 'float64')",
    ),
    "unknown suffix": (
        ".csv",
        1,
        "the suffix '.csv' names no format that can be written; known are " + KNOWN,
    ),
    "no suffix": ("", 1, "the suffix '' names no format that can be written; known are " + KNOWN),
    "climbing out": (
        ".h5",
        {"../../x": 1},
        "the name '../../x' has '.' or '..' as a part, which HDF5 cannot hold; rename the array",
    ),
    "a dot": (".h5", {".": 1}, "the name '.' has '.' or '..' as a part, which HDF5 cannot hold; rename the array"),
    "from the root": (
        ".h5",
        {"/etc/x": 1},
        "the name '/etc/x' is empty or has an empty part, which HDF5 cannot hold; rename the array",
    ),
    "an empty part": (
        ".h5",
        {"a": {"": 1}},
        "the name 'a/' is empty or has an empty part, which HDF5 cannot hold; rename the array",
    ),
    "NUL": (".h5", {"a\0b": 1}, "the name 'a\\x00b' has a NUL character, which HDF5 cannot hold; rename the array"),
    "half a character": (
        ".h5",
        {"\ud800": 1},
        "the name '\\ud800' is not valid Unicode, which HDF5 cannot hold; rename the array",
    ),
    "an array and a group": (
        ".h5",
        {"a": 1, "a/b": 2},
        "the names 'a' and 'a/b' cannot be in one HDF5 file: 'a' would be both an array and the group of another; "
        "rename one of them",
    ),
}


@pytest.mark.parametrize(("suffix", "value", "expected"), REFUSED.values(), ids=REFUSED)
def test_what_a_file_cannot_hold_is_refused(tmp_path, suffix, value, expected):
    assert message_of(t2n.FormatError, value, tmp_path / f"x{suffix}") == expected
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ({"": np.zeros(2), "data": np.ones(2)}, "data"),
        (
            {"a": t2n.RaggedArray(np.arange(3), np.array([0, 3])), "a/values": np.zeros(3)},
            "a/values",
        ),
    ],
)
def test_two_arrays_of_one_name_are_refused(tmp_path, value, name):
    path = tmp_path / "x.h5"
    expected = f"two arrays of this structure would have the name {name!r}; rename one of the keys"
    assert message_of(t2n.FormatError, value, path) == expected
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("value", "kind"), [({}, "structure"), ([None, ()], "structure"), (None, "none")], ids=["{}", "[None, ()]", "None"]
)
def test_nothing_is_refused(tmp_path, value, kind):
    path = tmp_path / "x.h5"
    assert message_of(t2n.FormatError, value, path) == (
        f"there is nothing to write to {path}: this {kind} holds no array"
    )
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("suffix", [".npy", ".h5"])
def test_paths(tmp_path, suffix):
    path = tmp_path / f"x{suffix.upper()}"
    assert t2n.save(np.arange(3), str(path)) == path
    content = path.read_bytes()
    assert message_of(t2n.OutputExists, np.arange(4), path) == (
        f"{str(path)!r} exists already; pass overwrite=True to replace it, or choose another name"
    )
    assert path.read_bytes() == content
    t2n.save(np.arange(4), path, overwrite=True)
    assert (np.load(path) if suffix == ".npy" else read(path)["data"]).tolist() == [0, 1, 2, 3]
    missing = tmp_path / "missing" / f"x{suffix}"
    assert message_of(t2n.InvalidArgument, 1, missing) == (
        f"{str(missing)!r} cannot be written: there is no folder {str(missing.parent)!r}; create it first"
    )
    folder = tmp_path / f"folder{suffix}"
    folder.mkdir()
    assert message_of(t2n.InvalidArgument, 1, folder, overwrite=True) == (
        f"{str(folder)!r} is a folder; give the name of a file in it"
    )
    assert sorted(os.listdir(tmp_path)) == [folder.name, path.name]


@pytest.mark.parametrize("bad", [0, "lots"])
def test_a_bad_max_bytes(tmp_path, bad):
    assert message_of(t2n.InvalidArgument, 1, tmp_path / "x.npy", max_bytes=bad) == (
        f"max_bytes={bad!r} is not a positive number of bytes; give an int, or text such as '64MiB' or '2GB'"
    )
