"""TensorArray, Optional, ExtensionType and other composite tensors: their parts, stacked or by field."""

from __future__ import annotations

from typing import Any

from .._errors import Tf2NumpyError, UnsupportedKind
from .._lazy import tensorflow
from .._protocols import Group, Resolve, Source
from .._sources import nothing
from .nested import constant


def tensor_array(x: Any, resolve: Resolve) -> Source:
    """Stack the elements of a TensorArray along a new axis 0; the TensorArray keeps them.

    Raises: UnsupportedKind if they differ in shape.
    """
    tf = tensorflow()
    try:
        stacked = x.stack()
    except tf.errors.InvalidArgumentError as error:
        raise UnsupportedKind(
            f"the {int(x.size())} elements of this TensorArray differ in shape and cannot be stacked; "
            "convert them one by one: [to_numpy(a.read(i)) for i in range(a.size())]"
        ) from error
    return resolve(stacked)


def optional(x: Any, resolve: Resolve) -> Source:
    """Give what an Optional holds, or None where it is empty."""
    if not tensorflow().executing_eagerly():
        from .symbolic import refuse_in_graph

        refuse_in_graph("an Optional")
    return resolve(x.get_value()) if bool(x.has_value()) else nothing()


def extension_type(x: Any, resolve: Resolve) -> Group:
    """Give a dict of the fields of a tf.experimental.ExtensionType, tensors converted, the rest as it is."""
    names = [field.name for field in type(x)._tf_extension_type_fields()]
    parts = {name: _field(getattr(x, name), resolve) for name in names}
    return Group(
        "extension type",
        parts,
        lambda built: dict(zip(names, built, strict=True)),
        labels=tuple(f"x.{name}" for name in names),
    )


def composite(x: Any, resolve: Resolve) -> Source:
    """Give the components of any other CompositeTensor, in the structure its type spec gives them."""
    return resolve(x._type_spec._to_components(x))


def _field(value: Any, resolve: Resolve) -> Source:
    try:
        return resolve(value)
    except Tf2NumpyError:
        if type(value).__module__.startswith("tensorflow.") and hasattr(value, "dtype"):
            raise
        return constant(value)  # a shape, a dtype, a name: no array is hidden in it
