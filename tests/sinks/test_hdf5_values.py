"""What h5py alone reads from a file: the right values, every bit, and every byte of a string."""

import warnings

import h5py
import numpy as np
import pytest

from conformance.arrays import EXTENDED, assert_same, logical
from tf2numpy._dtypes import storage

from .hdf5 import fill, stored_bits


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
