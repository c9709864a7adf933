"""The frozen values that travel between the stages. No behaviour beyond describing themselves may enter.

`Source` and `Sink` (see `_protocols`) speak in these terms only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._dtypes import is_extended

Index = tuple[slice, ...]


@dataclass(frozen=True, slots=True)
class ArraySpec:
    """What one array will be, before any byte of it is read.

    shape: sizes of the axes; the first one is None where the number of rows is not known in advance.
    dtype: the logical NumPy dtype (bfloat16 and its kin from ml_dtypes); `object` means `bytes` elements.
    structural: the array says where others belong (row_splits, indices, a shape), so no cast may touch it.
    """

    shape: tuple[int | None, ...]
    dtype: np.dtype[Any]
    structural: bool = False

    @property
    def nbytes(self) -> int | None:
        """Bytes of the whole array; None where the rows or the elements' sizes are not known."""
        if self.dtype.hasobject or None in self.shape:
            return None
        return math.prod(n for n in self.shape if n is not None) * self.dtype.itemsize

    @property
    def is_numeric(self) -> bool:
        """Whether the elements are numbers, which alone a cast concerns."""
        return self.dtype.kind in "biufc" or is_extended(self.dtype)

    @property
    def row_nbytes(self) -> int:
        """Bytes of one row, an index into axis 0 (an `object` element counts as its pointer)."""
        return math.prod(n for n in self.shape[1:] if n is not None) * self.dtype.itemsize


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a value in host memory, and where it belongs.

    name: which array of a nested value it is part of ("" for a value that is one array).
    index: one slice per axis that was cut, with plain start and stop: `whole[chunk.index]` is this piece.
    value: the piece: an ndarray, or the RaggedArray or structure that the whole would be.
    """

    name: str
    index: Index
    value: Any


@dataclass(frozen=True, slots=True)
class Feature:
    """What each row of a table has, or may lack.

    values: the array that has its innermost values. shape: of all rows together, None for each ragged axis. missing:
    how many rows lack it; None where that is not counted.
    """

    name: str
    values: str
    dtype: np.dtype[Any]
    shape: tuple[int | None, ...]
    missing: int | None


@dataclass(frozen=True, slots=True)
class Request:
    """How one value is wanted in memory; see `to_numpy` for the meaning of each field.

    dtype: cast numbers to this; None leaves them. decode_text: turn bytes into text.
    """

    copy: bool | None = True
    dtype: np.dtype[Any] | None = None
    decode_text: bool = False
    out: NDArray[Any] | None = None

    def for_array(self, spec: ArraySpec) -> Request:
        """Give what is left of the request for one array of a value: casts concern numbers, decoding strings."""
        if self.dtype is None and not self.decode_text:
            return self
        return replace(
            self,
            dtype=self.dtype if spec.is_numeric and not spec.structural else None,
            decode_text=self.decode_text and spec.dtype.hasobject,
        )


@dataclass(frozen=True, slots=True)
class Layout:
    """How a format that leaves a choice lays arrays out; the table of sinks says which choices one leaves.

    compression: "zstd", "gzip", "blosc", "snappy", "lz4", or None. chunks: sizes of the chunks along each axis, one for
    all arrays of that many axes; None lets the sink choose. group_bytes: what a sink that takes rows together may hold
    of them until it writes them as one group.
    """

    compression: str | None = None
    chunks: tuple[int, ...] | None = None
    group_bytes: int = 16 << 20


PLAIN = Layout()


def joined(*names: str) -> str:
    """Join parts of an array's name, the empty ones left out."""
    return "/".join(name for name in names if name)
