"""How the arrays of two files differ in value: how many elements, and by how much. Only reading may enter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._errors import InvalidArgument
from ._pairs import Pair, pairs
from ._pieces import blocks, is_integer, pieces, plain
from ._protocols import ArraySource, Stored
from ._selection import fits
from ._types import ArraySpec


@dataclass(slots=True)
class Difference:
    """What was found of two arrays of one shape.

    size: elements of each. differing: those that are not equal; NaN equals NaN and 0.0 equals -0.0 here. nans: of
    these, those that are NaN on one side. first: where the first one is. absolute, relative: the largest difference
    of two numbers, and the largest in proportion to the larger of the two; None where no two numbers differ.
    """

    size: int
    differing: int = 0
    nans: int = 0
    first: tuple[int, ...] | None = None
    absolute: int | float | None = None
    relative: float | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """An array of one file against its partner in another.

    name: both names where they differ. left, right: what each is; None where there is none. values: None where there
    is nothing to compare: a partner is missing, shapes differ, or only one of the two is of numbers.
    """

    name: str
    left: ArraySpec | None
    right: ArraySpec | None
    values: Difference | None

    @property
    def is_equal(self) -> bool:
        """Whether dtype, shape and every value are the same."""
        if self.left is None or self.right is None or self.values is None:
            return False
        return self.left.dtype == self.right.dtype and not self.values.differing


def compared(left: Stored, right: Stored, select: Sequence[str] = ()) -> Iterator[Comparison]:
    """Compare the arrays of two files, in the order of their names, in bounded memory.

    select: only those that one of these names or patterns fits, by any name they have in either file.
    Raises: InvalidArgument for a pattern that fits nothing; what reading raises.
    """
    found = list(pairs(left, right))
    for pattern in select:
        if not any(fits(pattern, pair.names) for pair in found):
            raise InvalidArgument(f"select={pattern!r} fits none of the {len(found)} arrays of the two")
    for pair in found:
        if not select or any(fits(pattern, pair.names) for pattern in select):
            yield _compared(pair)


def _compared(pair: Pair) -> Comparison:
    a, b = pair.left, pair.right
    if a is None or b is None:
        return Comparison(pair.shown, None if a is None else a.spec, None if b is None else b.spec, None)
    comparable = a.spec.dtype == b.spec.dtype or (a.spec.is_numeric and b.spec.is_numeric)
    values = _difference(a, b) if comparable and a.spec.shape == b.spec.shape else None
    return Comparison(pair.shown, a.spec, b.spec, values)


def _difference(a: ArraySource, b: ArraySource) -> Difference:
    shape = tuple(n or 0 for n in a.spec.shape)
    found = Difference(int(np.prod(shape, dtype=object)))
    for index in pieces(a):
        one, other = a.read(index), b.read(index)
        for start, (x, y) in blocks(one, other):
            differ = _count(found, x, y)
            if differ.any() and found.first is None:
                place = np.unravel_index(start + int(differ.argmax()), one.shape)
                begins = [s.start for s in index] + [0] * len(shape)
                found.first = tuple(int(i) + begin for i, begin in zip(place, begins, strict=False))
    return found


def _count(found: Difference, x: NDArray[Any], y: NDArray[Any]) -> NDArray[np.bool_]:
    """Add what a block shows; tell which of its elements differ."""
    if not (ArraySpec(x.shape, x.dtype).is_numeric and ArraySpec(y.shape, y.dtype).is_numeric):
        differ = np.asarray(x != y, bool)
        found.differing += int(differ.sum())
        return differ
    whole = is_integer(x.dtype) and is_integer(y.dtype)
    x, y = (plain(x), plain(y)) if whole else (_inexact(x), _inexact(y))
    if whole and np.promote_types(x.dtype, y.dtype).kind == "f":  # int64 and uint64: neither holds the other
        x, y = x.astype(object), y.astype(object)
    differ = np.asarray(x != y, bool)
    measured = differ
    if not whole:
        nan_x, nan_y = np.isnan(x), np.isnan(y)
        differ = differ & ~(nan_x & nan_y)
        measured = differ & ~(nan_x | nan_y)
        found.nans += int((nan_x ^ nan_y).sum())
    found.differing += int(differ.sum())
    if measured.any():
        (_measure_integers if whole else _measure)(found, x[measured], y[measured])
    return differ


def _inexact(array: NDArray[Any]) -> NDArray[Any]:
    return array.astype(np.float64) if is_integer(array.dtype) else plain(array)


def _measure_integers(found: Difference, x: NDArray[Any], y: NDArray[Any]) -> None:
    """Take the largest differences of integers into account, exactly: 64 bits hold each without its sign."""
    larger, smaller = np.maximum(x, y), np.minimum(x, y)
    if larger.dtype != object:
        larger, smaller = larger.astype(np.uint64), smaller.astype(np.uint64)
    apart = larger - smaller
    scale = np.maximum(np.abs(x.astype(np.float64)), np.abs(y.astype(np.float64)))
    found.absolute = max(found.absolute or 0, int(apart.max()))
    found.relative = max(found.relative or 0.0, float((apart.astype(np.float64) / scale).max()))


def _measure(found: Difference, x: NDArray[Any], y: NDArray[Any]) -> None:
    """Take the largest differences of numbers into account, none of which is NaN."""
    with np.errstate(all="ignore"):  # an infinity is infinitely far from any other number, in proportion too
        apart = np.abs(x - y)
        relative = apart / np.maximum(np.abs(x), np.abs(y))
    found.absolute = max(found.absolute or 0.0, float(apart.max()))
    found.relative = max(found.relative or 0.0, float(np.where(np.isnan(relative), np.inf, relative).max()))
