"""A SparseArray holds its parts as given, describes itself, and refuses parts that do not fit."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

from conformance.kind import fails
from tf2numpy._errors import InvalidArgument, UnsupportedKind
from tf2numpy._sparse import SparseArray

from .samples import at, strings


def test_describes_itself(sample: SparseArray, slices: SparseArray) -> None:
    assert (sample.dtype, sample.ndim, sample.nnz, sample.nbytes) == (np.dtype(np.int32), 2, 2, 40)
    assert repr(sample) == "SparseArray(shape=(3, 2), dtype=int32, nnz=2, nbytes=40)"
    assert (slices.dtype, slices.ndim, slices.nnz, slices.nbytes) == (np.dtype(np.float64), 2, 3, 72)
    assert repr(slices) == "SparseArray(shape=None, dtype=float64, nnz=3, nbytes=72)"
    text = SparseArray(at((0, 0)), strings(b"x" * 10**6), (1, 1))
    assert repr(text) == "SparseArray(shape=(1, 1), dtype=string, nnz=1, nbytes=24)"


def test_holds_its_parts_as_given_and_frozen(sample: SparseArray) -> None:
    indices, values = at((0,)), np.ones(1)
    sparse = SparseArray(indices, values, (1,))
    assert sparse.indices is indices
    assert sparse.values is values
    with pytest.raises(AttributeError):
        sparse.shape = (2,)  # type: ignore[misc]
    for twin in (copy.deepcopy(sample), pickle.loads(pickle.dumps(sample))):
        np.testing.assert_array_equal(twin.to_dense(), sample.to_dense(), strict=True)
        assert twin != sample
    assert hash(sample) == hash(sample)


@pytest.mark.parametrize(("indices", "values", "name"), [([[0]], np.ones(1), "indices"), (at(0), [1], "values")])
def test_refuses_lists(indices: Any, values: Any, name: str) -> None:
    with fails(InvalidArgument, f"{name} is a list; give an ndarray"):
        SparseArray(indices, values, (1,))


@pytest.mark.parametrize(
    ("indices", "found"),
    [
        (np.zeros(1, np.int64), "shape (1,) and dtype int64"),
        (np.zeros((1, 1), np.int32), "shape (1, 1) and dtype int32"),
        (np.zeros((1, 1, 1), np.int64), "shape (1, 1, 1) and dtype int64"),
    ],
)
def test_refuses_indices(indices: np.ndarray, found: str) -> None:
    with fails(InvalidArgument, f"indices has {found}; give an int64 ndarray of shape (nnz, k), one row a value"):
        SparseArray(indices, np.ones(1), (1,))


@pytest.mark.parametrize("values", [np.array(1), np.ones(3)])
def test_refuses_values_of_another_length(values: np.ndarray) -> None:
    with fails(
        InvalidArgument,
        f"values has shape {values.shape} and indices has shape (2, 1); "
        "give one value, or slice of values, for each row of indices",
    ):
        SparseArray(at(0, 1), values, (4,))


@pytest.mark.parametrize("shape", [[2, 2], (2.0, 2), (2, -1), (None, 2), 4, (np.int64(2), 2)])
def test_refuses_shapes_that_are_none(shape: Any) -> None:
    with fails(InvalidArgument, f"shape is {shape!r}; give a tuple of ints, none negative, or None if unknown"):
        SparseArray(at((0, 0)), np.ones(1), shape)


@pytest.mark.parametrize(
    ("inner", "shape"), [((2,), (3,)), ((2,), (3, 4, 5)), ((2,), (3, 4, 2, 1)), ((2,), ()), ((), (3,))]
)
def test_refuses_a_shape_that_does_not_fit(inner: tuple[int, ...], shape: tuple[int, ...]) -> None:
    with fails(
        InvalidArgument,
        f"indices of shape (1, 2) and values of shape {(1, *inner)} do not fit shape={shape}; "
        "give indices of shape (nnz, k) and values of shape (nnz, *shape[k:])",
    ):
        SparseArray(at((0, 0)), np.ones((1, *inner)), shape)


@pytest.mark.parametrize(
    ("place", "shape"), [((1, 2), (2, 2)), ((2, 0), (2, 2)), ((-1, 0), (2, 2)), ((0, -1), None), ((0, 0), (0, 2))]
)
def test_refuses_places_outside(place: tuple[int, int], shape: Any) -> None:
    good = (0, 0) if shape != (0, 2) else place
    row = 1 if good != place else 0
    with fails(
        InvalidArgument,
        f"indices[{row}] is {place}, outside the shape {shape}; each index must be at least 0 and less than its axis",
    ):
        SparseArray(at(good, place), np.ones(2), shape)


def test_numpy_cannot_take_it_silently(sample: SparseArray) -> None:
    message = "NumPy has no sparse array; call to_dense() for a dense one, or use its parts"
    for take in (np.asarray, np.array, lambda x: np.array([x, x]), lambda x: np.add(x, 1)):
        with fails(UnsupportedKind, message):
            take(sample)
