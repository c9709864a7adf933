"""The outputs of a model over batches of inputs, as rows. Which verb wants them may not enter.

The model is traced once over the batches' specification, which says what its outputs are before any batch is run;
one that cannot be traced is run on the first batch instead. Each batch's outputs leave the device before the next but
one is started, and nothing is joined there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import numpy as np
import optree
from numpy.typing import NDArray

from .. import _dtypes
from .._errors import DatasetError, InvalidArgument, Tf2NumpyError, at_leaf
from .._lazy import tensorflow
from .._protocols import Resolve
from .._sources import gather
from .._types import Request
from ._block_rows import BlockRows


class Batches:
    """Batches of inputs that can be gone through from any one on.

    rows: how many there are in all; None if that is not known. spec: the structure of one batch, of TensorSpecs.
    """

    rows: int | None
    spec: Any

    def __init__(self, rows: int | None, spec: Any, start_at: Callable[[int], Iterator[Any]]) -> None:
        self.rows, self.spec, self.start_at = rows, spec, start_at


class PredictionSource(BlockRows):
    """What a callable gives for each row of its inputs."""

    kind, device = "prediction", "the model's device"
    element = "output"

    def __init__(self, call: Callable[[Any], Any], batches: Batches, resolve: Resolve, padded: Padding | None) -> None:
        self._resolve, self._batches, self._padded = resolve, batches, padded
        self._call, outputs = _prepared(call, batches)
        super().__init__(_checked_all(outputs, padded), batches.rows)

    def blocks(self, block_bytes: int, skip: int, done: int) -> Iterator[list[Any]]:
        """Give the leaves of each batch's outputs in host memory, one batch behind the model; the skipped never run."""
        number, waiting = skip, None
        try:
            for batch in chain(self._batches.start_at(skip), (None,)):
                started = None if batch is None else self.treespec.flatten_up_to(self._call(batch))
                if waiting is not None:
                    yield self._on_host(waiting)
                    number += 1
                waiting = started
        except Tf2NumpyError:
            raise
        except Exception as error:
            error.add_note(f"while predicting, after {number} batches")
            raise

    def _on_host(self, leaves: list[Any]) -> list[Any]:
        arrays = [gather(self._resolve(leaf), Request(copy=None)) for leaf in leaves]
        arrays = arrays if self._padded is None else [self._padded(array) for array in arrays]
        for array, name, spec in zip(arrays, self.labels, self.block_specs, strict=True):
            if isinstance(array, np.ndarray) and not spec.shape.is_compatible_with(array.shape):
                raise DatasetError(
                    f"{name} has shape {array.shape} here, and {tuple(spec.shape)} before, from which its kind was "
                    "taken; give padded_shape=, or a model that TensorFlow can trace, whose outputs of varying size "
                    "become ragged"
                )
        return arrays


class Padding:
    """Pads the axes of each output beyond the first to one shape.

    shape: a size for each of those axes; None leaves an axis as it is. value: what is put there.
    """

    def __init__(self, shape: tuple[int | None, ...], value: Any) -> None:
        self.shape, self.value = shape, value

    def __call__(self, array: Any) -> NDArray[Any]:
        """Pad one batch; ragged ones become dense.

        Raises: InvalidArgument for an output that is larger.
        """
        if not isinstance(array, np.ndarray):
            array = array.to_padded(self.value)
        sizes = self.sizes(array.shape)
        if any(found > size for found, size in zip(array.shape[1:], sizes, strict=True)):
            raise InvalidArgument(
                f"a batch has outputs of shape {array.shape[1:]}, larger than padded_shape={self.shape}; "
                "give a larger one"
            )
        if sizes == array.shape[1:]:
            return array  # type: ignore[no-any-return]
        padded = np.full((len(array), *sizes), self.value, array.dtype)
        padded[(slice(None), *(slice(0, n) for n in array.shape[1:]))] = array
        return padded

    def sizes(self, shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """Give the sizes of the axes beyond the first after padding.

        Raises: InvalidArgument if there are more or fewer axes.
        """
        if len(shape) - 1 != len(self.shape):
            raise InvalidArgument(
                f"padded_shape={self.shape} is for outputs of {len(self.shape)} axes beside the batch's, and one has "
                f"{len(shape) - 1}; give a size, or None, for each"
            )
        return tuple(found if wanted is None else wanted for found, wanted in zip(shape[1:], self.shape, strict=True))


def _prepared(call: Callable[[Any], Any], batches: Batches) -> tuple[Callable[[Any], Any], Any]:
    """Give the function to run on each batch, and the structure of its outputs as specifications."""
    tf = tensorflow()
    try:
        traced = tf.function(call).get_concrete_function(batches.spec)
    except Exception:  # it is no TensorFlow code alone, such as a function over NumPy arrays
        first = next(batches.start_at(0), None)
        if first is None:
            raise DatasetError(
                "there is no batch to predict, and this callable cannot be traced to say what it would give; "
                "give at least one row"
            ) from None
        return call, tf.nest.map_structure(_spec_of, call(first))
    return traced, traced.structured_outputs


def _spec_of(output: Any) -> Any:
    """Say what an output is, whose rows may be more or fewer in other batches."""
    tf = tensorflow()
    spec = tf.type_spec_from_value(output if tf.is_tensor(output) else tf.convert_to_tensor(output))
    if not isinstance(spec, tf.TensorSpec):
        return spec
    return tf.TensorSpec([None, *spec.shape[1:]] if spec.shape.rank else spec.shape, spec.dtype)


def _checked_all(outputs: Any, padded: Padding | None) -> Any:
    accessors, specs, treespec = optree.tree_flatten_with_accessor(outputs, none_is_leaf=True)
    checked = []
    for accessor, spec in zip(accessors, specs, strict=True):
        with at_leaf(accessor.codify("output")):
            checked.append(_checked(spec, padded))
    return treespec.unflatten(checked)


def _checked(spec: Any, padded: Padding | None) -> Any:
    """Refuse outputs that are no rows; give the specification after padding."""
    tf = tensorflow()
    if type(spec).__name__ == "NoneTensorSpec" or spec is None:
        raise DatasetError("this output is None; return only tensors")
    if spec.shape.rank is None:
        raise DatasetError(
            "an output of unknown rank cannot be stacked; say its shape in the model: tf.ensure_shape(y, [None, 10])"
        )
    if not spec.shape.rank:
        raise DatasetError("an output without a batch axis cannot be stacked; return one value for each row")
    if _dtypes.from_enum(spec.dtype.as_datatype_enum) is None:
        raise DatasetError(f"an output of {spec.dtype.name} is a handle, not an array; return only tensors of numbers")
    shape = [None, *spec.shape[1:]]
    if padded is not None:
        return tf.TensorSpec([None, *padded.sizes(tuple(shape))], spec.dtype)
    return tf.TensorSpec(shape, spec.dtype) if isinstance(spec, tf.TensorSpec) else spec
