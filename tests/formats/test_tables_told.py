"""What is noted of the columns of Parquet and Arrow files beside their types, and notes that do not fit."""

import json

import numpy as np
import pytest

import tf2numpy as t2n
from conformance.arrays import assert_same

from .table_files import SUFFIXES, opened, read, write

pa = pytest.importorskip("pyarrow")


METADATA = {
    "no JSON": (b"{", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
    "other keys": (b'{"a":1}', "b'{\"a\":1}' is no object of the keys that are known"),
    "other types": (b'{"dtype":1}', "b'{\"dtype\":1}' has values of other types"),
    "unknown dtype": (b'{"dtype":"O"}', "its metadata tells O, and its type is int64"),
    "unfit dtype": (b'{"dtype":"bfloat16"}', "its metadata tells bfloat16, and its type is int64"),
    "unfit shape": (b'{"shape":[2]}', "its metadata tells values of the shape [2], and its type is int64"),
}


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(("text", "why"), METADATA.values(), ids=METADATA)
def test_metadata_that_contradicts(tmp_path, suffix, text, why):
    schema = pa.schema([pa.field("x", pa.int64(), metadata={b"tf2numpy": text})])
    path = write(tmp_path / f"x{suffix}", pa.table([pa.array([1])], schema=schema))
    with pytest.raises(t2n.FormatError) as caught:
        t2n.open(path)
    assert str(caught.value) == f"the column 'x' of {str(path)!r} cannot be read: {why}"


SHAPES = {
    "too many axes": (b'{"shape":[%s1]}' % (b"1," * 99), pa.array([1, 2])),
    "no elements, too many axes": (b'{"dtype":"<f8","shape":[%s0]}' % (b"1," * 99), pa.array([True, False])),
    "too large": (b'{"dtype":"<f8","shape":[0,4611686018427387904,2]}', pa.array([True, False])),
}


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(("text", "column"), SHAPES.values(), ids=SHAPES)
def test_shapes_that_no_array_has(tmp_path, suffix, text, column):
    schema = pa.schema([pa.field("x", column.type, metadata={b"tf2numpy": text})])
    path = write(tmp_path / f"x{suffix}", pa.table([column], schema=schema))
    with pytest.raises(ValueError, match="array") as found:
        np.empty((0, *json.loads(text)["shape"]))
    with pytest.raises(t2n.FormatError) as caught:
        t2n.open(path)
    assert str(caught.value) == (
        f"the column 'x' of {str(path)!r} cannot be read: its rows are of a shape that no array of NumPy's has: "
        f"{found.value}"
    )


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_names_that_are_no_text(tmp_path, suffix):
    table = pa.table({"other": [1], "column": [2]})
    path = write(tmp_path / f"x{suffix}", table, **({"store_schema": False} if suffix == ".parquet" else {}))
    path.write_bytes(path.read_bytes().replace(b"column", b"c\xfflumn"))
    with pytest.raises(t2n.FormatError) as caught:
        t2n.open(path)
    what = f"{str(path)!r}, a Parquet file," if suffix == ".parquet" else f"the schema of {str(path)!r}"
    assert str(caught.value) == (
        f"{what} cannot be read: 'utf-8' codec can't decode byte 0xff in position 1: invalid start byte"
    )


MISSING_VECTORS = {
    "x": np.array([[1, 2], [0, 0], [5, 6]], "i2"),
    "x/missing": np.array([False, True, False]),
    "c": np.array([1 + 2j, 3, 0]),
    "c/missing": np.array([False, False, True]),
    "s": np.array([[[b"a", b""]], [[b"", b"b"]], [[b"", b""]]], object),
    "s/missing": np.array([False, False, True]),
    "t": t2n.RaggedArray(np.array([[1.5, 2], [0, 0]]), np.array([0, 2, 2, 2])),
    "t/missing": np.array([False, True, False]),
    "t/values/missing": np.array([False, True]),
}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_vectors_that_are_missing(tmp_path, suffix):
    """In Parquet they are lists: only the newest pyarrow can read nulls among lists of fixed size, or write them."""
    path = t2n.save(MISSING_VECTORS, tmp_path / f"x{suffix}", verify=True)
    table = read(path)
    assert table.to_pydict() == {
        "x": [[1, 2], None, [5, 6]],
        "c": [[1, 2], [3, 0], None],
        "s": [[b"a", b""], [b"", b"b"], None],
        "t": [[[1.5, 2], None], None, []],
    }
    is_listed = pa.types.is_large_list(table.schema.field("x").type)
    assert is_listed == (suffix == ".parquet")
    arrays, _ = opened(path)
    for name in ("x", "x/missing", "c", "c/missing", "s", "s/missing", "t/missing", "t/values/missing"):
        assert_same(arrays[name], MISSING_VECTORS[name])
    assert_same(arrays["t/values"], MISSING_VECTORS["t"].values)
    with t2n.open(path) as file:
        assert file["s"][1:].tolist() == MISSING_VECTORS["s"][1:].tolist()
        assert file["t/values"][1:].tolist() == [[0, 0]]


LISTED = {
    "no list": (
        pa.array([1]),
        {"shape": [1], "listed": 1},
        "its metadata tells values of the shape [1], and its type is int64",
    ),
    "another shape": (
        pa.array([[1, 2]], pa.large_list(pa.int8())),
        {"shape": [3], "listed": 2},
        "its metadata tells values of the shape [3], and its type is large_list<item: int8>",
    ),
    "no number": (
        pa.array([[1]], pa.large_list(pa.int8())),
        {"listed": "1"},
        'b\'{"listed": "1"}\' has values of other types',
    ),
}


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(("column", "told", "why"), LISTED.values(), ids=LISTED)
def test_lists_that_are_no_values_of_fixed_size(tmp_path, suffix, column, told, why):
    schema = pa.schema([pa.field("x", column.type, metadata={b"tf2numpy": json.dumps(told).encode()})])
    path = write(tmp_path / f"x{suffix}", pa.table([column], schema=schema))
    with pytest.raises(t2n.FormatError) as caught:
        t2n.open(path)
    found = str(caught.value).replace("element:", "item:")  # as Parquet calls it
    assert found == f"the column 'x' of {str(path)!r} cannot be read: {why}"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_listed_value_of_another_size(tmp_path, suffix):
    told = {b"tf2numpy": json.dumps({"shape": [2], "listed": 2}).encode()}
    schema = pa.schema([pa.field("x", pa.large_list(pa.int8()), metadata=told)])
    path = write(tmp_path / f"x{suffix}", pa.table([pa.array([[1, 2], [3]], pa.large_list(pa.int8()))], schema=schema))
    with t2n.open(path) as file, pytest.raises(t2n.FormatError) as caught:
        file["x"][:]
    assert str(caught.value) == (
        f"the column 'x' of {str(path)!r} cannot be read: ListType can only be casted to FixedSizeListType if the "
        "lists are all the expected size."
    )


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("text", ["abcd", "ab\0"])
def test_text_that_was_changed_to_what_its_dtype_cannot_hold(tmp_path, suffix, text):
    path = t2n.save({"x": np.array(["abc", "de"])}, tmp_path / f"x{suffix}")
    write(path, pa.table([pa.array(["a", text], pa.large_string())], schema=read(path).schema))
    with t2n.open(path) as file, pytest.raises(t2n.FormatError) as caught:
        file["x"][:]
    assert str(caught.value) == (
        f"the column 'x' of {str(path)!r} cannot be read: its metadata tells <U3, which cannot hold {text!r}; it was "
        "changed since"
    )


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_text_that_is_none(tmp_path, suffix):
    path = t2n.save({"x": np.array(["abc", "de"])}, tmp_path / f"x{suffix}")
    buffers = [None, pa.py_buffer(np.array([0, 1, 3])), pa.py_buffer(b"a\xff\xfe")]
    column = pa.Array.from_buffers(pa.large_string(), 2, buffers)
    write(path, pa.table([column], schema=read(path).schema))
    with t2n.open(path) as file, pytest.raises(t2n.FormatError) as caught:
        file["x"][:]
    assert str(caught.value).startswith(f"the column 'x' of {str(path)!r} cannot be read: ")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_text_of_any_length_is_text_to_others_and_bytes_here(tmp_path, suffix):
    strings = getattr(np.dtypes, "StringDType", None)
    if strings is None:
        pytest.skip("this NumPy has no StringDType")
    text = np.array([["a", "é\0"], ["", "x" * 100]], strings())
    ragged = t2n.RaggedArray(text.reshape(-1), np.array([0, 3, 4]))
    path = t2n.save({"x": text, "t": ragged}, tmp_path / f"x{suffix}", verify=True)
    assert read(path).to_pydict() == {
        "x": [["a", "é\0"], ["", "x" * 100]],
        "t": [["a", "é\0", ""], ["x" * 100]],
    }
    arrays, left_out = opened(path)
    assert left_out == {}
    assert_same(arrays["x"], np.array([[b"a", "é\0".encode()], [b"", b"x" * 100]], object))
    assert_same(arrays["t/values"], arrays["x"].reshape(-1))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_nulls_that_nothing_told_of(tmp_path, suffix):
    told = {b"tf2numpy": json.dumps({"missing": [1]}).encode()}
    schema = pa.schema([pa.field("x", pa.list_(pa.int64()), metadata=told)])
    path = write(tmp_path / f"x{suffix}", pa.table([pa.array([[1], None])], schema=schema))
    with t2n.open(path) as file, pytest.raises(t2n.FormatError) as caught:
        file["x/row_splits"][:]
    assert str(caught.value) == (
        f"the column 'x' of {str(path)!r} cannot be read: some rows are null, and what is said of them tells none"
    )
