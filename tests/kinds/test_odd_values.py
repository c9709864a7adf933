"""Odd values that once gave a wrong result, or lost something, without a word."""

from __future__ import annotations

import dataclasses
from collections import OrderedDict

import h5py
import numpy as np
import pytest

import tf2numpy as t2n
from conformance.kind import fails


def test_shards_of_a_module_are_not_lost(tf):
    from tensorflow.python.distribute.sharded_variable import ShardedVariable

    module = tf.Module()
    module.s = ShardedVariable([tf.Variable([1.0, 2.0]), tf.Variable([3.0])])
    module.v = tf.Variable(1.0)
    found = t2n.to_numpy(module)
    assert {name: array.tolist() for name, array in found.items()} == {"s": [1.0, 2.0, 3.0], "v": 1.0}


MASKED = np.ma.array([1, 2, 3], mask=[0, 1, 0])


@pytest.mark.parametrize("options", [{"dtype": "float32"}, {"out": np.zeros(3, int)}], ids=["dtype", "out"])
def test_a_mask_is_not_dropped(options):
    with fails(
        t2n.UnsupportedKind,
        "a masked array is two arrays, and only one would be kept; "
        "give {'data': x.data, 'mask': np.ma.getmaskarray(x)}, or x.filled(value)",
    ):
        t2n.to_numpy(MASKED, **options)
    assert t2n.to_numpy(MASKED) is MASKED


def test_replicas_that_are_arrays_are_stacked(tf):
    from tensorflow.python.distribute.values import PerReplica

    assert t2n.to_numpy(PerReplica((np.arange(3), np.arange(3))), replicas="stack").shape == (2, 3)
    assert t2n.to_numpy(PerReplica((1.0, 2.0)), replicas="stack").tolist() == [1.0, 2.0]


@dataclasses.dataclass
class Output(OrderedDict):
    logits: object = None

    def __post_init__(self):
        self["logits"] = self.logits


def test_a_dataclass_that_is_a_mapping_too(tf):
    found = t2n.to_numpy(Output(tf.constant([1.0])))
    assert type(found) is Output
    assert type(found.logits) is type(found["logits"]) is np.ndarray


def test_batches_of_different_sizes_are_joined(tf):
    rows = tf.data.Dataset.range(10)
    for other in (rows.batch(4), rows.batch(2, drop_remainder=True)):
        found = t2n.to_numpy(rows.batch(4, drop_remainder=True).concatenate(other))
        assert found.tolist() == [*range(8), *range(10)]
    four, two = t2n.to_numpy(tf.data.Dataset.zip((rows.batch(4), rows.batch(2))))
    assert (four.tolist(), two.tolist()) == (list(range(10)), list(range(6)))


def test_sparse_batches_are_joined(tf):
    dataset = tf.data.Dataset.range(10).map(tf.range).apply(tf.data.experimental.dense_to_sparse_batch(3, [10]))
    found = t2n.to_numpy(dataset)
    assert found.shape == (10, 10)
    assert found.to_dense().tolist() == [[*range(n), *[0] * (10 - n)] for n in range(10)]


def test_copy_zero_is_false(tf):
    with pytest.raises(t2n.CopyRequired):
        t2n.to_numpy(tf.constant(["a"]), copy=0)
    with pytest.raises(t2n.CopyRequired):
        t2n.to_numpy(tf.constant([1.0]), copy=np.False_, dtype="float64")


def test_out_may_overlap():
    array = np.arange(5_000_000.0)
    expected = array.copy()
    assert np.array_equal(t2n.to_numpy(array, out=array[::-1]), expected)


def test_pieces_have_names_of_their_own():
    sparse = t2n.SparseArray(np.zeros((1, 1), np.int64), np.ones(1), (2,))
    value = {"a": sparse, "a/values": np.zeros(2)}
    message = "two arrays of this structure would have the name 'a/values'; rename one of the keys"
    for verb in (t2n.iter_chunks, t2n.plan):
        with fails(t2n.FormatError, message):
            verb(value)
    assert t2n.to_numpy(value)["a"].nnz == 1


def test_a_cast_concerns_numbers_alone():
    days, records = np.array(["2020-01-01"], "M8[D]"), np.zeros(2, "i4,f8")
    found = t2n.to_numpy({"d": days, "r": records, "n": np.arange(2)}, dtype="float32")
    assert (found["d"].dtype, found["r"].dtype, found["n"].dtype) == (days.dtype, records.dtype, np.float32)


def test_many_growing_columns_stay_small(tf, tmp_path):
    dataset = tf.data.Dataset.range(3).map(lambda i: {f"c{n:02}": i for n in range(40)}).filter(lambda row: True)
    path = t2n.save(dataset, tmp_path / "x.h5", max_bytes="1MiB")
    assert path.stat().st_size < 10 << 20
    with h5py.File(path) as file:
        assert [file[name][:].tolist() for name in file] == [[0, 1, 2]] * 40


def test_an_element_too_large_for_a_piece(tf):
    dataset = tf.data.Dataset.from_tensor_slices(tf.zeros([2, 1000]))
    with fails(
        t2n.InvalidArgument,
        "one element alone needs 3.9 KiB and max_bytes leaves 256 B for a piece; give a larger max_bytes",
    ):
        list(t2n.iter_chunks(dataset, max_bytes="1KiB"))


def test_buffers_are_not_taken_for_lists():
    with fails(
        t2n.UnsupportedKind,
        "a builtins.bytearray has no NumPy form; give a TensorFlow value (tensor, variable, dataset, model ...), "
        "an array or number, or a structure of these",
    ):
        t2n.to_numpy(bytearray(b"ab"))
