"""Datasets of every make give the rows they hold, compared with the arrays and tensors they were made of."""

from __future__ import annotations

from collections import namedtuple

import ml_dtypes
import numpy as np
import pytest

import tf2numpy as t2n

ROWS = np.arange(20, dtype=np.float32).reshape(10, 2)
Pair = namedtuple("Pair", "second first")


def assert_same(found, expected):
    assert type(found) is np.ndarray
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    assert found.tolist() == expected.tolist() if expected.dtype.hasobject else found.tobytes() == expected.tobytes()
    assert found.flags.writeable
    assert found.flags.owndata


BATCHED = {
    "batch": lambda d, tf: d.batch(3),
    "one batch": lambda d, tf: d.batch(100),
    "batches of one": lambda d, tf: d.batch(1),
    "padded_batch": lambda d, tf: d.padded_batch(3),
    "ragged_batch": lambda d, tf: d.ragged_batch(3),
    "parallel batch": lambda d, tf: d.batch(3, num_parallel_calls=2),
    "rebatch": lambda d, tf: d.batch(3).rebatch(4),
    "rebatch by turns": lambda d, tf: d.batch(3).rebatch([2, 1]),
    "unbatch": lambda d, tf: d.batch(3).unbatch(),
    "batched again": lambda d, tf: d.batch(3).unbatch().batch(4),
    "map": lambda d, tf: d.batch(3).map(lambda rows: rows + 0),
    "parallel map": lambda d, tf: d.batch(3).map(lambda rows: rows + 0, num_parallel_calls=2),
    "prefetch": lambda d, tf: d.batch(3).prefetch(2),
    "cache": lambda d, tf: d.batch(3).cache(),
    "shuffle of one": lambda d, tf: d.batch(3).shuffle(1),
    "filter": lambda d, tf: d.batch(3).filter(lambda rows: True),
    "options": lambda d, tf: d.batch(3).with_options(tf.data.Options()),
    "concatenate": lambda d, tf: d.take(6).batch(3).concatenate(d.skip(6).batch(4)),
    "chosen": lambda d, tf: tf.data.Dataset.choose_from_datasets(
        [d.take(4).batch(4), d.skip(4).batch(6)], tf.data.Dataset.range(2)
    ),
    "stated": lambda d, tf: d.batch(3).apply(tf.data.experimental.assert_cardinality(4)),
    "row after row": lambda d, tf: d,
}


@pytest.mark.parametrize("make", BATCHED.values(), ids=BATCHED)
def test_rows_are_the_same_however_they_are_batched(tf, make):
    dataset = make(tf.data.Dataset.from_tensor_slices(ROWS), tf)
    assert_same(t2n.to_numpy(dataset), ROWS)
    assert_same(t2n.to_numpy(dataset), ROWS)  # a second pass gives the same


PARTS = {
    "drop_remainder": (lambda d, tf: d.batch(3, drop_remainder=True), ROWS[:9]),
    "drop_remainder, padded": (lambda d, tf: d.padded_batch(4, drop_remainder=True), ROWS[:8]),
    "take": (lambda d, tf: d.batch(3).take(2), ROWS[:6]),
    "skip": (lambda d, tf: d.batch(3).skip(1), ROWS[3:]),
    "shard": (lambda d, tf: d.batch(5).shard(2, 1), ROWS[5:]),
    "repeat": (lambda d, tf: d.batch(3).repeat(2), np.concatenate([ROWS, ROWS])),
    "more rows": (
        lambda d, tf: d.batch(5).map(lambda rows: tf.concat([rows, rows], 0)),
        ROWS[[*range(5)] * 2 + [*range(5, 10)] * 2],
    ),
    "a number of each batch": (lambda d, tf: d.batch(4).map(tf.reduce_sum), np.float32([28, 92, 70])),
    "a row of each batch": (
        lambda d, tf: d.batch(5).map(lambda rows: tf.reduce_sum(rows, 0)),
        ROWS.reshape(2, 5, 2).sum(1),
    ),
    "one row": (lambda d, tf: d.take(1), ROWS[:1]),
    "one row, batched": (lambda d, tf: d.take(1).batch(3), ROWS[:1]),
    "no rows": (lambda d, tf: d.take(0), ROWS[:0]),
    "no rows, batched": (lambda d, tf: d.take(0).batch(3), ROWS[:0]),
    "no rows after a filter": (lambda d, tf: d.filter(lambda row: False), ROWS[:0]),
}


@pytest.mark.parametrize(("make", "expected"), PARTS.values(), ids=PARTS)
def test_other_rows(tf, make, expected):
    assert_same(t2n.to_numpy(make(tf.data.Dataset.from_tensor_slices(ROWS), tf)), expected)


def test_zip_of_batches_and_of_a_batch_with_rows(tf):
    batches = tf.data.Dataset.from_tensor_slices(ROWS).batch(3)
    left, right = t2n.to_numpy(tf.data.Dataset.zip((batches, batches.map(lambda rows: rows * 2))))
    assert_same(left, ROWS)
    assert_same(right, ROWS * 2)
    numbers, rows = t2n.to_numpy(batches.enumerate())  # the elements are pairs, no longer batches
    assert_same(numbers, np.arange(4))
    assert isinstance(rows, t2n.RaggedArray)
    assert rows.to_list() == [batch.tolist() for batch in batches.as_numpy_iterator()]


def test_scalars_and_large_batches_are_rebatched(tf, monkeypatch):
    monkeypatch.setattr("tf2numpy._fetch.BLOCK_BYTES", 64)
    numbers = np.arange(1000)
    dataset = tf.data.Dataset.from_tensor_slices(numbers)
    assert_same(t2n.to_numpy(dataset), numbers)
    assert_same(t2n.to_numpy(dataset.batch(300)), numbers)
    assert_same(t2n.to_numpy(dataset.batch(3)), numbers)


STRUCTURES = {
    "dict": {"z": np.arange(4), "a": np.arange(4.0), "m": np.arange(8).reshape(4, 2)},
    "tuple": (np.arange(4), np.arange(4.0)),
    "namedtuple": Pair(np.arange(4), np.arange(4.0)),
    "deep": {"x": (np.arange(4), {"y": np.arange(4.0)}), "n": np.arange(4, dtype=np.int8)},
    "with None": (np.arange(4), None, {"k": None, "v": np.arange(4.0)}),
    "None first": (None, np.arange(4)),
    "an empty name": {"": np.arange(4)},
}


@pytest.mark.parametrize("batched", [False, True])
@pytest.mark.parametrize("structure", STRUCTURES.values(), ids=STRUCTURES)
def test_structures_come_back(tf, structure, batched):
    dataset = tf.data.Dataset.from_tensor_slices(structure)
    found = t2n.to_numpy(dataset.batch(3) if batched else dataset)
    tf.nest.assert_same_structure(found, structure, check_types=True)
    if isinstance(structure, dict):
        assert list(found) == list(structure)
    for a, b in zip(tf.nest.flatten(found), tf.nest.flatten(structure), strict=True):
        if b is None:
            assert a is None
        else:
            assert_same(a, b)


@pytest.mark.parametrize("batched", [False, True])
@pytest.mark.parametrize(
    "values",
    [
        np.array([[True, False], [False, True], [True, True]]),
        np.array([[1, 2], [3, 4], [-5, 0.5]], ml_dtypes.bfloat16),
        np.array([[1, 2], [3, 4], [-5, 0.5]], np.float16),
        np.array([[1j, 2], [3, 4j], [-5, 0.5]], np.complex64),
        np.array([[b"a\0", b""], [b"\0", b"\xff"], [b"long" * 99, b"x"]], object),
        np.array([1, 2**64 - 1, 0], np.uint64),
        np.zeros((3, 0, 2), np.float32),
    ],
    ids=lambda values: f"{values.dtype.name}{values.shape}",
)
def test_dtypes(tf, values, batched):
    dataset = tf.data.Dataset.from_tensor_slices(tf.constant(values))
    assert_same(t2n.to_numpy(dataset.batch(2) if batched else dataset), values)


@pytest.mark.parametrize("name", ["float8_e4m3fn", "int4", "uint4"])
@pytest.mark.parametrize("batched", [False, True])
def test_dtypes_that_tensorflow_cannot_batch(tf, name, batched):
    expected = np.arange(8).reshape(4, 2).astype(getattr(ml_dtypes, name))
    dtype = getattr(tf.dtypes.experimental, name, None) or getattr(tf, name)
    source = np.arange(8, dtype=np.float32 if "float" in name else np.int8).reshape(4, 2)
    dataset = tf.data.Dataset.from_tensor_slices(source)
    dataset = dataset.batch(3) if batched else dataset
    dataset = dataset.map(lambda row: (tf.cast(row, dtype), row))
    found, beside = t2n.to_numpy(dataset)
    assert_same(found, expected)
    assert_same(beside, source)


def varying(tf, shape):
    """Elements 0 to 4 of a shape whose unknown axes are as long as the element's number."""
    return tf.data.Dataset.range(5).map(
        lambda i: tf.ensure_shape(tf.fill([i if n is None else n for n in shape], tf.cast(i, tf.int32)), shape)
    )


@pytest.mark.parametrize(
    "shape", [(None,), (None, 3), (None, None, 3), (2, None), (None, 2, None)], ids=lambda shape: str(shape)
)
def test_axes_of_unknown_size_are_ragged(tf, shape):
    dataset = varying(tf, shape)
    expected = [element.tolist() for element in dataset.as_numpy_iterator()]
    for same in (dataset, dataset.ragged_batch(2), dataset.ragged_batch(2).unbatch(), dataset.map(lambda x: x + 0)):
        found = t2n.to_numpy(same)
        assert isinstance(found, t2n.RaggedArray)
        assert found.to_list() == expected
        assert found.dtype == np.int32
        assert found.shape[0] == 5
    one = t2n.to_numpy(dataset.skip(3).take(1))
    assert isinstance(one, t2n.RaggedArray)
    assert one.to_list() == expected[3:4]
    assert t2n.to_numpy(dataset.take(0)).shape == (0, *one.shape[1:])


def test_padded_batches_keep_their_padding(tf):
    dataset = varying(tf, (None,)).padded_batch(2, padding_values=-1)
    expected = [row.tolist() for batch in dataset.as_numpy_iterator() for row in batch]
    assert t2n.to_numpy(dataset).to_list() == expected


RAGGED = {
    "rows": ([[1, 2], [], [3]], 1, None),
    "equal rows": ([[1, 2], [3, 4]], 1, None),
    "one row": ([[1, 2]], 1, None),
    "empty rows": ([[], []], 1, None),
    "rank 2": ([[[1, 2], []], [], [[3]]], 2, None),
    "inner axis": ([[[1, 2]], [], [[3, 4], [5, 6]]], 1, (2,)),
}
HOWS = {
    "single": lambda d: d,
    "batch": lambda d: d.batch(2),
    "unbatch": lambda d: d.batch(2).unbatch(),
    "map": lambda d: d.batch(2).map(lambda *rows: rows if len(rows) > 1 else rows[0]),
}


@pytest.mark.parametrize("how", HOWS.values(), ids=HOWS)
@pytest.mark.parametrize(("rows", "rank", "inner"), RAGGED.values(), ids=RAGGED)
def test_ragged_elements(tf, rows, rank, inner, how):
    ragged = tf.ragged.constant(rows, tf.int32, ragged_rank=rank, inner_shape=inner, row_splits_dtype=tf.int32)
    dataset = how(tf.data.Dataset.from_tensor_slices(ragged))
    for _ in range(2):
        found = t2n.to_numpy(dataset)
        assert isinstance(found, t2n.RaggedArray)
        assert found.ragged_rank == rank
        assert found.to_list() == ragged.to_list()
        assert found.dtype == np.int32
        assert found.row_splits.dtype == np.int64
    numbered = how(tf.data.Dataset.zip((tf.data.Dataset.range(len(rows)), tf.data.Dataset.from_tensor_slices(ragged))))
    numbers, found = t2n.to_numpy(numbered)
    assert_same(numbers, np.arange(len(rows)))
    assert isinstance(found, t2n.RaggedArray)
    assert found.to_list() == ragged.to_list()


@pytest.mark.parametrize("how", HOWS.values(), ids=HOWS)
def test_sparse_elements(tf, how):
    dense = np.array([[0, 1, 0], [2, 0, 0], [0, 0, 0], [0, 3, 4]], np.float32)
    dataset = tf.data.Dataset.from_tensor_slices(tf.sparse.from_dense(dense))
    found = t2n.to_numpy(how(dataset))
    assert isinstance(found, t2n.SparseArray)
    assert found.values.tolist() == [1, 2, 3, 4]
    assert_same(found.to_dense(), dense)
    none = t2n.to_numpy(how(dataset.filter(lambda row: False)))
    assert (none.shape, none.dtype, none.nnz) == ((0, 3), np.float32, 0)


def test_sparse_elements_of_differing_shape_fit_the_largest(tf):
    dataset = tf.data.Dataset.range(40).map(
        lambda i: tf.SparseTensor(tf.reshape(i, [1, 1]), [i], tf.reshape(i + 1, [1]))
    )
    assert_same(t2n.to_numpy(dataset).to_dense(), np.diag(np.arange(40)))
