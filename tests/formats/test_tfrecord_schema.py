"""TFRecords with a schema: shapes, dtypes and defaults as declared, as TensorFlow parses them; and what is refused."""

import numpy as np
import pytest

import tf2numpy as t2n
from conformance.kind import fails

from .example_files import GOLDEN, flat, plain, row, sequence, written

NAN = float("nan")
CASES = {
    "a scalar": ([row(x=[1]), row(x=[2])], ((), "uint8"), [1, 2], np.uint8),
    "a matrix": ([row(x=[1.0, 2.0, 3.0, 4.0])] * 2, ((2, 2), "float32"), [[[1, 2], [3, 4]]] * 2, np.float32),
    "one value with an axis": ([row(x=[1])] * 2, ((1,), "int64"), [[1], [1]], np.int64),
    "a default": ([row(x=[1]), row(), row(x=None)], t2n.Values((), "int64", 7), [1, 7, 7], np.int64),
    "a default of a shape": (
        [row(), row(x=[1.0, 2.0])],
        t2n.Values((2,), "float32", [8, 9]),
        [[8, 9], [1, 2]],
        np.float32,
    ),
    "of any size": ([row(x=[1]), row(), row(x=[2, 3])], ((None,), "int32"), [[1], [], [2, 3]], np.int32),
    "of any size, a default": ([row(x=[1]), row()], t2n.Values((None,), "int64", 5), [[1], [5]], np.int64),
    "rows of any size": (
        [row(x=[1, 2]), row(x=[3, 4, 5, 6])],
        ((None, 2), "int64"),
        [[[1, 2]], [[3, 4], [5, 6]]],
        np.int64,
    ),
    "bool": ([row(x=[1]), row(x=[0])], ((), bool), [True, False], np.bool_),
    "half the bits": ([row(x=[1.5])], ((), "float16"), [1.5], np.float16),
    "NaN fits": ([row(x=[float("inf")])], ((), "float16"), [float("inf")], np.float16),
    "bytes": ([row(x=[b"a\0"])], t2n.Bytes, [b"a\0"], object),
    "bytes by default": ([row(), row(x=[b"a"])], t2n.Values((), bytes, b"?"), [b"?", b"a"], object),
    "words": ([row(x=[b"a"]), row(x=[b"b", b"c"])], t2n.Bytes((None,)), [[b"a"], [b"b", b"c"]], object),
    "raw": ([row(x=[b"\1\0\2\0"])] * 2, t2n.Raw("uint16", (2,)), [[1, 2]] * 2, np.uint16),
    "raw, high byte first": ([row(x=[b"\1\0\2\0"])], t2n.Raw(">u2", (1, 2)), [[[256, 512]]], np.uint16),
    "raw of any size": ([row(x=[b"ab"]), row(x=[b"c"])], t2n.Raw("uint8", (None,)), [[97, 98], [99]], np.uint8),
    "a list": (
        [sequence({}, x=[[1, 2], [3, 4]]), sequence({}, x=[])],
        ((None, 2), "int64"),
        [[[1, 2], [3, 4]], []],
        np.int64,
    ),
    "no rows": ([], ((2,), "int64"), [], np.int64),
    "no rows of any size": ([], ((None,), "int64"), [], np.int64),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_declared_is_given(tmp_path, case):
    rows, what, wanted, dtype = CASES[case]
    path = written(tmp_path / "x.tfrecord", *rows)
    file = t2n.open(path, schema={"x": what})
    found = t2n.to_numpy(file)
    assert plain(found) == {"x": wanted}
    assert found["x"].dtype == dtype
    for chunk in t2n.iter_chunks(t2n.open(path, schema={"x": what})):
        assert plain(chunk.value) == {"x": wanted}
    saved = t2n.save(t2n.open(path, schema={"x": what}), tmp_path / "x.h5")
    for other in (flat(t2n.open(saved)), flat(t2n.open(path, schema={"x": what}))):
        whole = other["x"] if "x" in other else t2n.RaggedArray(other["x/values"], other["x/row_splits"])
        assert plain({"x": whole}) == {"x": wanted}


WRONG = {
    "2 values, and 1 is declared": ([[1], [2, 3]], ((1,), "int64")),
    "1 values, and a multiple of 2 are declared": ([[1, 2], [2]], ((None, 2), "int64")),
    "the value 256, which is no uint8; declare it as int64": ([[1], [256]], ((), "uint8")),
    "the value -1, which is no uint64; declare it as int64": ([[1], [-1]], ((), "uint64")),
    "the value 1000000.0, which is no float16; declare it as float32": ([[1.0], [1e6]], ((), "float16")),
    "3 bytes, and one uint16 takes 2": ([[b"ab"], [b"abc"]], t2n.Raw("uint16", (None,))),
}


@pytest.mark.parametrize("wanted", WRONG)
def test_what_is_not_as_declared(tmp_path, wanted):
    rows, what = WRONG[wanted]
    path = written(tmp_path / "x", *(row(x=values) for values in rows))
    with fails(t2n.FormatError, f"the record 1 of {str(path)!r}: the feature 'x' has {wanted}"):
        t2n.to_numpy(t2n.open(path, schema={"x": what}))


def test_what_is_missing_without_a_default(tmp_path):
    path = written(tmp_path / "x", row(x=[1]), row())
    with fails(
        t2n.FormatError,
        f"the record 1 of {str(path)!r} has no feature 'x', which is declared without a default; declare one, or the "
        "shape (None,)",
    ):
        t2n.to_numpy(t2n.open(path, schema={"x": ((), "int64")}))


@pytest.mark.parametrize("way", [t2n.to_numpy, lambda file: list(t2n.iter_chunks(file)), lambda file: file["lable"][0]])
def test_a_name_that_is_misspelt(tmp_path, way):
    path = written(tmp_path / "x", row(label=[1], n=[2]), row(label=[1], n=[2]))
    with fails(
        t2n.FormatError,
        f"the record 0 of {str(path)!r} has no feature 'lable', which is declared without a default; declare one, or "
        "the shape (None,); near it are 'label'",
    ):
        way(t2n.open(path, schema={"lable": ((), "int64")}))


def test_near_names_are_not_shown_for_one_that_other_records_have(tmp_path):
    path = written(tmp_path / "x", row(label=[1], labels=[2]), row(labels=[2]))
    with fails(
        t2n.FormatError,
        f"the record 1 of {str(path)!r} has no feature 'label', which is declared without a default; declare one, or "
        "the shape (None,)",
    ):
        t2n.to_numpy(t2n.open(path, schema={"label": ((), "int64")}))


def test_records_that_were_passed_over_are_counted(tmp_path):
    path = written(tmp_path / "x", row(x=[1]), b"\xff", row(x=[2, 2]))
    with pytest.raises(t2n.FormatError, match=r"^the record 2 of .* has 2 values"):
        t2n.to_numpy(t2n.open(path, schema={"x": ((), "int64")}, on_corrupt="skip"))


def test_values_of_another_kind(tmp_path):
    path = written(tmp_path / "x", row(x=[1.5]))
    with fails(
        t2n.FormatError,
        f"{str(path)!r} cannot be read at offset 0: the feature 'x' of the record 0 holds float values (at its byte "
        "9), and its column holds int64 values",
    ):
        t2n.to_numpy(t2n.open(path, schema={"x": ((), "int64")}))


def test_what_is_not_declared_is_left_out(tmp_path):
    path = written(tmp_path / "x", row(x=[1], y=[2], z=[b"a"]))
    file = t2n.open(path, schema={"x": ((), "int64"), "y": ((), "int64")})
    assert dict(file.left_out) == {"z": "the schema does not declare it"}
    assert list(t2n.to_numpy(t2n.open(path, schema={"x": ((), "int64"), "y": ((), "int64")}, select="y"))) == ["y"]


def test_a_schema_of_records_that_are_bytes(tmp_path):
    path = written(tmp_path / "x", b"\xff")
    with fails(
        t2n.InvalidArgument,
        f"schema= declares features, and the records of {str(path)!r} are bytes; leave schema out",
    ):
        t2n.open(path, schema={"x": t2n.Bytes})


def test_specifications_of_tensorflow(tf):
    path = str(GOLDEN / "examples-none.tfrecord")
    schema = {
        "one": tf.io.FixedLenFeature([], tf.int64),
        "vector": tf.io.FixedLenFeature([3], tf.float32),
        "missing": tf.io.FixedLenFeature([], tf.int64, default_value=-1),
        "ragged": tf.io.RaggedFeature(tf.float32),
        "words": tf.io.FixedLenSequenceFeature([], tf.string, allow_missing=True),
    }
    found = t2n.to_numpy(t2n.open(path, schema=schema))
    wanted = tf.io.parse_example(list(tf.data.TFRecordDataset(path)), schema)
    for name in ("one", "vector", "missing"):
        np.testing.assert_array_equal(found[name], wanted[name].numpy())
        assert found[name].dtype == wanted[name].numpy().dtype
    assert found["ragged"].to_list() == wanted["ragged"].to_list()
    np.testing.assert_array_equal(found["words"].to_padded(), wanted["words"].numpy())


def test_empty_lists_and_defaults_as_tensorflow_has_them(tf, tmp_path):
    empty, unset = ("int64", []), None
    one, two = tf.io.FixedLenFeature([], tf.int64, 7), tf.io.FixedLenFeature([2], tf.int64, [7, 8])
    none, nothing = tf.io.FixedLenFeature([], tf.int64), tf.io.FixedLenFeature([0], tf.int64)
    for number, spec in enumerate((one, two, none, nothing)):
        for features in ({}, {"x": empty}, {"x": unset}):
            record = row(**features)
            path = written(tmp_path / f"x{number}{len(record)}", record)
            try:
                wanted = tf.io.parse_example([record], {"x": spec})["x"].numpy().tolist()
            except tf.errors.InvalidArgumentError:
                with pytest.raises(t2n.FormatError, match=r"(has no feature 'x'|has 0 values)"):
                    t2n.to_numpy(t2n.open(path, schema={"x": spec}))
                continue
            assert t2n.to_numpy(t2n.open(path, schema={"x": spec}))["x"].tolist() == wanted
    spec = tf.io.FixedLenSequenceFeature([], tf.int64, allow_missing=True, default_value=7)
    records = [row(), row(x=empty), row(x=[1, 2])]
    found = t2n.to_numpy(t2n.open(written(tmp_path / "x", *records), schema={"x": spec}))["x"]
    assert found.to_list() == [tf.io.parse_single_example(one, {"x": spec})["x"].numpy().tolist() for one in records]
    assert found.to_padded(7).tolist() == tf.io.parse_example(records, {"x": spec})["x"].numpy().tolist()


def test_features_that_would_become_one_array(tmp_path):
    path = written(tmp_path / "x", row(x=[1]))
    schema = {"x": ((None,), "int64"), "x/values": ((), "int64")}
    with fails(
        t2n.InvalidArgument,
        "schema: the features 'x' and 'x/values' both become an array 'x/values'; leave one of them out",
    ):
        t2n.open(path, schema=schema)
