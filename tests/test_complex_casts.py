"""A cast from complex to real numbers would lose half of them, so it is refused before anything is done."""

import numpy as np
import pytest

import tf2numpy as t2n
from conformance.kind import fails

REMEDY = "take the real parts first, tf.math.real(x) or x.real, or give a complex dtype"
REAL = ["float32", "float64", "float16", "bfloat16", "float8_e5m2", "int8", "int64", "uint16"]


def message(what, dtype="float32"):
    return f"dtype={dtype} would drop the imaginary parts of {what}; {REMEDY}"


def values(tf):
    z = tf.constant([[1 + 2j, 3.0], [4.0, 5j]], tf.complex64)
    module = tf.Module()
    module.part = [tf.Variable(1.0), tf.Variable(z)]
    return {
        "tensor": (z, "this tensor's complex64"),
        "variable": (tf.Variable(tf.cast(z, tf.complex128)), "this variable's complex128"),
        "array": (z.numpy(), "this numpy's complex64"),
        "structure": ({"a": tf.constant(1.0), "b": [z]}, "array 'b/0' of this structure, complex64"),
        "ragged": (tf.RaggedTensor.from_row_splits(z, [0, 2]), "array 'values' of this ragged tensor, complex64"),
        "sparse": (tf.sparse.from_dense(z), "array 'values' of this sparse tensor, complex64"),
        "module": (module, "array 'part/1' of this module variables, complex64"),
        "dataset": (tf.data.Dataset.from_tensor_slices(z), "this dataset's complex64"),
        "elements": (tf.data.Dataset.from_tensor_slices({"z": z}), "array 'z' of this dataset, complex64"),
    }


NAMES = ["tensor", "variable", "array", "structure", "ragged", "sparse", "module", "dataset", "elements"]


@pytest.mark.parametrize("name", NAMES)
def test_no_cast_to_real_numbers(tf, tmp_path, name):
    value, what = values(tf)[name]
    with fails(t2n.InvalidArgument, message(what)):
        t2n.to_numpy(value, dtype="float32")
    for path in ("x.h5", "x.npy"):
        with fails(t2n.InvalidArgument, message(what)):
            t2n.save(value, tmp_path / path, dtype=tf.float32)
        with fails(t2n.InvalidArgument, message(what)):
            t2n.to_numpy(value, spill=tmp_path / path, dtype=np.float32)
    assert list(tmp_path.iterdir()) == []


def test_a_python_number_that_would_be_written(tmp_path):
    with fails(t2n.InvalidArgument, message("array 'z' of this structure, complex128")):
        t2n.save({"z": 3j, "x": np.ones(2)}, tmp_path / "x.h5", dtype="float32")


@pytest.mark.parametrize("dtype", REAL)
def test_no_cast_to_any_real_dtype(dtype):
    with fails(t2n.InvalidArgument, message("this numpy's complex128", dtype)):
        t2n.to_numpy(np.zeros(2, complex), dtype=dtype)


def test_the_buffer_to_fill_is_not_touched(tf):
    out = np.full(2, 7, "f4")
    with fails(t2n.InvalidArgument, message("this tensor's complex64")):
        t2n.to_numpy(tf.constant([1j, 2j], tf.complex64), dtype="float32", out=out)
    assert out.tolist() == [7, 7]


def test_a_dataset_is_not_read(tf):
    def rows():
        raise AssertionError("read")
        yield

    dataset = tf.data.Dataset.from_generator(rows, output_signature=tf.TensorSpec([2], tf.complex64))
    with fails(t2n.InvalidArgument, message("this dataset's complex64")):
        t2n.to_numpy(dataset, dtype="float32")


def test_casts_that_lose_no_part(tf, tmp_path):
    z = tf.constant([0j, 1j, 2.0], tf.complex64)
    assert t2n.to_numpy(z, dtype="complex128").tolist() == [0, 1j, 2]
    assert t2n.to_numpy(z, dtype="complex64").dtype == "c8"
    assert t2n.to_numpy(z, dtype=bool).tolist() == [False, True, True]  # a number is true if either part is
    assert t2n.to_numpy([1.5, tf.constant(2)], dtype="complex64")[1] == 2
    assert np.load(t2n.save(z, tmp_path / "z.npy", dtype="complex128")).tolist() == [0, 1j, 2]
    assert t2n.to_numpy(tf.math.real(z), dtype="float64").tolist() == [0, 0, 2]
