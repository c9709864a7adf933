"""TensorArray, Optional, ExtensionType and other composite tensors: their parts, stacked or by field."""

from __future__ import annotations

from typing import Any

from .._errors import UnsupportedKind, at_leaf
from .._lazy import tensorflow
from .._protocols import Group, Resolve, Source
from .._sources import constant, nothing


def tensor_array(x: Any, resolve: Resolve) -> Source:
    """Stack the elements of a TensorArray along a new axis 0; the TensorArray keeps them.

    Raises: UnsupportedKind if they differ in shape, or if one of them has no value.
    """
    tf = tensorflow()
    eager: Any = getattr(x, "_implementation", None)
    missing = [i for i, element in enumerate(getattr(eager, "_tensor_array", ())) if element is None]
    for number in missing:  # TensorFlow would put zeros in their place
        if number in eager._previously_read_indices:
            raise UnsupportedKind(
                f"element {number} of this TensorArray was read before, which cleared it; "
                "make the TensorArray with clear_after_read=False"
            )
    if missing and not x.element_shape.is_fully_defined():
        raise UnsupportedKind(
            f"element {missing[0]} of this TensorArray was never written, and its shape is not known; "
            "write it, or make the TensorArray with element_shape="
        )
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
    parts: list[tuple[str, Source]] = []
    for name in names:
        with at_leaf(f"x.{name}"):
            parts.append((name, _field(getattr(x, name), resolve)))
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
    tf = tensorflow()
    descriptions = (tf.TensorShape, tf.DType, tf.TypeSpec)
    leaves = tf.nest.flatten(value)
    if leaves and all(isinstance(leaf, descriptions) for leaf in leaves):  # no array is hidden in them
        return constant(value)
    return resolve(value)
