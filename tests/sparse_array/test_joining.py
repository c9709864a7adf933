"""Sparse arrays joined along axis 0, as TensorFlow does it, and those that cannot be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.kind import fails
from tf2numpy._errors import InvalidArgument
from tf2numpy._sparse import SparseArray, concat

from .samples import at, from_dense, sparse_arrays, strings


@given(sparse_arrays(), st.integers(0, 4))
def test_rows_join_to_the_whole(sparse: SparseArray, rows: int) -> None:
    assert sparse.shape is not None
    cut = min(rows, sparse.shape[0])
    first = sparse.indices[:, 0] < cut
    second = SparseArray(
        sparse.indices[~first] - np.eye(1, sparse.indices.shape[1], dtype=np.int64) * cut,
        sparse.values[~first],
        (sparse.shape[0] - cut, *sparse.shape[1:]),
    )
    parts = [SparseArray(sparse.indices[first], sparse.values[first], (cut, *sparse.shape[1:])), second]
    joined = concat(parts)
    assert joined.shape == sparse.shape
    assert joined.indices.dtype == np.int64
    np.testing.assert_array_equal(joined.to_dense(), sparse.to_dense(), strict=True)
    assert not np.shares_memory(joined.indices, parts[0].indices)


def test_join_refuses_nothing() -> None:
    with fails(InvalidArgument, "there is no SparseArray to concatenate; give at least one"):
        concat([])


@pytest.mark.parametrize("shape", [None, (), (3,)])
def test_join_needs_rows(shape: Any) -> None:
    sparse = SparseArray(np.zeros((1, 0), np.int64), np.ones((1, *(shape or ()))), shape)
    with fails(
        InvalidArgument,
        f"array 0 has shape {shape} and indices of shape (1, 0); "
        "only arrays whose axis 0 is known and indexed can be joined",
    ):
        concat([sparse])


@pytest.mark.parametrize(
    ("other", "found"),
    [
        (SparseArray(at((0, 0)), np.ones(1), (1, 3)), "shape (1, 3), 2 axes indexed and dtype float64"),
        (SparseArray(at(0), np.ones((1, 2)), (1, 2)), "shape (1, 2), 1 axes indexed and dtype float64"),
        (SparseArray(at((0, 0)), strings(b""), (1, 2)), "shape (1, 2), 2 axes indexed and dtype string"),
    ],
)
def test_join_refuses_arrays_that_differ(other: SparseArray, found: str) -> None:
    with fails(
        InvalidArgument,
        f"array 1 has {found}, array 0 shape (5, 2), 2 and float64; "
        "only arrays that differ in axis 0 alone can be joined",
    ):
        concat([SparseArray(at((0, 0)), np.ones(1), (5, 2)), other])


def test_joining_equals_tensorflow(tf: Any) -> None:
    one = from_dense(np.arange(12).reshape(3, 4) % 5, 2)
    two = from_dense(np.arange(8).reshape(2, 4) % 3, 2)
    theirs = tf.sparse.concat(0, [tf.sparse.SparseTensor(x.indices, x.values, x.shape) for x in (one, two)])
    joined = concat([one, two])
    np.testing.assert_array_equal(joined.indices, theirs.indices.numpy())
    np.testing.assert_array_equal(joined.values, theirs.values.numpy())
    assert joined.shape == tuple(theirs.shape)
