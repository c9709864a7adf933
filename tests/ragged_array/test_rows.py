"""The rows of a RaggedArray: views by index and slice, as lists, as objects."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.kind import fails
from tf2numpy._ragged import RaggedArray, from_dense

from .samples import plain, ragged_arrays, splits


def test_rows_are_views(sample: RaggedArray, nested: RaggedArray) -> None:
    assert np.shares_memory(sample[2], sample.values)
    np.testing.assert_array_equal(sample[2], [3, 4, 5])
    np.testing.assert_array_equal(sample[-1], [6])
    np.testing.assert_array_equal(sample[np.int8(0)], [1, 2])
    assert sample[1].shape == (0,)
    row = nested[-1]
    assert isinstance(row, RaggedArray)
    assert np.shares_memory(row.flat_values, nested.flat_values)
    assert row.to_list() == [[1.0, 2.0, 3.0], [4.0, 5.0]]
    assert np.shares_memory(sample[1:].flat_values, sample.values)


def test_slices_of_no_rows(sample: RaggedArray, nested: RaggedArray) -> None:
    for empty in (slice(3, 1), slice(9, None), slice(0, 0), slice(1, 3, -1)):
        assert sample[empty].shape == (0, None)
        assert nested[empty].shape == (0, None, None)
    assert sample[1 :: 2**63].to_list() == [[]]
    assert sample[:: -(2**63)].to_list() == [[6]]
    with pytest.raises(ValueError, match="slice step cannot be zero"):
        sample[::0]


@pytest.mark.parametrize("row", [4, -5, 10**20])
def test_row_out_of_range(sample: RaggedArray, row: int) -> None:
    with fails(IndexError, f"row {row} is out of range for a RaggedArray of 4 rows"):
        sample[row]


@pytest.mark.parametrize("index", [(0, 1), 1.0, "a", None, [0]])
def test_other_indices_are_refused(sample: RaggedArray, index: Any) -> None:
    with pytest.raises(TypeError):
        sample[index]


@given(ragged_arrays(), st.data())
def test_rows_and_slices_are_those_of_lists(ragged: RaggedArray, data: st.DataObject) -> None:
    rows = ragged.to_list()
    np.testing.assert_equal([plain(row) for row in ragged], rows)
    np.testing.assert_equal([plain(ragged[i]) for i in range(-len(ragged), 0)], rows)
    index = data.draw(st.slices(len(ragged)))
    piece = ragged[index]
    assert isinstance(piece, RaggedArray)
    np.testing.assert_equal(piece.to_list(), rows[index])
    assert piece.shape[1:] == ragged.shape[1:]
    assert piece.dtype == ragged.dtype
    assert [s.dtype for s in piece.nested_row_splits] == [s.dtype for s in ragged.nested_row_splits]


def test_unsigned_row_splits() -> None:
    ragged = RaggedArray(np.arange(6), splits(1, 3, 2, dtype="uint64"))
    assert ragged[::-1].to_list() == [[4, 5], [1, 2, 3], [0]]
    assert ragged[1:].to_list() == [[1, 2, 3], [4, 5]]
    assert ragged.to_padded().tolist() == [[0, 0, 0], [1, 2, 3], [4, 5, 0]]
    assert ragged[::-1].row_splits.dtype == np.uint64


def test_to_object_never_makes_two_axes() -> None:
    ragged = from_dense(np.arange(6).reshape(3, 2), 1)
    rows = ragged.to_object()
    assert rows.shape == (3,)
    assert rows.dtype == object
    assert [row.tolist() for row in rows] == [[0, 1], [2, 3], [4, 5]]
    assert all(np.shares_memory(row, ragged.values) for row in rows)
    assert ragged[:0].to_object().shape == (0,)
    assert RaggedArray(np.arange(1), splits(1)).to_object().shape == (1,)


def test_to_object_of_nested_ranks_gives_ragged_rows(nested: RaggedArray) -> None:
    rows = nested.to_object()
    assert rows.shape == (3,)
    assert all(isinstance(row, RaggedArray) for row in rows)
    assert [row.to_list() for row in rows] == nested.to_list()
