"""What a model is run over, as batches that can be gone through from any one on. What the model is may not enter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import optree

from .._dtypes import is_extended
from .._errors import InvalidArgument
from .._file import File
from .._lazy import tensorflow
from . import _batching
from ._model import takes_inputs_alone
from .prediction import Batches

_BATCH_SIZE = 32


def batches_of(model: Any, data: Any, batch_size: int | None) -> Batches:
    """Give the batches of a dataset, of an array, or of a structure of arrays that have equally many rows.

    Raises: InvalidArgument for data without rows, or with differing numbers of them; DatasetError for an infinite
    dataset.
    """
    if isinstance(data, tensorflow().data.Dataset):
        return _of_dataset(model, data, batch_size)
    return _of_arrays(dict(data) if isinstance(data, File) else data, batch_size or _BATCH_SIZE)


def _of_dataset(model: Any, data: Any, batch_size: int | None) -> Batches:
    if takes_inputs_alone(model) and isinstance(data.element_spec, tuple) and 1 <= len(data.element_spec) <= 3:
        data = data.map(lambda inputs, *rest: inputs)
    rows = _batching.Rows(data)
    if not rows.are_batched:
        data = data.batch(batch_size or _BATCH_SIZE)
    elif batch_size is not None:
        data = data.rebatch(batch_size)
    return Batches(rows.count, data.element_spec, lambda skip: iter(data.skip(skip) if skip else data))


def _of_arrays(data: Any, batch_size: int) -> Batches:
    leaves, treespec = optree.tree_flatten(data)
    leaves = [leaf if hasattr(leaf, "shape") else np.asarray(leaf) for leaf in leaves]
    if not leaves or any(not len(leaf.shape) for leaf in leaves):
        raise InvalidArgument("data must have rows: give a dataset, or arrays of at least one axis")
    counts = [int(leaf.shape[0]) for leaf in leaves]
    if len(set(counts)) > 1:
        raise InvalidArgument(f"the arrays of data have {counts} rows; give equally many of each")
    tf = tensorflow()

    def start_at(skip: int) -> Iterator[Any]:
        for start in range(skip * batch_size, counts[0], batch_size):
            yield treespec.unflatten([_tensor(leaf[start : start + batch_size]) for leaf in leaves])

    spec = treespec.unflatten(
        [tf.TensorSpec([None, *leaf.shape[1:]], tf.string if leaf.dtype == object else leaf.dtype) for leaf in leaves]
    )
    return Batches(counts[0], spec, start_at)


def _tensor(rows: Any) -> Any:
    tf = tensorflow()
    if isinstance(rows, np.ndarray) and is_extended(rows.dtype):
        return tf.constant(rows, tf.as_dtype(rows.dtype.name))
    return tf.convert_to_tensor(rows)
