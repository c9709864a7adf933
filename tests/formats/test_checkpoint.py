"""Checkpoints that TensorFlow wrote, against what was saved in them; and what they may also hold."""

import json
from pathlib import Path

import numpy as np
import pytest

import tf2numpy as t2n
from conformance.arrays import assert_same, exists
from tables import ENUMS, BundleFiles, strings
from tf2numpy._dtypes import named

GOLDEN = Path(__file__).parents[1] / "golden" / "checkpoint"
VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"


def expected(checkpoint):
    """Give what was saved in one of the golden checkpoints, by key."""
    found = {}
    with np.load(GOLDEN / "expected.npz") as numbers:
        for label, bits in numbers.items():
            where, key, dtype = label.split("|")
            if where == checkpoint:
                found[key] = bits.view(named(dtype))
    for key, (shape, texts) in json.loads((GOLDEN / "expected.json").read_text()).get(checkpoint, {}).items():
        found[key] = strings(*map(bytes.fromhex, texts)).reshape(shape)
    return found


def assert_all(file, values):
    for key, value in values.items():
        array = file[key]
        assert (array.shape, array.dtype) == (value.shape, value.dtype)
        for found in (np.asarray(array), np.asarray(array[...], array.dtype), t2n.to_numpy(array)):
            assert_same(found, value)


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    "name", ["objects/ck-1", "shards/ck", "names_v1/model.ckpt-3", "names_v2/model.ckpt-3", "keras"]
)
def test_what_was_saved(name, check):
    values = expected(name.split("/")[0])
    with t2n.open(GOLDEN / name, check=check, slots=True) as file:
        assert values
        assert_all(file, values)


@pytest.mark.parametrize("path", ["objects", "objects/ck-2", "objects/ck-2.index", "objects/ck-2.data-00000-of-00001"])
def test_ways_to_say_which(path):
    with t2n.open(GOLDEN / path) as file:
        assert file["scalar"][...] == 2.5
        assert file.kind == "checkpoint"


def test_names():
    with t2n.open(GOLDEN / "objects") as file:
        assert set(file) == {key.removesuffix(VALUE).replace("a..b.Sc", "a.b/c") for key in expected("objects")}
        assert file.aliases["float32"] == ("Variable", f"float32{VALUE}")
        assert file[f"float32{VALUE}"].shape == (3, 2)
    with t2n.open(GOLDEN / "objects", names="key") as file:
        assert set(file) == set(expected("objects"))
        assert file.aliases[f"a..b.Sc{VALUE}"] == ("a.b/c", "Variable", "a..b.Sc")
    with t2n.open(GOLDEN / "objects", names="key", slots=True) as file:
        assert set(file) == {*expected("objects"), "_CHECKPOINTABLE_OBJECT_GRAPH", f"save_counter{VALUE}"}
        assert file.aliases == {}


def test_slots_of_optimizers():
    weights = {"sequential/head/kernel", "sequential/head/bias"}
    with t2n.open(GOLDEN / "keras") as file:
        assert set(file) == weights
    with t2n.open(GOLDEN / "keras", slots=True) as file:
        assert len(file) == 10
        assert {"save_counter", "_CHECKPOINTABLE_OBJECT_GRAPH", "adam/iteration"} < set(file)
    assert "w/Adam" not in t2n.open(GOLDEN / "names_v1")
    assert "w/Adam" in t2n.open(GOLDEN / "names_v1", slots=True)


def test_what_is_no_array_is_listed():
    reason = "3 variants in 508 bytes, which only TensorFlow can use: tensorflow::Iterator"
    with t2n.open(GOLDEN / "objects") as file:
        assert file.left_out == {"iterator/ITERATOR_STATE": reason}
        assert repr(file).endswith(f"\n  left out: iterator/ITERATOR_STATE  {reason}")


def test_a_damaged_object_graph(tmp_path):
    path = BundleFiles().add("_CHECKPOINTABLE_OBJECT_GRAPH", np.array(b"\xff", object)).write(tmp_path)
    with pytest.raises(t2n.FormatError) as caught:
        t2n.open(path)
    assert str(caught.value) == (
        f"{str(path)!r}: its object graph cannot be read: the varint at offset 0 is cut short at 1; names='key' with "
        "slots=True does without"
    )
    assert list(t2n.open(path, names="key", slots=True)) == ["_CHECKPOINTABLE_OBJECT_GRAPH"]


def sample(name):
    rng = np.random.default_rng(len(name))
    if name == "object":
        return strings(*(rng.bytes(int(rng.integers(0, 9))) for _ in range(24))).reshape(6, 4)
    bits = rng.integers(0, 2 if name == "bool" else 100, (6, 4))
    dtype = named(name)
    return bits.astype(np.uint8).view(dtype) if dtype.itemsize == 1 else bits.astype(np.float32).astype(dtype)


PARTS = {
    "rows": [((0, 4), (0, -1)), ((4, 1), (0, 4)), ((5, 1), (0, -1))],
    "columns": [((0, -1), (0, 1)), ((0, 6), (1, 3))],
    "one": [((0, -1), (0, -1))],
    "with an empty one": [((0, 3), (0, -1)), ((3, 0), (0, -1)), ((3, 3), (0, -1))],
    "pinwheel": [((0, 4), (0, 1)), ((4, 2), (0, 3)), ((2, 4), (3, 1)), ((0, 2), (1, 3)), ((2, 2), (1, 2))],
}


@pytest.fixture(params=[(False, 0), (False, 1), (True, 3)], ids=["aligned", "unaligned", "big-endian"])
def every_dtype(request, tmp_path):
    """A bundle of three data files with every dtype, whole, in parts, as a scalar and without elements."""
    big_endian, gap = request.param
    files, values = BundleFiles(shards=3, big_endian=big_endian, gap=gap), {}
    for name in filter(exists, ENUMS):
        array = sample(name)
        scalar = np.empty((), array.dtype)
        scalar[()] = array[0, 0]
        for label, value in (("whole", array), ("scalar", scalar), ("empty", array[:0])):
            values[f"{name}/{label}"] = value
            files.add(f"{name}/{label}", value, shard=1)
        for label, parts in PARTS.items():
            values[f"{name}/{label}"] = array
            files.add_parts(f"{name}/{label}", array, parts)
    return files.write(tmp_path, per_block=7, snappy=big_endian), values


@pytest.mark.parametrize("check", [True, False])
def test_every_dtype_in_every_form(every_dtype, check):
    path, values = every_dtype
    rng = np.random.default_rng(0)
    with t2n.open(path, check=check) as file:
        assert set(file) == set(values)
        assert_all(file, values)
        for name, value in values.items():
            assert t2n.to_numpy(file[name]).flags.writeable
            if value.size < 24:
                continue
            for _ in range(4):
                (i, j), (k, m) = np.sort(rng.integers(0, 7, 2)), np.sort(rng.integers(0, 5, 2))
                found = file[name][i:j, k:m]
                assert found.flags.aligned
                assert_same(np.array(found), np.array(value[i:j, k:m]))
            for max_bytes in (200, 1000):
                again = np.empty_like(value)
                for chunk in t2n.iter_chunks(file[name], max_bytes=max_bytes):
                    again[chunk.index] = chunk.value
                assert_same(again, value)


def test_every_dtype_goes_on_to_a_file(every_dtype, tmp_path):
    path, values = every_dtype
    with t2n.open(path) as file, t2n.open(t2n.save(file, tmp_path / "x.zarr")) as again:
        assert_all(again, values)


def test_strings_in_parts_are_counted_one_by_one(tmp_path):
    array = strings(b"a", b"b" * 1000, b"c" * 10, b"", b"d" * 500, b"e").reshape(3, 2)
    path = BundleFiles().add_parts("x", array, [((0, -1), (0, 1)), ((0, -1), (1, 1))]).write(tmp_path)
    with t2n.open(path) as file:
        source = file["x"].source
        assert source.lengths(0, 6).tolist() == [1, 1000, 10, 0, 500, 1]
        assert [chunk.index[0] for chunk in t2n.iter_chunks(file["x"], max_bytes=2300)] == [slice(0, 1), slice(1, 3)]


def test_many_blocks_of_keys(tmp_path):
    files = BundleFiles()
    for number in range(1000):
        files.add(f"n/{number:04}", np.array(number))
    with t2n.open(files.write(tmp_path, per_block=64)) as file:
        assert [int(array[...]) for array in file.values()] == list(range(1000))


def test_names_that_are_no_unicode(tmp_path):
    files = BundleFiles().add("", np.array(1), key=b"\xff\xfe").add("é", np.array(2))
    with t2n.open(files.write(tmp_path)) as file:
        assert {name: int(array[...]) for name, array in file.items()} == {"\udcff\udcfe": 1, "é": 2}
