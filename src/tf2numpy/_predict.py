"""The verb that runs a model: `predict`. It joins inputs, model and output, and converts nothing.

How a batch is run, and what becomes of its outputs, may not enter.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from numpy.typing import DTypeLike

from . import _fetch, _registry
from ._errors import InvalidArgument
from ._lazy import as_written
from ._options import layout_of, request_of, resolver_of
from ._protocols import Source
from ._save import to_file


@as_written
def predict(
    model: Any,
    data: Any,
    path: str | os.PathLike[str] | None = None,
    *,
    batch_size: int | None = None,
    format: str | None = None,
    max_bytes: int | str = "64MiB",
    dtype: DTypeLike | None = None,
    padded_shape: Sequence[int | None] | None = None,
    pad_value: Any = 0,
    compression: str | None = None,
    chunks: Sequence[int] | None = None,
    overwrite: bool = False,
    resume: bool = False,
    verify: bool = False,
    progress: bool | Callable[[int, int | None], None] | None = None,
) -> Any:
    """Run a model over data batch by batch; give the outputs as arrays, or write them to a file as they come.

    model: a Keras model, a signature of a loaded SavedModel, or any callable that takes a batch and gives tensors or
        arrays, or a structure of them, whose first axis is the batch.
    data: a dataset (of a Keras model's (inputs, targets) or (inputs, targets, weights) only the inputs are used), an
        array or a structure of arrays, or an open file or one of its arrays, which are read batch by batch.
    path: where to write; without it the outputs are gathered in memory.
    batch_size: rows to a batch; 32, or as the dataset is batched, by default.
    padded_shape: for outputs whose size varies by batch: a size for each axis beyond the first, None for an axis as it
        is; smaller outputs are filled up with pad_value. Without it such outputs become a RaggedArray.
    The other options are those of `save`.

    Returns: the structure of the outputs, stacked along axis 0, in memory preallocated where the number of rows is
    known; or the path. Nothing is joined on the device, and each batch leaves it before the next but one starts.

    Raises: DatasetError for outputs that cannot be stacked; InvalidArgument; what the model itself raises, with the
    number of the batch; and what `to_numpy`, or with a path `save`, raises.

    >>> import numpy as np, tensorflow as tf, tf2numpy as t2n
    >>> t2n.predict(lambda x: tf.reduce_sum(x, -1), np.arange(6.0).reshape(3, 2))
    array([1., 5., 9.])
    """
    if path is None and (resume or verify or format or compression or chunks):
        raise InvalidArgument("resume, verify, format, compression and chunks concern a file; give a path too")
    if batch_size is not None and batch_size < 1:
        raise InvalidArgument(f"batch_size={batch_size} is no number of rows; give 1 or more")
    source = _source(model, data, batch_size, padded_shape, pad_value)
    request = request_of(dtype, True, None)
    if path is None:
        return _fetch.fetch(source, request)
    return to_file(
        source,
        path,
        request,
        format=format,
        max_bytes=max_bytes,
        layout=layout_of(compression, chunks),
        overwrite=overwrite,
        resume=resume,
        verify=verify,
        progress=progress,
    )


def _source(
    model: Any, data: Any, batch_size: int | None, padded_shape: Sequence[int | None] | None, pad_value: Any
) -> Source:
    if "tensorflow" not in sys.modules:
        raise InvalidArgument("predict runs a TensorFlow model, and TensorFlow is not loaded; import tensorflow first")
    padding = None
    if padded_shape is not None:
        padding = _registry.load("prediction:Padding", "kinds")(tuple(padded_shape), pad_value)
    call = _registry.load("_model:callable_of", "kinds")(model)
    batches = _registry.load("_inputs:batches_of", "kinds")(model, data, batch_size)
    source: Source = _registry.load("prediction:PredictionSource", "kinds")(call, batches, resolver_of(None), padding)
    return source
