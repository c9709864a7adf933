"""The arrays of a table as pyarrow gives its columns. Which file that is in may not enter; nothing of ours reads it.

A column is read from its beginning, piece by piece, and only on: pieces in C order cost one pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._dtypes import is_extended
from .._types import Index, joined
from .._witness import Shown
from ..layouts.arrow_types import LONE_NAME, Noted, decoded, name_of, named_in_full, noted

# Gives a column, by its name, as arrays of pyarrow's.
Pieces = Callable[[str], Iterator[Any]]


class _Array(NamedTuple):
    """One array of a column: under how many ragged axes, and what is taken of what lies there."""

    column: str
    level: int
    part: str  # "row_splits", "values" or "missing"


def shown(pa: Any, schema: Any, name: str, pieces: Pieces) -> Shown:
    """Show the array of a name."""
    for field in schema:
        told = noted(field.metadata)
        found = _array(pa, field, told, name)
        if found is not None:
            return _shown(pa, field.type, told, found, pieces)
    raise KeyError(name)


def _array(pa: Any, field: Any, told: Noted, name: str) -> _Array | None:
    """Find the array of a name among those of a column."""
    kind, here, level = field.type, field.name if told.name is None else told.name, 0
    while True:
        if name == joined(here, "missing"):
            return _Array(field.name, level, "missing")
        is_ragged = pa.types.is_large_list(kind) and not (told.listed and not pa.types.is_large_list(kind.value_type))
        if not is_ragged:
            return _Array(field.name, level, "values") if name == (here or LONE_NAME) else None
        if name == joined(here, "row_splits"):
            return _Array(field.name, level, "row_splits")
        kind, here, level = kind.value_type, joined(here, "values"), level + 1


def _shown(pa: Any, kind: Any, told: Noted, found: _Array, pieces: Pieces) -> Shown:
    convert: Callable[[Any], NDArray[Any]] = _missing
    empty: NDArray[Any] = np.empty(0, bool)
    if found.part == "row_splits":
        empty, convert = np.empty(0, np.int64), _lengths
    elif found.part == "values":
        empty, convert = _values_of(pa, kind, told)

    def arrays() -> Iterator[NDArray[Any]]:
        yield empty  # which tells what it is if there is no other
        for piece in pieces(found.column):
            inside = piece
            for _ in range(found.level):
                there = inside.null_count < len(inside)
                inside = inside.flatten() if there else inside.values[:0]  # none of what is under null
            yield convert(inside)

    if found.part == "row_splits":
        dtype = told.splits[found.level] if told.splits else "int64"
        return _stream(lambda: _splits(arrays(), np.dtype(dtype)))
    return _stream(arrays)


def _stream(arrays: Callable[[], Iterator[NDArray[Any]]]) -> Shown:
    """Show arrays that are one, end to end."""
    rows, first = 0, None
    for array in arrays():
        rows += len(array)
        first = array[:0] if first is None else first
    assert first is not None
    stream, begin, held = arrays(), 0, first

    def read(index: Index) -> NDArray[Any]:
        nonlocal stream, begin, held
        start, stop = index[0].start, index[0].stop
        if start < begin:
            stream, begin, held = arrays(), 0, first
        while begin + len(held) < stop:
            kept = held[max(0, start - begin) :]
            begin += len(held) - len(kept)
            more = next(stream)
            held = np.concatenate([kept, more], dtype=more.dtype) if len(kept) else more
        return held[(slice(start - begin, stop - begin), *index[1:])]

    return Shown((rows, *first.shape[1:]), first.dtype, read)


def _missing(array: Any) -> NDArray[Any]:
    return np.asarray(array.is_null().to_numpy(zero_copy_only=False))


def _lengths(array: Any) -> NDArray[Any]:
    return np.asarray(array.value_lengths().fill_null(0).to_numpy(zero_copy_only=False))


def _splits(lengths: Iterator[NDArray[Any]], dtype: np.dtype[Any]) -> Iterator[NDArray[Any]]:
    yield np.zeros(1, dtype)
    end = 0
    for some in lengths:
        ends = end + np.cumsum(some)
        end = int(ends[-1]) if len(ends) else end
        yield ends.astype(dtype)


def _values_of(pa: Any, kind: Any, told: Noted) -> tuple[NDArray[Any], Callable[[Any], NDArray[Any]]]:
    """Give what makes a NumPy array of the innermost values of a column, and an empty one."""
    while pa.types.is_large_list(kind):
        kind = kind.value_type
    shape = told.shape or ()
    if 0 in shape:
        dtype = named_in_full(told.dtype)
        return np.empty((0, *shape), dtype), lambda array: np.empty((len(array), *shape), dtype)
    lists = getattr(kind, "storage_type", kind)
    single = lists.value_type if pa.types.is_fixed_size_list(lists) else lists
    dtype = decoded(name_of(pa, single), told.dtype)
    if dtype is None:
        raise TypeError(f"{single} is no {told.dtype or 'type that is written'}")

    def convert(array: Any) -> NDArray[Any]:
        there = array.drop_null()
        if single is not lists or told.listed:
            there = getattr(there, "storage", there).flatten()
        flat = _flat(there, dtype).reshape(-1, *shape)
        if not array.null_count:
            return flat
        result = np.full((len(array), *shape), _none(dtype), dtype)
        result[~_missing(array)] = flat
        return result

    return np.empty((0, *shape), dtype), convert


def _none(dtype: np.dtype[Any]) -> Any:
    """Give what stands for a value that is missing."""
    if dtype.kind in "Mm":
        return np.array("NaT", dtype)
    return b"" if dtype.hasobject else np.zeros((), dtype)


def _flat(array: Any, dtype: np.dtype[Any]) -> NDArray[Any]:
    if dtype.hasobject or dtype.kind in "SUT":
        found = np.empty(len(array), object)
        found[:] = array.to_pylist()
        return found if dtype.kind == "O" else found.astype(dtype)
    plain = np.asarray(array.to_numpy(zero_copy_only=False))
    if dtype.byteorder == ">":
        return plain.view(dtype.newbyteorder("<")).astype(dtype)
    if (dtype.kind in "Mm" and plain.dtype.kind == "i") or dtype.kind == "c" or is_extended(dtype):
        return plain.view(dtype)
    return plain
