"""A RaggedArray holds its parts as given, describes itself, and refuses parts that do not fit."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

from conformance.kind import fails
from tf2numpy._errors import InvalidArgument, UnsupportedKind
from tf2numpy._ragged import RaggedArray

from .samples import assert_same, splits, strings


def test_describes_itself(sample: RaggedArray, nested: RaggedArray) -> None:
    assert (sample.shape, sample.ndim, sample.dtype, len(sample)) == ((4, None), 2, np.dtype(np.int32), 4)
    assert (sample.nbytes, sample.ragged_rank) == (6 * 4 + 5 * 8, 1)
    assert (nested.shape, nested.ndim, nested.dtype) == ((3, None, None), 3, np.dtype(np.float64))
    assert (nested.nbytes, nested.ragged_rank) == (6 * 8 + 5 * 8 + 4 * 8, 2)
    assert nested.nested_row_splits == (nested.row_splits, nested.values.row_splits)
    assert nested.flat_values is nested.values.values
    uniform = RaggedArray(np.zeros((3, 2)), splits(1, 2))
    assert (uniform.shape, uniform.ndim) == ((2, None, 2), 3)
    np.testing.assert_array_equal(sample.row_lengths(), [2, 0, 3, 1])


def test_repr_is_short(sample: RaggedArray) -> None:
    assert repr(sample) == "RaggedArray(shape=(4, None), dtype=int32, nbytes=64)"
    huge = RaggedArray(np.broadcast_to(np.float32(1), (10**9,)), splits(10**9))
    assert repr(huge) == "RaggedArray(shape=(1, None), dtype=float32, nbytes=4000000016)"
    text = RaggedArray(strings(b"a" * 10**6), splits(1, dtype="int32"))
    assert repr(text) == "RaggedArray(shape=(1, None), dtype=string, nbytes=16)"


def test_holds_its_parts_as_given_and_frozen(sample: RaggedArray) -> None:
    values, row_splits = np.arange(3), splits(1, 2, dtype="int32")
    ragged = RaggedArray(values, row_splits)
    assert ragged.values is values
    assert ragged.row_splits is row_splits
    with pytest.raises(AttributeError):
        ragged.values = values  # type: ignore[misc]
    assert_same(pickle.loads(pickle.dumps(sample)), sample)
    assert_same(copy.deepcopy(sample), sample)
    assert sample == sample
    assert sample != copy.deepcopy(sample)
    assert hash(sample) == hash(sample)


@pytest.mark.parametrize(
    ("row_splits", "found"),
    [
        ([0, 3], "is a list"),
        (np.array([[0, 3]]), "has shape (1, 2) and dtype int64"),
        (np.array([0.0, 3.0]), "has shape (2,) and dtype float64"),
        (np.array([], np.int64), "has shape (0,) and dtype int64"),
        (np.array(3), "has shape () and dtype int64"),
        (np.array([1, 3]), "goes from 1 to 3"),
        (np.array([0, 2]), "goes from 0 to 2"),
        (np.array([0, 4]), "goes from 0 to 4"),
        (np.array([0]), "goes from 0 to 0"),
        (np.array([-1, 3]), "goes from -1 to 3"),
        (np.array([0, 1, 3, 2, 3]), "falls at row 2 from 3 to 2"),
        (np.array([0, 3, 2, 3], np.uint8), "falls at row 1 from 3 to 2"),
    ],
)
def test_refuses_row_splits(row_splits: Any, found: str) -> None:
    with fails(
        InvalidArgument,
        f"row_splits {found}; it must be a 1-D integer ndarray that rises from 0 to 3, the length of values: "
        "np.cumsum([0, *row_lengths]) makes one",
    ):
        RaggedArray(np.arange(3), row_splits)


@pytest.mark.parametrize(("values", "found"), [([1], "a list"), (np.array(1), "an array of shape ()")])
def test_refuses_values(values: Any, found: str) -> None:
    with fails(InvalidArgument, f"values is {found}; give an ndarray of one axis or more, or a RaggedArray"):
        RaggedArray(values, splits(1))


def test_numpy_cannot_take_it_silently(sample: RaggedArray) -> None:
    message = "NumPy has no ragged array; call to_padded() for a dense one, or to_object()"
    for take in (np.asarray, np.array, lambda x: np.array([x, x]), lambda x: np.add(x, 1)):
        with fails(UnsupportedKind, message):
            take(sample)
