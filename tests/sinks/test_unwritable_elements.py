"""Elements that a file cannot hold: the message names their type, and what to give instead works."""

from decimal import Decimal
from fractions import Fraction

import h5py
import numpy as np
import pytest

import tf2numpy as t2n
from conformance.kind import fails

PICKLES = (
    "array {!r} has dtype {}: .npy files, alone, in a folder or in a .npz file, hold strings and other Python objects "
    "only as pickles, which are unsafe to load; choose a .h5 or .zarr path for strings, and give numbers a dtype of "
    "numbers, np.asarray(x, 'float64')"
)
TEXT = (
    "array {!r}: its elements are text, {}, which this format cannot hold; encode it to bytes, np.char.encode(x), "
    "or leave out dtype=str where it was decoded"
)
NOT_BYTES = "array {!r}: the element{} is {}, and only bytes can be written; {}"
NUMBERS = "give numbers a dtype of numbers, np.asarray(x, 'float64')"
ENCODE = "encode text first, element.encode()"
OTHERS = "give bytes in its place, or leave this array out"


@pytest.mark.parametrize(
    ("value", "name", "place", "found", "remedy"),
    [
        ({"a": 10**30}, "a", "", "int", NUMBERS),
        ({"a": -(2**63) - 1}, "a", "", "int", NUMBERS),
        (np.array([b"a", 1.5], object), "data", " at [1]", "float", NUMBERS),
        (Decimal("1.5"), "data", "", "Decimal", NUMBERS),
        (Fraction(1, 3), "data", "", "Fraction", NUMBERS),
        (np.array([[b"a", "b"]], object), "data", " at [0, 1]", "str", ENCODE),
        (np.array(["a"], object), "data", " at [0]", "str", ENCODE),
        (np.array([b"a", None], object), "data", " at [1]", "NoneType", OTHERS),
        (np.array([[1], None], object), "data", " at [0]", "list", OTHERS),
    ],
)
def test_objects_that_are_not_bytes(tmp_path, value, name, place, found, remedy):
    with fails(t2n.FormatError, NOT_BYTES.format(name, place, found, remedy)):
        t2n.save(value, tmp_path / "x.h5")
    with fails(t2n.FormatError, PICKLES.format(name, "object")):
        t2n.save(value, tmp_path / "x.npy")
    assert list(tmp_path.iterdir()) == []


def test_structures_of_objects(tmp_path):
    with fails(t2n.FormatError, PICKLES.format("data", "[('a', 'O')]")):
        t2n.save(np.zeros(2, [("a", object)]), tmp_path / "x.npy")


def text(*elements):
    string_dtype = getattr(np.dtypes, "StringDType", None)
    if string_dtype is None:
        pytest.skip("this NumPy has no StringDType")
    return np.array(elements, string_dtype())


@pytest.mark.parametrize("path", ["x.h5", "x.npy", "x.npz", "x.zarr"])
def test_numpys_variable_length_text(tmp_path, path):
    for name, value in (("data", text("a", "é")), ("b", {"b": text()})):
        with fails(t2n.FormatError, TEXT.format(name, "StringDType()")):
            t2n.save(value, tmp_path / path)
    assert list(tmp_path.iterdir()) == []


def test_numpys_fixed_length_text(tmp_path):
    with fails(t2n.FormatError, TEXT.format("data", "<U2")):
        t2n.save(np.array(["ab"]), tmp_path / "x.h5")
    assert np.load(t2n.save(np.array(["ab"]), tmp_path / "x.npy")).tolist() == ["ab"]


def test_the_remedy_for_text(tmp_path):
    for array in (np.array(["ab", "é"]), text("ab", "é")):
        encoded = np.char.encode(array)
        assert np.load(t2n.save(encoded, tmp_path / "x.npy", overwrite=True)).tolist() == [b"ab", "é".encode()]
        with h5py.File(t2n.save(encoded, tmp_path / "x.h5", overwrite=True)) as file:
            assert file["data"][()].tolist() == [b"ab", "é".encode()]


def test_the_remedy_for_numbers(tmp_path):
    number = np.asarray(10**30, "float64")
    assert np.load(t2n.save({"a": number}, tmp_path / "x.npy")) == 1e30
    with h5py.File(t2n.save({"a": number}, tmp_path / "x.h5")) as file:
        assert file["a"][()] == 1e30


def test_decoded_strings_of_a_tensor(tf, tmp_path):
    strings = tf.constant(["a", "é"])
    decoded = t2n.to_numpy(strings, dtype=str)
    if decoded.dtype == object:  # NumPy 1
        with fails(t2n.FormatError, NOT_BYTES.format("data", " at [0]", "str", ENCODE)):
            t2n.save(decoded, tmp_path / "x.h5")
    else:
        with fails(t2n.FormatError, TEXT.format("data", "StringDType()")):
            t2n.save(decoded, tmp_path / "x.h5")
    assert t2n.save(t2n.to_numpy(strings), tmp_path / "x.h5").exists()
