"""A RaggedArray made dense and back: padded as TensorFlow does it, never beyond the memory there is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from conformance.kind import fails
from tf2numpy import _memory
from tf2numpy._errors import HostMemoryError, InvalidArgument
from tf2numpy._ragged import RaggedArray, from_dense

from .samples import as_tensorflow, assert_same, plain, ragged_arrays, splits


def slow_padded(ragged: RaggedArray, fill: Any) -> np.ndarray:
    """Pad with one loop per row: nothing shared with the fast way but the definition."""
    rows = [row if isinstance(row, np.ndarray) else slow_padded(row, fill) for row in ragged]
    inner = ragged.flat_values.shape[1:]
    depth = ragged.ragged_rank
    widths = tuple(max((row.shape[axis] for row in rows), default=0) for axis in range(depth))
    dense = np.full((len(rows), *widths, *inner), fill, ragged.dtype)
    for number, row in enumerate(rows):
        dense[(number, *(slice(n) for n in row.shape[:depth]))] = row
    return dense


@given(ragged_arrays())
def test_to_padded_equals_the_slow_way(ragged: RaggedArray) -> None:
    for fill in (None, True):
        found = ragged.to_padded(fill)
        np.testing.assert_array_equal(found, slow_padded(ragged, fill or 0), strict=True)
        assert found.flags.writeable
        assert found.flags.c_contiguous
        assert not np.shares_memory(found, ragged.flat_values)


def test_lists_and_padding_equal_tensorflow(tf: Any) -> None:
    @settings(max_examples=60)
    @given(st.one_of(ragged_arrays(), ragged_arrays(text=True)))
    def check(ragged: RaggedArray) -> None:
        theirs = as_tensorflow(tf, ragged)
        np.testing.assert_equal(ragged.to_list(), theirs.to_list())
        np.testing.assert_array_equal(ragged.to_padded(), theirs.to_tensor().numpy(), strict=True)
        fill = b"\0x\0" if ragged.dtype == object else True
        wanted = theirs.to_tensor(tf.constant(fill) if ragged.dtype == object else tf.cast(fill, theirs.dtype))
        np.testing.assert_array_equal(ragged.to_padded(fill), wanted.numpy(), strict=True)
        assert ragged.shape == tuple(theirs.shape)
        assert ragged.ragged_rank == theirs.ragged_rank

    check()


@given(ragged_arrays(text=True))
def test_strings_keep_their_nuls(ragged: RaggedArray) -> None:
    assert_same(ragged[:], ragged)
    rows = ragged.to_object()
    assert [plain(row) for row in rows] == ragged.to_list()
    padded = ragged.to_padded()
    np.testing.assert_array_equal(padded, slow_padded(ragged, b""), strict=True)
    assert all(isinstance(item, bytes) for item in padded.ravel())


@given(hnp.arrays("int64", hnp.array_shapes(min_dims=2, max_dims=4, min_side=1, max_side=4)), st.data())
def test_dense_there_and_back(dense: np.ndarray, data: st.DataObject) -> None:
    rank = data.draw(st.integers(1, dense.ndim - 1))
    ragged = from_dense(dense, rank)
    assert ragged.ragged_rank == rank
    assert ragged.shape == (len(dense), *(None,) * rank, *dense.shape[rank + 1 :])
    assert np.shares_memory(ragged.flat_values, dense)
    assert all(level.dtype == np.int64 for level in ragged.nested_row_splits)
    np.testing.assert_array_equal(ragged.to_padded(), dense)
    assert ragged.to_list() == dense.tolist()


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0), (2, 0, 3), (2, 3, 0)])
def test_dense_without_elements(shape: tuple[int, ...]) -> None:
    for rank in range(1, len(shape)):
        ragged = from_dense(np.zeros(shape), rank)
        assert len(ragged) == shape[0]
        assert ragged.to_list() == np.zeros(shape).tolist()


def test_zero_rows_keep_the_uniform_axes() -> None:
    empty = RaggedArray(np.zeros((0, 2), np.int16), splits())
    assert (empty.shape, empty.to_list(), empty.to_padded().shape) == ((0, None, 2), [], (0, 0, 2))
    assert list(empty) == []
    hollow = RaggedArray(np.zeros((0, 2), np.int16), splits(0, 0))
    assert (hollow.to_list(), hollow.to_padded().shape) == ([[], []], (2, 0, 2))


@pytest.mark.parametrize("rank", [0, 2, -1])
def test_from_dense_needs_axes(rank: int) -> None:
    with fails(
        InvalidArgument,
        f"ragged_rank={rank} does not fit an array of shape (2, 3); "
        "it must be at least 1 and less than the number of axes",
    ):
        from_dense(np.zeros((2, 3)), rank)


def test_padding_that_does_not_fit_is_refused_before_it_is_allocated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_memory, "free_bytes", lambda: 1 << 30)
    lengths = np.zeros(10**6, np.int64)
    lengths[0] = 10**6
    ragged = RaggedArray(np.zeros((10**6, 2), np.float64), splits(*lengths))
    # 16 bytes a padded row for two float64, one for the mask, and 8 for each row's length
    needed = 10**12 * 17 + 8 * 10**6
    with fails(
        HostMemoryError,
        f"needs 15.5 TiB of host memory ({needed} bytes) and 1.0 GiB (1073741824 bytes) are free; the value is on "
        "the host. Padded, its shape is (1000000, 1000000, 2); pad a slice of the rows at a time, or use to_object()",
    ):
        ragged.to_padded()
