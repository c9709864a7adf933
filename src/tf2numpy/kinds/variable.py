"""Variables, read as a snapshot: TensorFlow copies on write, so later assignments do not show in a view."""

from __future__ import annotations

from typing import Any

from .._errors import UnsupportedKind
from .._lazy import tensorflow
from .._protocols import ArraySource, Resolve
from .dense import tensor
from .symbolic import refuse_in_graph


def variable(x: Any, resolve: Resolve) -> ArraySource:
    """Give the source of a variable's value as it is now.

    Raises: UnsupportedKind if the variable was never initialised; SymbolicTensorError inside a graph.
    """
    tf = tensorflow()
    if not tf.executing_eagerly():
        refuse_in_graph(f"the variable {x.name!r}")
    try:
        value = x.value()
        # TensorFlow reads some uninitialised variables as an empty tensor of this shape, whatever theirs is.
        missing = tuple(value.shape) == (0,) and not x.is_initialized()
    except tf.errors.FailedPreconditionError:
        missing = True
    if missing:
        raise UnsupportedKind(
            f"the variable {x.name!r} has no value: it is not initialised; assign to it, or run its initializer"
        )
    return tensor(value, resolve, kind="variable")
