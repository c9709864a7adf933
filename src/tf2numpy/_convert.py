"""The verbs that give arrays in memory: `to_numpy` and `iter_chunks`. They join the stages and convert nothing.

Nothing that depends on a kind of value may enter this file, but for the short way of small tensors.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from . import _fetch
from ._lazy import as_written
from ._options import Replicas, request_of, resolver_of
from ._protocols import ArraySource, Group, Source
from ._types import Chunk, joined
from ._units import parse_bytes

# type -> short way, for the kinds whose small values would spend more time in dispatch than in copying.
_short_ways: dict[type, Callable[[Any, bool | None], NDArray[Any] | None]] = {}


@as_written
def to_numpy(
    x: Any,
    *,
    dtype: DTypeLike | None = None,
    copy: bool | None = True,
    out: NDArray[Any] | None = None,
    spill: str | os.PathLike[str] | None = None,
    replicas: Replicas = None,
) -> Any:
    """Turn whatever TensorFlow 2 holds into NumPy.

    x: a tensor, variable, RaggedTensor, SparseTensor, IndexedSlices, TensorArray, dataset, Keras model, layer or
        optimizer, tf.Module, lookup table, distributed value, or a structure (dict, list, tuple, dataclass ...) of
        these. Arrays, Python numbers, text and None pass through unchanged.
    dtype: cast numbers to this dtype; `str` decodes string tensors as UTF-8. Nothing is cast unless asked.
    copy: True, an independent, writable array, for one host copy; None, a read-only view where one is safe and an
        independent array elsewhere; False, a read-only view or CopyRequired. A view keeps its memory alive. A
        variable is read as a snapshot: later assignments do not show.
    out: an array of the result's shape and dtype to fill and return, for a value that becomes one array.
    spill: a file (.npy, or .h5 for a value of several arrays) to write in bounded memory; the result's arrays are
        writable memory maps of it.
    replicas: how a value that differs by replica becomes one array: "concat" along axis 0, "stack" along a new
        one, "first". By default it stays a tuple, since only the caller knows which of these is meant.

    Returns: an ndarray (never a NumPy scalar) of the tensor's shape; RaggedArray, SparseArray, a dict of weight
    path -> array, or the same structure with its leaves converted. A dataset becomes the structure of one element,
    each leaf stacked along a new axis 0; batches are concatenated. The type never depends on the data.

    Raises: SymbolicTensorError, UnsupportedKind, CopyRequired, InvalidArgument, DatasetError, HostMemoryError,
    DeviceMemoryError; and what `save` raises, with spill.

    >>> import numpy as np
    >>> to_numpy({"a": np.arange(3), "b": None}, dtype="float32")
    {'a': array([0., 1., 2.], dtype=float32), 'b': None}
    """
    if dtype is None and out is None and spill is None:
        short_way = _short_ways.get(type(x))
        if short_way is not None:
            array = short_way(x, copy)
            if array is not None:
                return array
    request = request_of(dtype, copy, out)
    source = resolver_of(replicas)(x)
    if spill is not None:
        from ._save import spilled

        return spilled(source, spill, request)
    _remember_short_way(x)
    return _fetch.fetch(source, request)


@as_written
def iter_chunks(x: Any, *, max_bytes: int | str = "64MiB", replicas: Replicas = None) -> Iterator[Chunk]:
    """Give the same as `to_numpy`, a bounded piece at a time.

    x: what `to_numpy` takes. max_bytes: host bytes alive at once, an int or text such as "64MiB"; pieces are at
    most half of that, since the caller still holds the last one while the next is made.

    Each piece is a Chunk: `name` says which array of a structure it is part of ("" if x is no structure), `index`
    where it belongs (`whole[chunk.index]`), `value` is the piece, independent and writable. Tensors and variables
    are cut along axis 0, and along further axes where one row is too large; a ragged tensor by whole rows, each
    piece a RaggedArray; a dataset by elements, each piece the structure of one element with its leaves stacked.
    Elements whose size the dataset does not state are read up to 32 at a time, or as they are batched, and cut after
    that: TensorFlow's own block of them may be larger (`dataset.ragged_batch(1)` reads them singly); an empty dataset
    gives no piece. Structures, sparse tensors and models give the pieces of each of their arrays in
    turn. A variable is a snapshot.

    Raises: InvalidArgument if max_bytes does not hold even one element, ragged row or string; what `to_numpy` does.

    >>> import numpy as np
    >>> [chunk.value.tolist() for chunk in iter_chunks(np.arange(5), max_bytes=32)]
    [[0, 1], [2, 3], [4]]
    """
    source, budget = resolver_of(replicas)(x), parse_bytes(max_bytes)
    _fetch.specs_of(source)  # the names must tell the pieces apart
    return _pieces(source, budget, "")


def _pieces(source: Source, max_bytes: int, name: str) -> Iterator[Chunk]:
    if isinstance(source, Group):
        if source.rows is not None:
            for chunk in source.rows(max_bytes // 2):
                yield Chunk(name, chunk.index, chunk.value)
            return
        for part_name, part in source.parts:
            yield from _pieces(part, max_bytes, joined(name, part_name))
    elif isinstance(source, ArraySource):
        for index in source.regions(max_bytes // 2):
            piece = source.read(index)
            yield Chunk(name, index, piece if piece.flags.writeable else np.array(piece))
    else:
        for chunk in source.pieces(max_bytes):
            yield Chunk(name, chunk.index, chunk.value)


def _remember_short_way(x: Any) -> None:
    if type(x).__name__ == "EagerTensor" and type(x) not in _short_ways:
        from .kinds.dense import short_way

        _short_ways[type(x)] = short_way
