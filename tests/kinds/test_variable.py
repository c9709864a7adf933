import numpy as np
import pytest

import tf2numpy as t2n
from conformance.kind import KindSuite, fails, random_tensor


class TestVariable(KindSuite):
    kind = "variable"

    def values(self, tf):
        return [
            tf.Variable([[1.0, 2.0], [3.0, 4.0]]),
            tf.Variable(7),
            tf.Variable(random_tensor(tf, "bfloat16", (5, 3))[0]),
            tf.Variable(random_tensor(tf, "complex128", (2, 1, 3))[0], trainable=False),
            tf.Variable([1.0, 2.0, 3.0], shape=tf.TensorShape(None)),
        ]

    def large(self, tf):
        return tf.Variable(tf.random.uniform([1024, 1024]))

    def expected(self, tf, value):
        return np.asarray(value.numpy())


def test_strings(tf):
    assert t2n.to_numpy(tf.Variable([b"a\x00", b""])).tolist() == [b"a\x00", b""]


def test_a_variable_of_no_element(tf):
    found = t2n.to_numpy(tf.Variable(tf.zeros([0])))
    assert (found.shape, found.dtype) == ((0,), np.dtype("f4"))


CHANGES = {
    "assign": lambda tf, v: v.assign(tf.zeros_like(v)),
    "assign_add": lambda tf, v: v.assign_add(tf.ones_like(v)),
    "scatter_update": lambda tf, v: v.scatter_update(tf.IndexedSlices(tf.zeros([1, 3], v.dtype), [1])),
    "slice": lambda tf, v: v[0, 1].assign(tf.cast(-1, v.dtype)),
    "tf.function": lambda tf, v: tf.function(lambda: v.assign(v * 2))(),
    "tf.function, in place": lambda tf, v: tf.function(lambda: v.assign_add(tf.ones_like(v)))(),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("dtype", ["float32", "int64", "bfloat16"])
@pytest.mark.parametrize("rows", [2, 20_000])
def test_what_was_read_is_a_snapshot(tf, change, dtype, rows):
    variable = tf.Variable(tf.cast(tf.reshape(tf.range(rows * 3) % 7, [rows, 3]), dtype))
    before = variable.numpy().tobytes()
    array, view = t2n.to_numpy(variable), t2n.to_numpy(variable, copy=False)
    chunks = t2n.iter_chunks(variable, max_bytes=max(48, rows * 6))
    first = next(chunks)
    CHANGES[change](tf, variable)
    assert variable.numpy().tobytes() != before
    assert array.tobytes() == before
    assert view.tobytes() == before
    assert b"".join(chunk.value.tobytes() for chunk in [first, *chunks]) == before
    assert t2n.to_numpy(variable).tobytes() == variable.numpy().tobytes()


def test_writing_the_copy_leaves_the_variable(tf):
    variable = tf.Variable([1.0, 2.0])
    t2n.to_numpy(variable)[:] = 9
    assert variable.numpy().tolist() == [1.0, 2.0]


def test_a_view_outlives_the_variable(tf):
    view = t2n.to_numpy(tf.Variable(tf.fill([1000], 5.0)), copy=False)
    assert view.tolist() == [5.0] * 1000


@pytest.mark.parametrize("shape", [[2], [], [0, 3], None])
def test_uninitialised(tf, shape):
    from tensorflow.python.ops.resource_variable_ops import UninitializedVariable

    variable = UninitializedVariable(shape=shape, dtype=tf.float32, name="never_set")
    message = "the variable 'never_set:0' has no value: it is not initialised; assign to it, or run its initializer"
    with fails(t2n.UnsupportedKind, message):
        t2n.to_numpy(variable)
    with fails(t2n.UnsupportedKind, f"at x['w']: {message}"):
        t2n.plan({"w": variable})


def test_reading_that_fails_because_nothing_is_there(tf, monkeypatch):
    variable = tf.Variable(1.0, name="gone")

    def fail():
        raise tf.errors.FailedPreconditionError(None, None, "no such resource")

    monkeypatch.setattr(variable, "value", fail)
    with fails(
        t2n.UnsupportedKind,
        "the variable 'gone:0' has no value: it is not initialised; assign to it, or run its initializer",
    ):
        t2n.to_numpy(variable)
