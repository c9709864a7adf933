"""What the elements of an array are like: the least, the largest, the mean. Only reading, piece by piece, may enter."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._pieces import blocks, is_integer, pieces, plain
from ._protocols import ArraySource


class Statistics(NamedTuple):
    """What an array's elements are like, those left out that are NaN.

    of: what is told of: "values", of complex numbers "magnitudes", of strings "lengths" in bytes. least, largest,
    mean: None where there is no element. total: the sum that the mean is of; exact for integers and lengths,
    accumulated in float64 for others. nans: how many elements are NaN.
    """

    of: str
    least: int | float | None
    largest: int | float | None
    mean: float | None
    nans: int
    total: int | float


def statistics(source: ArraySource) -> Statistics | None:
    """Read an array once, in bounded memory; None for one that is neither of numbers nor of strings.

    >>> from tf2numpy._sources import Plain
    >>> statistics(Plain(np.array([1.0, 2.0, np.nan])))
    Statistics(of='values', least=1.0, largest=2.0, mean=1.5, nans=1, total=3.0)
    """
    dtype = source.spec.dtype
    if not (dtype.hasobject or source.spec.is_numeric):
        return None
    of = "lengths" if dtype.hasobject else "magnitudes" if dtype.kind == "c" else "values"
    exact = dtype.hasobject or is_integer(dtype)
    count, nans, total = 0, 0, 0 if exact else 0.0
    extremes: list[Any] = []
    with np.errstate(all="ignore"):  # infinities and their sums are values like any other
        for index in pieces(source):
            for _, (block,) in blocks(source.read(index)):
                values = _numbers(block)
                if not exact:
                    numbers = ~np.isnan(values)
                    nans += values.size - int(numbers.sum())
                    values = values[numbers]
                if not values.size:
                    continue
                count += values.size
                total += _exact_sum(values) if exact else float(values.sum())
                found = [*extremes, values.min().item(), values.max().item()]
                extremes = [min(found), max(found)]
    least, largest = extremes or (None, None)
    return Statistics(of, least, largest, total / count if count else None, nans, total)


def _numbers(block: NDArray[Any]) -> NDArray[Any]:
    if block.dtype.hasobject:
        return np.fromiter(map(len, block), np.int64, block.size)
    return np.abs(plain(block)) if block.dtype.kind == "c" else plain(block)


def _exact_sum(values: NDArray[Any]) -> int:
    """Add integers up: their upper and lower halves, neither of which can overflow."""
    if values.dtype.itemsize < 8:
        return int(values.sum())
    return (int((values >> 32).sum()) << 32) + int((values & 0xFFFFFFFF).sum())
