"""String tensors: object arrays of `bytes`, NULs kept, or decoded text on request. Numbers may not enter."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._lazy import tensorflow
from .._strings import Strings
from .._types import Index


class TextArray(Strings):
    """A string tensor. TensorFlow's strings and Python's never share memory."""

    def __init__(self, x: Any, *, kind: str, device: str) -> None:
        why = "NumPy cannot view TensorFlow's strings"
        super().__init__(tuple(x.shape), kind=kind, device=device, why_no_view=why)
        self._tensor = x

    def read(self, index: Index) -> NDArray[Any]:
        """Give one region as `bytes`."""
        part = self._tensor
        if any(s.stop - s.start < n for s, n in zip(index, self._shape, strict=False)):
            with tensorflow().init_scope():  # out of any graph that is being built: the tensor is an eager one
                part = _cut(part, index)
        return _objects(part)

    def lengths(self, start: int, stop: int) -> NDArray[np.int32]:
        """Have TensorFlow count them."""
        tf = tensorflow()
        with tf.init_scope():
            part = self._tensor
            if stop - start < math.prod(self._shape):
                part = _cut(tf.reshape(part, [-1]), (slice(start, stop),))
            return np.asarray(tf.raw_ops.StringLength(input=part))


def _cut(x: Any, index: Index) -> Any:
    """Cut a region out. `x[index]` would keep a tensor of every bound in TensorFlow's cache of constants."""
    whole = [*index, *(slice(0, n) for n in x.shape[len(index) :])]
    begin = np.array([s.start for s in whole], np.int64)
    return tensorflow().raw_ops.Slice(input=x, begin=begin, size=np.array([s.stop for s in whole], np.int64) - begin)


def _objects(x: Any) -> NDArray[Any]:
    elements = x._numpy()  # new objects every time; of a scalar the element itself
    if isinstance(elements, np.ndarray):
        return elements
    array = np.empty((), object)
    array[()] = elements
    return array
