"""Sparse arrays for the tests: written out, cut from dense ones, or drawn; and a slow way to make them dense."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tf2numpy._sparse import SparseArray

NUMBERS = ["int8", "uint8", "int32", "int64", "uint64", "float16", "float32", "float64", "complex64"]


def strings(*items: Any) -> np.ndarray:
    array = np.empty(len(items), object)
    array[:] = items
    return array


def at(*places: Any) -> np.ndarray:
    return np.array(places, np.int64).reshape(len(places), -1)


def from_dense(dense: np.ndarray, k: int) -> SparseArray:
    """Keep the slices that hold anything at all, in C order."""
    used = dense.astype(bool).reshape(*dense.shape[:k], -1).any(axis=-1)
    return SparseArray(np.argwhere(used).astype(np.int64), dense[used], dense.shape)


@st.composite
def sparse_arrays(draw: st.DrawFn, dtypes: list[str] = NUMBERS, ndim: tuple[int, int] = (1, 4)) -> SparseArray:
    """Up to 8 values in any order, places repeated too, k from 1 to the number of axes."""
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=ndim[0], max_size=ndim[1])))
    k = draw(st.integers(1, len(shape)))
    places = draw(st.lists(st.tuples(*(st.integers(0, n - 1) for n in shape[:k])), max_size=8))
    dtype = np.dtype(draw(st.sampled_from(dtypes)))
    # Small whole numbers: their sums are exact whatever the order.
    numbers = draw(hnp.arrays("int8", (len(places), *shape[k:]), elements=st.integers(0, 9)))
    return SparseArray(np.array(places, np.int64).reshape(len(places), k), numbers.astype(dtype), shape)


def slow_dense(sparse: SparseArray) -> np.ndarray:
    dense = np.zeros(sparse.shape, sparse.dtype)
    for place, value in zip(sparse.indices.tolist(), sparse.values, strict=True):
        dense[tuple(place)] += value
    return dense
