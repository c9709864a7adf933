import numpy as np
import pytest

import tf2numpy as t2n
from conformance.kind import KindSuite, assert_equal, fails, from_ragged


class TestTensorArray(KindSuite):
    kind = "tensor"

    def values(self, tf):
        return [
            tf.TensorArray(tf.float32, 3).unstack([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]),
            tf.TensorArray(tf.int64, 2, clear_after_read=False).unstack([7, 8]),
        ]

    def large(self, tf):
        return tf.TensorArray(tf.float32, 512).unstack(tf.random.uniform([512, 2048], seed=1))

    def expected(self, tf, value):
        return value.stack().numpy()

    def test_false_gives_a_read_only_view_or_says_why_not(self, cases):
        for value, wanted in cases:
            found = t2n.to_numpy(value, copy=False)
            assert_equal(found, wanted)
            assert not found.flags.writeable


@pytest.mark.parametrize("clear_after_read", [True, False, None])
def test_a_tensor_array_can_still_be_read(tf, clear_after_read):
    array = tf.TensorArray(tf.float32, 2, clear_after_read=clear_after_read).unstack([[1.0, 2.0], [3.0, 4.0]])
    first, second = t2n.to_numpy(array), t2n.to_numpy(array)
    assert first.tolist() == second.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    t2n.plan(array)
    assert [array.read(i).numpy().tolist() for i in range(2)] == [[1.0, 2.0], [3.0, 4.0]]


def test_strings_and_none_at_all(tf):
    assert t2n.to_numpy(tf.TensorArray(tf.string, 2).unstack(["a", "bc"])).tolist() == [b"a", b"bc"]
    assert t2n.to_numpy(tf.TensorArray(tf.float32, 0, element_shape=[3])).shape == (0, 3)


def written(array, *values):
    """Write the elements without the wrapper that write() returns, which has a test of its own."""
    for number, value in enumerate(values):
        if value is not None:
            array.write(number, value).mark_used()
    return array


def test_what_write_returns(tf):
    array = tf.TensorArray(tf.float32, 2).write(0, [1.0]).write(1, [2.0])
    assert t2n.to_numpy(array).tolist() == t2n.to_numpy(array).tolist() == [[1.0], [2.0]]


def test_elements_of_different_shape(tf):
    array = written(tf.TensorArray(tf.float32, 2, infer_shape=False), [1.0], [1.0, 2.0])
    with fails(
        t2n.UnsupportedKind,
        "the 2 elements of this TensorArray differ in shape and cannot be stacked; "
        "convert them one by one: [to_numpy(a.read(i)) for i in range(a.size())]",
    ):
        t2n.to_numpy(array)
    assert [t2n.to_numpy(array.read(i)).tolist() for i in range(array.size())] == [[1.0], [1.0, 2.0]]


def test_elements_that_reading_cleared(tf):
    array = tf.TensorArray(tf.float32, 3, element_shape=[2]).unstack(tf.ones([3, 2]))
    array.read(1)
    message = (
        "element 1 of this TensorArray was read before, which cleared it; "
        "make the TensorArray with clear_after_read=False"
    )
    with fails(t2n.UnsupportedKind, message):
        t2n.to_numpy(array)
    with fails(t2n.UnsupportedKind, f"at x['state'][0]: {message}"):
        t2n.to_numpy({"state": [array]})
    written(array, None, [5.0, 5.0])
    assert t2n.to_numpy(array).tolist() == [[1.0, 1.0], [5.0, 5.0], [1.0, 1.0]]


def test_elements_never_written(tf):
    assert t2n.to_numpy(written(tf.TensorArray(tf.int32, 2), [4, 5])).tolist() == [[4, 5], [0, 0]]  # as stack() does
    with fails(
        t2n.UnsupportedKind,
        "element 1 of this TensorArray was never written, and its shape is not known; "
        "write it, or make the TensorArray with element_shape=",
    ):
        t2n.to_numpy(written(tf.TensorArray(tf.int32, 2, infer_shape=False), [4, 5]))


def test_optional(tf):
    optional = tf.experimental.Optional
    ragged = tf.ragged.constant([[1], [2, 3]])
    assert_equal(t2n.to_numpy(optional.from_value(tf.constant([1, 2]))), np.array([1, 2], "i4"))
    held = optional.from_value({"a": ragged, "b": (tf.constant("x"),)})
    assert_equal(t2n.to_numpy(held), {"a": from_ragged(ragged), "b": (np.array(b"x", object),)})
    assert t2n.to_numpy(optional.empty(tf.TensorSpec([2]))) is None
    assert t2n.plan(optional.from_value(tf.constant([1, 2]))).kind == "tensor"


def test_extension_type(tf):
    class Inner(tf.experimental.ExtensionType):
        weights: tf.Tensor

    class Outer(tf.experimental.ExtensionType):
        image: tf.Tensor
        inner: Inner
        ragged: tf.RaggedTensor
        pair: tuple[tf.Tensor, ...]
        name: str
        scale: float
        shape: tf.TensorShape
        dtype: tf.DType
        shapes: tuple[tf.TensorShape, ...]

    ragged = tf.ragged.constant([[1], []])
    value = Outer(
        tf.ones([2, 2]), Inner([1.0]), ragged, (tf.constant(1), tf.constant(2)), "n", 0.5, [1, None], tf.int8, [[1]]
    )
    wanted = {
        "image": np.ones((2, 2), "f4"),
        "inner": {"weights": np.ones(1, "f4")},
        "ragged": from_ragged(ragged),
        "pair": (np.array(1, "i4"), np.array(2, "i4")),
        "name": "n",
        "scale": 0.5,
    }
    found = t2n.to_numpy(value)
    assert_equal({name: found[name] for name in wanted}, wanted)
    assert list(found) == ["image", "inner", "ragged", "pair", "name", "scale", "shape", "dtype", "shapes"]
    assert (found["shape"].as_list(), found["dtype"]) == ([1, None], tf.int8)
    assert found["shapes"] == (tf.TensorShape([1]),)
    plan = t2n.plan(value)
    assert plan.kind == "extension type"
    assert {"image", "inner/weights", "ragged/values", "ragged/row_splits", "pair/0", "pair/1"} <= set(plan.arrays)
    chunks = {c.name: c.value for c in t2n.iter_chunks(Inner([1.0, 2.0]))}
    assert_equal(chunks, {"weights": np.array([1, 2], "f4")})


def test_a_field_that_cannot_be_converted_is_no_constant(tf):
    class Inner(tf.experimental.ExtensionType):
        handle: tf.Tensor

    class Outer(tf.experimental.ExtensionType):
        inner: Inner

    variant = tf.raw_ops.EmptyTensorList(element_shape=[2], max_num_elements=-1, element_dtype=tf.float32)
    with fails(
        t2n.UnsupportedKind,
        "at x['a'].inner.handle: this tensor of shape () holds a variant handle, an opaque value such as a dataset or "
        "a list, which has no NumPy form; convert the object it was taken from (the dataset, the RaggedTensor, the "
        "TensorArray)",
    ):
        t2n.to_numpy({"a": Outer(Inner(variant))})


def test_any_other_composite_tensor(tf):
    from tensorflow.python.framework.composite_tensor import CompositeTensor

    class PairSpec(tf.TypeSpec):
        value_type = property(lambda self: Pair)
        _component_specs = property(
            lambda self: {"left": tf.TensorSpec(None), "right": tf.RaggedTensorSpec([None, None])}
        )

        def _serialize(self):
            return ()

        def _to_components(self, value):
            return {"left": value.left, "right": value.right}

        def _from_components(self, components):
            return Pair(**components)

    class Pair(CompositeTensor):
        _type_spec = PairSpec()

        def __init__(self, left, right):
            self.left, self.right = left, right

    ragged = tf.ragged.constant([[1, 2], [3]])
    found = t2n.to_numpy(Pair(tf.constant([1.0]), ragged))
    assert_equal(found, {"left": np.array([1], "f4"), "right": from_ragged(ragged)})


def test_never_an_object_array(tf):
    values = [tf.TensorArray(tf.int32, 1).unstack([1]), tf.experimental.Optional.from_value(tf.constant([1]))]
    for found in t2n.to_numpy(values):
        assert_equal(found, np.array([1], "i4"))
