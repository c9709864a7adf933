"""What `save` holds beside the value itself, as Python's own allocator counts it: never more than max_bytes."""

import gc
import tracemalloc

import h5py
import numpy as np
import pytest

import tf2numpy as t2n

MIB = 1 << 20


def floats(tf):
    return tf.random.stateless_uniform([2 * MIB], [1, 2])


def halves(tf):
    return tf.cast(floats(tf), tf.bfloat16)


def text(tf):
    return tf.strings.as_string(tf.range(100_000) * 1000)


def rows(tf):
    return tf.data.Dataset.from_tensor_slices(tf.reshape(floats(tf), [-1, 64]))


@pytest.mark.parametrize(
    ("make", "dtype"),
    [(floats, None), (floats, "float64"), (floats, "float16"), (halves, "float64"), (text, None), (rows, "float64")],
)
@pytest.mark.parametrize("max_bytes", [MIB, 2 * MIB])
def test_pieces_keep_to_max_bytes(tf, tmp_path, make, dtype, max_bytes):
    value, path = make(tf), tmp_path / "x.h5"
    t2n.save(value, tmp_path / "first.h5", dtype=dtype)  # what is imported once is not the pieces'
    gc.collect()
    tracemalloc.start()
    try:
        t2n.save(value, path, dtype=dtype, max_bytes=max_bytes)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak <= max_bytes + 200 * 1024  # the interpreter's own small objects
    with h5py.File(path) as file:
        assert file["data"].size == (100_000 if make is text else 2 * MIB)
        if dtype is not None:
            assert file["data"].dtype == np.dtype(dtype)
