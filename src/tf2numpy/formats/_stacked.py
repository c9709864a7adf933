"""Values of one name, each with its own shape, as one array or a ragged one. What the values are of may not enter."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._host import read_only
from .._protocols import ArraySource
from .._sources import HostArray, structural
from ._rows import KIND, Decode, NumberRows, Places, StringRows


class Shapes:
    """The shape of each value; equal ones are kept once."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, ...], int] = {}
        self._numbers = array("i")

    def add(self, shape: tuple[int, ...]) -> None:
        """Add that of the next value."""
        self._numbers.append(self._known.setdefault(shape, len(self._known)))

    @property
    def different(self) -> list[tuple[int, ...]]:
        """Every shape once, in the order in which they came."""
        return list(self._known)

    def each(self, of: Callable[[tuple[int, ...]], Any]) -> NDArray[np.int64]:
        """Give what `of` makes of the shape of each value."""
        found = np.array([of(shape) for shape in self._known], np.int64)
        return found[np.frombuffer(self._numbers, np.int32)]


def stacked(
    name: str, places: Places, decode: Decode, shapes: Shapes, dtype: np.dtype[Any]
) -> Iterator[tuple[str, ArraySource]]:
    """Give values along a new axis 0 where all have one shape, as rows of a ragged array where they differ in length.

    Where they differ in more than that, the rows are their elements in C order, and "shape" gives the shapes.
    """
    first, *others = shapes.different
    if not others:
        yield name, rows(places, decode, np.arange(len(places) + 1), first, dtype)
    elif all(first and shape and shape[1:] == first[1:] for shape in others):
        yield from ragged(name, places, decode, ends_of(shapes.each(lambda shape: shape[0])), first[1:], dtype)
    else:
        yield from ragged(name, places, decode, ends_of(shapes.each(math.prod)), (), dtype)
        yield from _shapes(shapes, places.device)


def ragged(
    name: str, places: Places, decode: Decode, ends: NDArray[np.int64], rest: tuple[int, ...], dtype: np.dtype[Any]
) -> Iterator[tuple[str, ArraySource]]:
    """Give the rows of all values joined, and where those of each begin and end."""
    yield f"{name}/values", rows(places, decode, ends, rest, dtype)
    yield f"{name}/row_splits", structural(held(ends, places.device))


def rows(
    places: Places, decode: Decode, ends: NDArray[np.int64], rest: tuple[int, ...], dtype: np.dtype[Any]
) -> ArraySource:
    """Give an array of numbers or strings whose rows are decoded when they are read."""
    if dtype.hasobject:
        return StringRows(places, decode, ends, rest)
    return NumberRows(places, decode, ends, rest, dtype)


def held(values: NDArray[Any], device: str) -> HostArray:
    """Give an array that was read already."""
    return HostArray(read_only(values), kind=KIND, device=device)


def ends_of(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give where each of several sizes ends, after 0."""
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])


def _shapes(shapes: Shapes, device: str) -> Iterator[tuple[str, ArraySource]]:
    ranks = {len(shape) for shape in shapes.different}
    if len(ranks) == 1:
        yield "shape", structural(held(shapes.each(lambda shape: shape), device))
        return
    ends = ends_of(shapes.each(len))
    widest = max(ranks)
    padded = shapes.each(lambda shape: shape + (-1,) * (widest - len(shape)))
    yield "shape/values", structural(held(padded[padded >= 0], device))
    yield "shape/row_splits", structural(held(ends, device))
