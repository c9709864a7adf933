import numpy as np
import pytest

import tf2numpy as t2n
from conformance.kind import KindSuite, assert_equal, fails, random_tensor


class TestSparse(KindSuite):
    kind = "sparse tensor"

    def values(self, tf):
        bfloat16, _ = random_tensor(tf, "bfloat16", (2,))
        return [
            tf.SparseTensor([[0, 1], [2, 0]], [1.0, 2.0], [3, 4]),
            tf.SparseTensor([[3]], bfloat16[:1], [2**40]),
            tf.SparseTensor([[0, 0, 1], [0, 0, 0]], bfloat16, [1, 1, 2]),  # out of order
            tf.sparse.from_dense([[0, 0], [0, 5]]),
        ]

    def large(self, tf):
        rows = tf.range(1 << 17, dtype=tf.int64)
        return tf.SparseTensor(
            tf.stack([rows, rows * 2], 1), tf.random.uniform([1 << 17], dtype=tf.float64), [2**40] * 2
        )

    def expected(self, tf, value):
        shape = tuple(value.dense_shape.numpy().tolist())
        return t2n.SparseArray(value.indices.numpy(), value.values.numpy(), shape)


class TestIndexedSlices(KindSuite):
    kind = "indexed slices"

    def values(self, tf):
        return [
            tf.IndexedSlices(tf.constant([[1.0, 2.0], [3.0, 4.0]]), tf.constant([4, 0], tf.int64), tf.constant([6, 2])),
            tf.IndexedSlices(tf.constant([7, 8]), tf.constant([1, 1], tf.int32)),
        ]

    def large(self, tf):
        return tf.IndexedSlices(tf.random.uniform([2048, 512]), tf.range(2048))

    def expected(self, tf, value):
        shape = None if value.dense_shape is None else tuple(value.dense_shape.numpy().tolist())
        return t2n.SparseArray(value.indices.numpy().astype(np.int64)[:, None], value.values.numpy(), shape)

    def test_plan(self, cases):
        for value, wanted in cases:
            plan = t2n.plan(value)
            assert plan.kind == self.kind
            names = ["indices", "values", *(["shape"] if wanted.shape else [])]
            assert list(plan.arrays) == names
            assert plan.arrays["indices"].shape == wanted.indices.shape
            assert plan.arrays["values"].dtype == wanted.dtype

    def test_chunks_reassemble(self, cases):
        for value, wanted in cases:
            chunks = {c.name: c.value for c in t2n.iter_chunks(value)}
            assert (chunks["indices"] == wanted.indices).all()
            assert (chunks["values"] == wanted.values).all()
            assert ("shape" in chunks) == (wanted.shape is not None)


def test_the_result_equals_tensorflows_dense_one(tf):
    sparse = tf.SparseTensor([[0, 1], [2, 0]], [1.5, 2.0], [3, 4])
    assert_equal(t2n.to_numpy(sparse).to_dense(), tf.sparse.to_dense(sparse).numpy())
    text = tf.SparseTensor([[0, 1], [2, 0]], ["a", "b"], [3, 2])
    assert t2n.to_numpy(text).to_dense().tolist() == tf.sparse.to_dense(text).numpy().tolist()


def test_gradients_of_a_gather_add_up(tf):
    variable = tf.Variable([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.gather(variable, [2, 0, 2]) ** 2)
    slices = tape.gradient(loss, variable)
    assert isinstance(slices, tf.IndexedSlices)
    assert_equal(t2n.to_numpy(slices).to_dense(), tf.convert_to_tensor(slices).numpy())


@pytest.mark.parametrize("shape", [[0, 3], [3, 4]])
def test_no_value_at_all(tf, shape):
    found = t2n.to_numpy(tf.sparse.from_dense(tf.zeros(shape)))
    assert (found.shape, found.nnz, found.dtype) == (tuple(shape), 0, np.dtype("f4"))


def test_never_an_object_array(tf):
    for value in (tf.SparseTensor([[0]], [1], [1]), tf.IndexedSlices(tf.constant([1]), tf.constant([0]))):
        for copy in (True, None):
            found = t2n.to_numpy([value], copy=copy)[0]
            assert type(found) is t2n.SparseArray
            assert found.values.dtype == np.int32


def test_casts_leave_the_indices(tf):
    found = t2n.to_numpy(tf.SparseTensor([[0, 1_000_003]], [1.0], [3, 2**40 + 1]), dtype="bfloat16")
    assert (found.indices.tolist(), found.shape) == ([[0, 1_000_003]], (3, 2**40 + 1))
    assert (str(found.dtype), found.indices.dtype) == ("bfloat16", np.dtype("i8"))
    with fails(t2n.InvalidArgument, "dtype=str decodes strings, and this sparse tensor holds none; leave dtype out"):
        t2n.to_numpy(tf.SparseTensor([[0, 1]], [1.0], [3, 4]), dtype=str)
