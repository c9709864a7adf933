"""Ragged arrays for the tests: written out, drawn, or given to TensorFlow; and what makes two of them the same."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tf2numpy._ragged import RaggedArray

DTYPES = ["int8", "uint8", "int32", "int64", "uint64", "float16", "float32", "float64", "complex64", "bool"]


def splits(*lengths: int, dtype: str = "int64") -> np.ndarray:
    return np.cumsum([0, *lengths], dtype=dtype)


def strings(*items: Any) -> np.ndarray:
    array = np.empty(len(items), object)
    array[:] = items
    return array


def plain(row: Any) -> list[Any]:
    return row.to_list() if isinstance(row, RaggedArray) else row.tolist()


def assert_same(found: RaggedArray, wanted: RaggedArray) -> None:
    assert found.shape == wanted.shape
    assert found.dtype == wanted.dtype
    np.testing.assert_array_equal(found.flat_values, wanted.flat_values)
    for ours, theirs in zip(found.nested_row_splits, wanted.nested_row_splits, strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)


@st.composite
def ragged_arrays(
    draw: st.DrawFn, text: bool = False, ranks: tuple[int, int] = (1, 3), uniform: Any = None
) -> RaggedArray:
    """Rows of lengths 0 to 4, of 1 to 3 ragged axes and 0 to 2 uniform ones."""
    rank = draw(st.integers(*ranks))
    splits_dtype = draw(st.sampled_from(["int32", "int64"]))
    levels, rows = [], draw(st.integers(0, 5))
    for _ in range(rank):
        lengths = draw(st.lists(st.integers(0, 4), min_size=rows, max_size=rows))
        levels.append(splits(*lengths, dtype=splits_dtype))
        rows = sum(lengths)
    if uniform is None:
        uniform = draw(st.sampled_from([(), (2,), (1, 3), (0,)]))
    if text:
        total = rows * int(np.prod(uniform))
        items = draw(st.lists(st.binary(max_size=4), min_size=total, max_size=total))
        values: Any = strings(*items).reshape(rows, *uniform)
    else:
        values = draw(hnp.arrays(draw(st.sampled_from(DTYPES)), (rows, *uniform)))
    for level in reversed(levels):
        values = RaggedArray(values, level)
    return values


def as_tensorflow(tf: Any, ragged: RaggedArray) -> Any:
    return tf.RaggedTensor.from_nested_row_splits(ragged.flat_values, list(ragged.nested_row_splits))
