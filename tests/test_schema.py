"""What can be declared of features, and what is said of anything else."""

from collections import namedtuple

import numpy as np
import pytest

import tf2numpy as t2n
from tf2numpy._schema import Declared, declared

OBJECT = np.dtype(object)


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        (t2n.Bytes, Declared("x", "bytes", "values", (), OBJECT)),
        (t2n.Bytes((None,)), Declared("x", "bytes", "values", (None,), OBJECT)),
        (((16,), "float32"), Declared("x", "float32", "values", (16,), np.dtype("f4"))),
        (((None, 2), np.uint8), Declared("x", "int64", "values", (None, 2), np.dtype("u1"))),
        (((-1,), bytes), Declared("x", "bytes", "values", (None,), OBJECT)),
        (((), "string"), Declared("x", "bytes", "values", (), OBJECT)),
        (((), bool), Declared("x", "int64", "values", (), np.dtype(bool))),
        (t2n.Raw("uint16", (4, 4)), Declared("x", "bytes", "raw", (4, 4), np.dtype("u2"))),
        (t2n.Raw(">f4", (None,)), Declared("x", "bytes", "raw", (None,), np.dtype(">f4"))),
        (t2n.Image, Declared("x", "bytes", "image", (None, None, 3), np.dtype("u1"))),
        (t2n.Image((8, 9, 0)), Declared("x", "bytes", "image", (8, 9, None), np.dtype("u1"))),
        (t2n.Image((8, 9, 1), "uint16"), Declared("x", "bytes", "image", (8, 9, 1), np.dtype("u2"))),
    ],
)
def test_what_can_be_declared(what, expected):
    assert declared({"x": what}) == {"x": expected}


def test_defaults_have_the_shape_of_one_record():
    found = declared({"a": t2n.Values((2,), "uint8", 7), "b": t2n.Values((), bytes, b"?")})
    assert found["a"].default.tolist() == [7, 7]
    assert found["a"].default.dtype == np.uint8
    assert found["b"].default.tolist() == b"?"


def test_specifications_of_tensorflow(tf):
    found = declared(
        {
            "a": tf.io.FixedLenFeature([2], tf.int64, [3, 4]),
            "b": tf.io.VarLenFeature(tf.string),
            "c": tf.io.FixedLenSequenceFeature([3], tf.float32, allow_missing=True),
            "d": tf.io.RaggedFeature(tf.float32, value_key="e"),
        }
    )
    assert found["a"].default.tolist() == [3, 4]
    assert [one[:5] for one in found.values()] == [
        ("a", "int64", "values", (2,), np.dtype("i8")),
        ("b", "bytes", "values", (None,), OBJECT),
        ("c", "float32", "values", (None, 3), np.dtype("f4")),
        ("e", "float32", "values", (None,), np.dtype("f4")),
    ]


def test_defaults_of_tensorflow_are_strings(tf):
    found = declared(
        {
            "a": tf.io.FixedLenFeature([], tf.string, default_value=""),
            "b": tf.io.FixedLenFeature([2], tf.string, default_value=["x", "\xfc"]),
        }
    )
    assert found["a"].default.tolist() == b""
    assert found["b"].default.tolist() == [b"x", b"\xc3\xbc"]


def test_small_integers_are_stored_as_integers():
    assert [declared({"x": ((), name)})["x"].stored for name in ("int4", "uint4", "bfloat16")] == [
        "int64",
        "int64",
        "float32",
    ]


SparseFeature = namedtuple("SparseFeature", ["index_key", "value_key", "dtype", "size"])
RaggedFeature = namedtuple("RaggedFeature", ["dtype", "value_key", "partitions"])


@pytest.mark.parametrize(
    ("what", "message"),
    [
        (
            3,
            "3; a feature is t2n.Bytes, t2n.Values(shape, dtype, default), a pair of shape and dtype such as ((16,), "
            "'float32'), t2n.Raw(dtype, shape), t2n.Image(shape, dtype), or one of tf.io's",
        ),
        (((2, None), "f4"), "the shape (2, None); only its first axis can be None"),
        (((2, -3), "f4"), "the shape (2, -3); a shape is a tuple of sizes, of which the first may be None"),
        ((2, "f4"), "the shape 2; a shape is a tuple of sizes, of which the first may be None"),
        (((2,), "c8"), "the dtype 'c8'; records hold numbers that are not complex, and bytes"),
        (((2,), "S3"), "the dtype 'S3'; records hold numbers that are not complex, and bytes"),
        (((2,), "nope"), "the dtype 'nope': data type 'nope' not understood"),
        (((2,), None), "the dtype None; records hold numbers that are not complex, and bytes"),
        (t2n.Raw("V8"), "the dtype 'V8'; records hold numbers that are not complex, and bytes"),
        (((None, 0), "f4"), "the shape (None, 0); nothing tells how many rows of no values there are"),
        (((1,) * 32, "f4"), f"the shape {(1,) * 32}; a record has 31 axes at most, and 1099511627776 values"),
        (
            ((None, 10**30), "f4"),
            f"the shape (None, {10**30}); a record has 31 axes at most, and 1099511627776 values",
        ),
        (
            t2n.Values((2,), "i8", [[1], [2, 3]]),
            "having the default [[1], [2, 3]]: setting an array element with a sequence. The requested array has an "
            "inhomogeneous shape after 1 dimensions. The detected shape was (2,) + inhomogeneous part.",
        ),
        (t2n.Raw(bytes), "Raw of bytes; give the dtype of a number"),
        (t2n.Values((), "u1", 300), "having the default 300, which is not of shape () and uint8"),
        (t2n.Values((2,), "f4", [1, 2, 3]), "having the default [1, 2, 3], which is not of shape (2,) and float32"),
        (t2n.Values((), "i8", 1.5), "having the default 1.5, which is not of shape () and int64"),
        (t2n.Values((), bytes, "x"), "having the default 'x', which is not of shape () and string"),
        (
            t2n.Image((None, None, 5)),
            "Image((None, None, 5), 'uint8'): an image has a height, a width and channels, of which None may be the "
            "height, both sizes, and the channels, else 1 to 4; and the dtype uint8 or uint16",
        ),
        (
            SparseFeature("i", "v", "f4", 3),
            "a SparseFeature; declare its value_key and its index_key as features, each ((None,), dtype)",
        ),
        (
            RaggedFeature("f4", "v", ["p"]),
            "a RaggedFeature with partitions; declare its value_key and its partitions' keys as features",
        ),
    ],
)
def test_what_cannot(what, message):
    with pytest.raises(t2n.InvalidArgument) as caught:
        declared({"x": what})
    assert str(caught.value) == f"schema: the feature 'x' is declared as {message}"


@pytest.mark.parametrize("name", [b"x", 1, "\ud800"])
def test_no_names(name):
    with pytest.raises(t2n.InvalidArgument) as caught:
        declared({name: t2n.Bytes})
    assert str(caught.value) == f"schema: {name!r} is no name of a feature; give a string that UTF-8 can encode"


def test_no_mapping():
    with pytest.raises(t2n.InvalidArgument) as caught:
        declared([1])
    assert str(caught.value) == "schema=[1] is no mapping of feature names; give {'name': ((16,), 'float32')}"
