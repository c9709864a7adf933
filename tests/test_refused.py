"""What a format cannot hold is named in one error, all of it, before anything is read or created."""

import numpy as np
import pytest

import tf2numpy as t2n
from conformance.kind import fails

TEXT, NUMBERS = np.array([b"a"], object), np.zeros(2)
WHY = (
    "has dtype object: .npy files, alone, in a folder or in a .npz file, hold strings and other Python objects only as "
    "pickles, which are unsafe to load; choose a .h5 or .zarr path for strings, and give numbers a dtype of numbers, "
    "np.asarray(x, 'float64')"
)


def test_arrays_refused_for_one_reason_are_named_together(tmp_path):
    with fails(t2n.FormatError, f"array 'a' {WHY}; so it is with 'c', 'd'"):
        t2n.save({"a": TEXT, "b": NUMBERS, "c": TEXT, "d": TEXT}, tmp_path / "x.npz")
    assert list(tmp_path.iterdir()) == []


def test_one_refused_array_is_all_that_is_said(tmp_path):
    with fails(t2n.FormatError, f"array 'c' {WHY}"):
        t2n.save({"b": NUMBERS, "c": TEXT}, tmp_path / "x", format="dir")


def test_each_reason_has_a_line(tmp_path):
    value = {"a": TEXT, "b\0": NUMBERS, "c\0": NUMBERS, "d": NUMBERS}
    with fails(
        t2n.FormatError,
        f"array 'a' {WHY}\nthe name 'b\\x00' has a NUL character, which .npz files cannot hold; rename the array; so "
        "it is with 'c\\x00'",
    ):
        t2n.save(value, tmp_path / "x.npz")


def test_of_very_many_some_are_named(tmp_path):
    value = {f"{i:03}": TEXT for i in range(60)}
    names = ", ".join(repr(f"{i:03}") for i in range(1, 51))
    with fails(t2n.FormatError, f"array '000' {WHY}; so it is with {names} and 9 more"):
        t2n.save(value, tmp_path / "x.npz")


@pytest.mark.parametrize(("suffix", "what"), [(".h5", "HDF5 file"), (".zarr", "Zarr group")])
def test_names_in_each_others_way(tmp_path, suffix, what):
    with fails(
        t2n.FormatError,
        f"the names 'a' and 'a/b' cannot be in one {what}: 'a' would be both an array and the group of another; rename "
        "one of them",
    ):
        t2n.save({"a": NUMBERS, "a/b": NUMBERS}, tmp_path / f"x{suffix}")


def test_several_arrays_in_a_file_for_one(tmp_path):
    with fails(t2n.FormatError, "a .npy file holds exactly one array, found 'a', 'b'; choose a .h5 path for several"):
        t2n.save({"a": NUMBERS, "b": NUMBERS}, tmp_path / "x.npy")


def test_every_reason_of_a_format_with_chunks(tmp_path):
    value = {"a": np.array(["x"]), "b": np.zeros(()), "c": np.array(["y"])}
    with fails(
        t2n.FormatError,
        "array 'a': its elements are text, <U1, which this format cannot hold; encode it to bytes, np.char.encode(x), "
        "or leave out dtype=str where it was decoded; so it is with 'c'",
    ):
        t2n.save(value, tmp_path / "x.h5", chunks=(1,))
