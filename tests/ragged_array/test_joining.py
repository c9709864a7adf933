"""Ragged arrays joined by their rows, as TensorFlow does it, and those that cannot be."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.kind import fails
from tf2numpy._errors import InvalidArgument
from tf2numpy._ragged import RaggedArray, concat

from .samples import as_tensorflow, assert_same, ragged_arrays, splits, strings


@given(ragged_arrays(), st.lists(st.integers(0, 5), max_size=3))
def test_pieces_join_to_the_whole(ragged: RaggedArray, cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(ragged)]
    edges = [min(edge, len(ragged)) for edge in edges]
    joined = concat([ragged[start:stop] for start, stop in pairwise(edges)])
    assert_same(joined, ragged)
    assert not np.shares_memory(joined.flat_values, ragged.flat_values)


def test_join_takes_the_first_row_splits_dtype() -> None:
    small, large = (RaggedArray(np.arange(2), splits(2, dtype=dtype)) for dtype in ("int32", "int64"))
    assert concat([small, large]).row_splits.dtype == np.int32
    assert concat([large, small]).row_splits.dtype == np.int64


def test_join_refuses_nothing() -> None:
    with fails(InvalidArgument, "there is no RaggedArray to concatenate; give at least one"):
        concat([])


def test_join_refuses_an_overflow() -> None:
    # Elements of no bytes: 2**31 - 1 of them are the most that int32 counts.
    most = RaggedArray(np.zeros((2**31 - 1, 0)), np.array([0, 2**31 - 1], np.int32))
    assert len(concat([most])) == 1
    with fails(InvalidArgument, "row_splits of int32 cannot count 4294967294 values; give row_splits of int64"):
        concat([most, most])


@pytest.mark.parametrize(
    ("other", "found"),
    [
        (RaggedArray(np.zeros((1, 2)), splits(1)), "(None, 2) and float64"),
        (RaggedArray(np.zeros(1, np.float32), splits(1)), "(None,) and float32"),
        (RaggedArray(strings(b""), splits(1)), "(None,) and string"),
        (RaggedArray(RaggedArray(np.zeros(1), splits(1)), splits(1)), "(None, None) and float64"),
    ],
)
def test_join_refuses_rows_that_differ(other: RaggedArray, found: str) -> None:
    first = RaggedArray(np.zeros(1), splits(1))
    with fails(
        InvalidArgument,
        f"array 1 has rows of shape {found}, array 0 rows of shape (None,) and float64; "
        "only arrays whose rows agree can be joined",
    ):
        concat([first, other])


def test_joining_equals_tensorflow(tf: Any) -> None:
    @settings(max_examples=20)
    @given(ragged_arrays(ranks=(2, 2), uniform=(2,)))
    def check(ragged: RaggedArray) -> None:
        theirs = tf.concat([as_tensorflow(tf, ragged), as_tensorflow(tf, ragged[::-1])], axis=0)
        np.testing.assert_equal(concat([ragged, ragged[::-1]]).to_list(), theirs.to_list())

    check()
