"""SparseTensor and IndexedSlices become SparseArray over their own parts; never an object array."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._lazy import tensorflow
from .._protocols import Group, Resolve
from .._sources import Plain, nothing, structural
from .._sparse import SparseArray


def sparse(x: Any, resolve: Resolve) -> Group:
    """Give indices [nnz, rank], values [nnz] and the dense shape of a SparseTensor."""
    return _group("sparse tensor", resolve(x.indices), resolve(x.values), structural(resolve(x.dense_shape)))


def indexed_slices(x: Any, resolve: Resolve) -> Group:
    """Give indices [n, 1], values [n, ...] and the shape, where TensorFlow knows it, of IndexedSlices.

    The indices are int64 whatever TensorFlow's are, so they are always a copy.
    """
    indices = resolve(tensorflow().cast(x.indices[:, None], "int64"))
    shape = structural(resolve(x.dense_shape)) if x.dense_shape is not None else nothing()
    return _group("indexed slices", indices, resolve(x.values), shape)


def array(x: SparseArray, resolve: Resolve) -> Group:
    """Take a SparseArray of ours apart, to save it."""
    shape = nothing() if x.shape is None else structural(Plain(np.asarray(x.shape, np.int64)))
    return _group("sparse array", Plain(x.indices), Plain(x.values), shape)


def _group(kind: str, indices: Any, values: Any, shape: Any) -> Group:
    return Group(kind, [("indices", structural(indices)), ("values", values), ("shape", shape)], _build)


def _build(parts: list[Any]) -> SparseArray:
    indices, values, shape = parts
    return SparseArray(indices, values, None if shape is None else tuple(int(n) for n in shape))
