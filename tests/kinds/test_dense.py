import gc
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tf2numpy as t2n
from conformance.kind import KindSuite, assert_same, fails, random_tensor
from tf2numpy._dtypes import UNSLICEABLE, named

NUMPYS = (
    *("float16", "float32", "float64", "complex64", "complex128", "bool"),
    *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
)
QUANTIZED = {"qint8": "int8", "quint8": "uint8", "qint32": "int32", "qint16": "int16", "quint16": "uint16"}
DTYPES = {**{n: n for n in (*NUMPYS, "bfloat16", *UNSLICEABLE)}, **QUANTIZED}


def dtypes_here(tf):
    """Give those this TensorFlow has, by its name; what it has not, as_dtype refuses."""
    found = {}
    for name, ours in DTYPES.items():
        try:
            tf.as_dtype(name)
        except TypeError:
            continue
        found[name] = named(ours)
    return found


def any_tensor(tf, name, shape):
    """Give a tensor of any dtype, and its bits: those that TensorFlow does not parse are made of NumPy's numbers."""
    if name not in ("qint32", "qint16", "quint16"):
        return random_tensor(tf, name, shape)
    dtype, numbers = tf.as_dtype(name), np.random.default_rng(0).integers(0, 1 << 14, shape).astype(DTYPES[name])
    return tf.constant(numbers.astype(dtype.as_numpy_dtype), dtype), numbers.tobytes()


class TestDense(KindSuite):
    kind = "tensor"

    def values(self, tf):
        shapes = {"float32": (7, 3), "bfloat16": (5, 2, 3), "complex128": (4,), "float8_e5m2": (9, 2), "bool": ()}
        return [random_tensor(tf, name, shape)[0] for name, shape in shapes.items()]

    def large(self, tf):
        return tf.random.uniform([512, 2048])

    def expected(self, tf, value):
        return np.asarray(value.numpy())


class TestOtherLogicalDevice(TestDense):
    device = "CPU:1"

    def values(self, tf):
        with tf.device("CPU:1"):
            return [tf.identity(value) for value in super().values(tf)[:3]]

    def large(self, tf):
        with tf.device("CPU:1"):
            return super().large(tf)


def test_this_tensorflow_has_no_dtype_that_we_do_not_know(tf):
    from tensorflow.python.framework import dtypes

    names = {d.base_dtype.name for d in vars(dtypes).values() if isinstance(d, tf.DType)}
    assert names - set(dtypes_here(tf)) == {"string", "resource", "variant"}


@pytest.mark.parametrize("shape", [(), (1,), (0,), (3, 0, 2), (4, 5), (1, 2) * 5], ids=str)
def test_every_dtype_and_shape_bits_intact(tf, shape):
    for name, dtype in dtypes_here(tf).items():
        tensor, bits = any_tensor(tf, name, shape)
        assert tensor.numpy().tobytes() == bits
        for copy in (True, None, False) * 2:  # the second time may take the short way
            found = t2n.to_numpy(tensor, copy=copy)
            assert type(found) is np.ndarray, name
            assert found.dtype == dtype, name
            assert found.shape == shape
            assert found.tobytes() == bits, name
            assert found.flags.writeable == (copy is True), (name, copy)
            assert found.flags.c_contiguous
        assert b"".join(c.value.tobytes() for c in t2n.iter_chunks(tensor, max_bytes=64)) == bits, name


@settings(max_examples=100)
@given(
    name=st.sampled_from(["uint8", "float32", "bfloat16", "float8_e4m3fn", "complex128"]),
    shape=st.lists(st.integers(0, 6), max_size=4).map(tuple),
    max_bytes=st.integers(32, 600),
)
def test_pieces_cover_the_tensor_exactly_once(tf, name, shape, max_bytes):
    tensor, bits = random_tensor(tf, name, shape)
    whole, seen = np.zeros(shape, named(name)), np.zeros(shape, int)
    for chunk in t2n.iter_chunks(tensor, max_bytes=max_bytes):
        assert chunk.value.nbytes <= max_bytes // 2
        assert chunk.value.flags.writeable
        whole[chunk.index], seen[chunk.index] = chunk.value, seen[chunk.index] + 1
    assert (seen == 1).all()
    assert whole.tobytes() == bits


def test_further_axes_are_cut_where_a_row_is_too_large(tf):
    tensor, _ = random_tensor(tf, "int16", (2, 3, 8))
    chunks = list(t2n.iter_chunks(tensor, max_bytes=20))
    assert [c.index for c in chunks[:3]] == [
        (slice(0, 1), slice(0, 1), slice(0, 5)),
        (slice(0, 1), slice(0, 1), slice(5, 8)),
        (slice(0, 1), slice(1, 2), slice(0, 5)),
    ]
    for chunk in chunks:
        assert_same(chunk.value, tensor.numpy()[chunk.index])


def test_not_even_one_element_fits(tf):
    with fails(t2n.InvalidArgument, "max_bytes leaves 7 B for a piece, less than one element of 8 bytes"):
        list(t2n.iter_chunks(tf.constant([1.0], tf.float64), max_bytes=15))


def test_a_view_keeps_the_memory_alive(tf):
    for name in ("float32", "bfloat16", "qint8"):
        tensor, bits = any_tensor(tf, name, (1000, 100))
        view, part = t2n.to_numpy(tensor, copy=False), t2n.to_numpy(tensor, copy=None)[10:]
        del tensor
        gc.collect()
        filler = [tf.zeros([1000, 100], tf.as_dtype(d)) for d in ("float32", "bfloat16", "uint8") for _ in range(4)]
        assert view.tobytes() == bits
        assert part.tobytes() == bits[-part.nbytes :]
        del filler


@pytest.mark.parametrize("copy", [None, False])
def test_a_view_refuses_writing(tf, copy):
    for name in dtypes_here(tf):
        view = t2n.to_numpy(any_tensor(tf, name, (2, 2))[0], copy=copy)
        with pytest.raises(ValueError, match="read-only"):
            view[0, 0] = view[1, 1]
        with pytest.raises(ValueError, match="read-only"):
            view.fill(0)


def test_results_are_ordinary_arrays(tf):
    for copy in (True, False):
        array = t2n.to_numpy(tf.constant([[1.0, 2.0]]), copy=copy)
        assert_same(pickle.loads(pickle.dumps(array)), array)
        assert np.add(array, 1).tolist() == [[2.0, 3.0]]


@pytest.mark.parametrize("name", UNSLICEABLE)
def test_tensorflow_never_slices_what_it_has_no_kernels_for(tf, name, monkeypatch):
    if name not in dtypes_here(tf):
        assert not hasattr(tf.dtypes, name)
        return
    tensor, bits = random_tensor(tf, name, (8, 3))

    def fail(*arguments):
        raise AssertionError("sliced by TensorFlow")

    monkeypatch.setattr(type(tensor), "__getitem__", fail)
    assert b"".join(c.value.tobytes() for c in t2n.iter_chunks(tensor, max_bytes=12)) == bits
