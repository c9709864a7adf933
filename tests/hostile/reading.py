"""Reads all that a damaged file still gives: an error of ours is an answer, any other is not. No format may enter."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import tf2numpy as t2n

MOST_WHOLE_BYTES = 8 << 20  # an array of which a damaged file claims more is read in part
_PIECE_BYTES = 1 << 12
_MOST_PIECES = 50

Arrays = dict[str, NDArray[Any]]


def read_all(path: Path, *, pieces: bool = True, **options: Any) -> Arrays | None:
    """Give the arrays of a file that can be read whole; None where it cannot be opened.

    What is read is of the declared shape and dtype. pieces: read again, its pieces are those of the whole.
    """
    found: Arrays = {}
    try:
        with t2n.open(path, **options) as file:
            for name in file:
                with suppress(t2n.Tf2NumpyError):
                    array = file[name]
                    if array.size * max(array.dtype.itemsize, 1) > MOST_WHOLE_BYTES:
                        _in_part(array)
                        continue
                    found[name] = whole = np.array(array)
                    assert (whole.shape, whole.dtype) == (array.shape, array.dtype), name
                    if pieces:
                        _in_pieces(array, whole)
    except t2n.Tf2NumpyError:
        return None
    return found


def place(path: Path, content: bytes) -> None:
    """Write a file anew: what is still mapped of the one before is not touched."""
    path.unlink(missing_ok=True)
    path.write_bytes(content)


def same(one: NDArray[Any], other: NDArray[Any]) -> bool:
    """Tell whether two arrays are the same to the bit."""
    if (one.shape, one.dtype) != (other.shape, other.dtype):
        return False
    return one.tolist() == other.tolist() if one.dtype.hasobject else one.tobytes() == other.tobytes()


def is_whole(found: Arrays | None, good: Mapping[str, NDArray[Any]]) -> bool:
    """Tell whether every array is one of the undamaged file, under whatever name."""
    return all(any(same(array, other) for other in good.values()) for array in (found or {}).values())


def is_of_elements(found: Arrays | None, good: Mapping[str, NDArray[Any]]) -> bool:
    """Tell whether every element is one of the undamaged file: records may be missing, and what has one shape then is
    stacked. Arrays that say where others begin do not count.
    """
    known = set[Any]().union(*map(_elements, good.values()))
    counted = (array for name, array in (found or {}).items() if not name.endswith(("row_splits", "shape")))
    return all(_elements(array) <= known for array in counted)


def _elements(array: NDArray[Any]) -> set[Any]:
    flat = array.reshape(-1)
    return set(flat.tolist() if array.dtype.hasobject else flat.view(f"V{array.itemsize}").tolist())


def _in_part(array: t2n.LazyArray) -> None:
    """Read the first and the last element."""
    for at in (0, -1):
        if array.size:
            found = array[tuple(slice(n - 1, n) if at else slice(0, 1) for n in array.shape)]
            assert found.shape == (1,) * array.ndim


def _in_pieces(array: t2n.LazyArray, whole: NDArray[Any]) -> None:
    done = 0
    for chunk in islice(t2n.iter_chunks(array, max_bytes=_PIECE_BYTES), _MOST_PIECES):
        assert same(chunk.value, whole[(*chunk.index, ...)])  # an array even without axes
        done += math.prod(chunk.value.shape)
    assert done <= whole.size
