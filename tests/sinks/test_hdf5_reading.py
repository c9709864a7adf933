"""HDF5 files of others: what can be an array becomes one, lazily."""

import h5py
import numpy as np
import pytest

from conformance.arrays import assert_same, logical, sample
from conformance.sink_resume import text
from tf2numpy._errors import CopyRequired, InvalidArgument
from tf2numpy._sources import HostArray
from tf2numpy._types import Layout, Request

from .hdf5 import fetched, fill, opened


@pytest.fixture
def path(tmp_path):
    return tmp_path / "x.h5"


PIXEL = np.dtype([("r", "u1"), ("g", ">f4"), ("in", [("a", bool), ("b", "i2", (2,))])])


@pytest.mark.parametrize(
    "options",
    [{}, {"chunks": (2, 3)}, {"chunks": (2, 3), "compression": "gzip", "fletcher32": True, "shuffle": True}],
    ids=["contiguous", "chunked", "filtered"],
)
@pytest.mark.parametrize("dtype", ["f4", ">f8", "?", "c8", "i2", ">u4", "f2", "V3", PIXEL], ids=str)
def test_numbers_that_h5py_wrote(path, dtype, options):
    dtype = np.dtype(dtype)
    array = sample((5, 7), np.dtype("u1")).astype("f4").astype("?") if dtype.kind == "b" else sample((5, 7), dtype)
    if dtype == PIXEL:
        array["in"]["a"] = True
    with h5py.File(path, "w", userblock_size=512) as file:
        file.create_dataset("x", data=array, **options)
    stored = opened(path)
    assert stored.kind == "HDF5 file"
    source = stored.arrays["x"]
    assert (source.kind, source.device) == ("HDF5 file", f"file {path}")
    assert isinstance(source, HostArray) == (not options and dtype.kind != "V") or dtype.kind == "V"
    assert source.spec.dtype == dtype
    assert_same(source.fetch(Request()), array)
    assert_same(np.asarray(source.read((slice(1, 3), slice(2, 7)))), array[1:3, 2:])
    assert_same(np.asarray(source.read((slice(4, 5),))), array[4:])
    stored.close()


def test_enumerations_bit_fields_and_arrays_of_arrays(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("enum", data=np.array([0, 2], "i2"), dtype=h5py.enum_dtype({"A": 0, "B": 2}, "i2"))
        file.create_dataset("inner", (3,), np.dtype(("f4", (2, 2))))[...] = np.arange(12, dtype="f4").reshape(3, 2, 2)
    assert fetched(path, "enum").dtype.metadata is None
    assert_same(fetched(path, "enum"), np.array([0, 2], "i2"))
    stored = opened(path)
    whole = np.arange(12, dtype="f4").reshape(3, 2, 2)
    assert stored.arrays["inner"].spec.shape == (3, 2, 2)
    assert_same(stored.arrays["inner"].fetch(Request()), whole)
    assert_same(np.asarray(stored.arrays["inner"].read(np.s_[1:3, 0:2, 1:2])), whole[1:3, :, 1:])
    stored.close()


def test_strings_of_hdf5_itself(path):
    words = [b"a", b"", "naïve".encode(), b"x" * 1000]
    with h5py.File(path, "w") as file:
        file.create_dataset("variable", data=words, dtype=h5py.string_dtype())
        file.create_dataset("chunked", data=words, dtype=h5py.string_dtype("ascii"), chunks=(3,), compression="gzip")
        file.create_dataset("fixed", data=np.array(words[:3], "S8"))
        file.create_dataset("one", data="text")
        file.create_dataset("unwritten", (2,), h5py.string_dtype(), chunks=(1,))
    array = np.array(words, object)
    for name, wanted in {
        "variable": array,
        "chunked": array,
        "fixed": array[:3],
        "one": np.array(b"text", object),
        "unwritten": np.array([b"", b""], object),
    }.items():
        stored = opened(path)
        source = stored.arrays[name]
        assert_same(source.fetch(Request()), wanted)
        assert source.host_bytes(Request()) >= sum(map(len, wanted.flat))
        pieces = [source.read(index) for index in source.regions(1100)]
        assert_same(np.concatenate(pieces) if wanted.shape else pieces[0], wanted)
        stored.close()
    assert fetched(path, "one").item() == b"text"
    stored = opened(path)
    assert stored.arrays["variable"].fetch(Request(decode_text=True))[2] == "naïve"
    with pytest.raises(InvalidArgument, match="row 3 alone needs 1"):
        list(stored.arrays["variable"].regions(200))
    out = np.empty(4, object)
    assert stored.arrays["chunked"].fetch(Request(out=out)) is out
    assert_same(out, array)
    stored.close()


def test_our_strings_in_pieces(path):
    array = text(300, 3)
    fill(path, {"x": array}, unknown=["x"])
    stored = opened(path)
    source = stored.arrays["x"]
    for max_bytes in (60, 500, 100_000):
        again = np.empty_like(array)
        for index in source.regions(max_bytes):
            again[index] = source.read(index)
        assert_same(again, array)
    stored.close()


@pytest.mark.parametrize("name", ["bfloat16", "float8_e5m2", "int4"])
@pytest.mark.parametrize("label", [True, False])
def test_types_that_only_hdf5_can_name(path, name, label):
    """They come back without our attribute too."""
    array = sample((9, 3), logical(name))
    fill(path, {"x": array}, layout=Layout(chunks=(4, 2)))
    if not label:
        with h5py.File(path, "r+") as file:
            del file["x"].attrs["dtype"]
    assert_same(fetched(path), array)


def test_bfloat16_as_keras_stores_it(path):
    array = sample((4,), logical("bfloat16"))
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=array.view("V2")).attrs["dtype"] = "bfloat16"
        file.create_dataset("bits", data=array.view("<u2")).attrs["dtype"] = "bfloat16"
        file.create_dataset("values", data=np.ones(3, "f4")).attrs["dtype"] = "bfloat16"
        file.create_dataset("swapped", data=np.ones(3, ">u2")).attrs["dtype"] = "bfloat16"
        file.create_dataset("other", data=np.ones(3, "f4")).attrs["dtype"] = [1, 2]
    assert_same(fetched(path), array)
    assert_same(fetched(path, "bits"), array)
    assert_same(fetched(path, "values"), np.ones(3, "f4"))
    assert_same(fetched(path, "swapped"), np.ones(3, ">u2"))
    assert_same(fetched(path, "other"), np.ones(3, "f4"))


def test_casts_buffers_and_views(path):
    array = sample((50, 7), np.dtype("i2"))
    fill(path, {"x": array}, layout=Layout(compression="gzip"))
    stored = opened(path)
    source = stored.arrays["x"]
    assert_same(source.fetch(Request(dtype=np.dtype("f8"))), array.astype("f8"))
    out = np.empty((7, 50), "i2").T
    assert source.fetch(Request(out=out)) is out
    assert_same(out.copy(), array)
    with pytest.raises(CopyRequired) as caught:
        source.fetch(Request(copy=False))
    assert str(caught.value) == (
        "copy=False allows only a view, and this dataset does not lie in the file as it would in memory; "
        "pass copy=None or copy=True"
    )
    assert source.host_bytes(Request()) == array.nbytes
    assert source.host_bytes(Request(out=out)) == 0
    stored.close()


def test_groups_links_in_circles_and_named_types(path):
    with h5py.File(path, "w") as file:
        file["b/c/x"] = np.arange(3)
        file["a"] = np.float32(1)
        file["b/c/up"] = file["/"]
        file["b/again"] = file["b/c/x"]
        file["soft"] = h5py.SoftLink("/b/c/x")
        file["nowhere"] = h5py.SoftLink("/none")
        file["type"] = np.dtype("f4")
        file.create_group("empty")
    stored = opened(path)
    assert list(stored.arrays) == ["a", "b/again", "b/c/x"]
    stored.close()


def test_a_file_behind_a_user_block(path):
    with h5py.File(path, "w", userblock_size=2048) as file:
        file["x"] = np.arange(5)
    assert_same(fetched(path), np.arange(5))
