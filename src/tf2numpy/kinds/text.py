"""String tensors: object arrays of `bytes`, NULs kept, or decoded text on request. Numbers may not enter."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import _spans
from .._errors import CopyRequired
from .._host import check_out
from .._lazy import tensorflow
from .._protocols import ArraySource
from .._text import decode
from .._types import ArraySpec, Index, Request

# What CPython 3.11 takes for one element beside its bytes: the array's pointer and the header of `bytes`.
_ELEMENT_OVERHEAD_BYTES = 8 + 33


class TextArray(ArraySource):
    """A string tensor. TensorFlow's strings and Python's never share memory, so there is no view."""

    def __init__(self, x: Any, *, kind: str, device: str) -> None:
        self.kind, self.device = kind, device
        self.spec = ArraySpec(tuple(x.shape), np.dtype(object))
        self._tensor = x

    def host_bytes(self, request: Request) -> int:
        """Bytes of the elements and of the array of pointers."""
        return int(self._row_ends()[-1])

    def fetch(self, request: Request) -> NDArray[Any]:
        """Give all elements as `bytes`, or as text when asked."""
        if request.copy is False and request.out is None:
            raise CopyRequired(
                "copy=False allows only a view, and NumPy cannot view TensorFlow's strings; pass copy=None or copy=True"
            )
        array = self._objects(self._tensor)
        result = decode(array) if request.decode_text else array
        if request.out is None:
            return result
        check_out(request.out, result.shape, result.dtype)
        request.out[...] = result
        return request.out

    def read(self, index: Index) -> NDArray[Any]:
        """Give one region as `bytes`."""
        with tensorflow().init_scope():  # out of any graph that is being built: the tensor is an eager one
            return self._objects(self._tensor[index] if index else self._tensor)

    def regions(self, max_bytes: int) -> Iterator[Index]:
        """Cut by rows, counting each element's own length."""
        if not self.spec.shape:
            yield ()
            return
        for start, stop in _spans.row_spans(self._row_ends(), max_bytes):
            yield (slice(start, stop),)

    def bytes_before(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Look the row numbers up in the running total of lengths."""
        ends: NDArray[np.int64] = self._row_ends()[rows]
        return ends

    def _row_ends(self) -> NDArray[np.int64]:
        tf = tensorflow()
        with tf.init_scope():
            lengths = np.atleast_1d(tf.strings.length(self._tensor))
        # Nothing but this one array may grow with the rows: it lives beside the pieces that are cut by it.
        ends = np.zeros(len(lengths) + 1, np.int64)
        lengths.sum(axis=tuple(range(1, lengths.ndim)), dtype=np.int64, out=ends[1:])
        ends[1:] += math.prod(lengths.shape[1:]) * _ELEMENT_OVERHEAD_BYTES
        return np.cumsum(ends, out=ends)

    @staticmethod
    def _objects(x: Any) -> NDArray[Any]:
        elements = x._numpy()  # new objects every time; of a scalar the element itself
        if isinstance(elements, np.ndarray):
            return elements
        array = np.empty((), object)
        array[()] = elements
        return array
