"""StructuredValue: the structure of a dataset's elements, as a flat list of what it is made of.

Source: tensorflow/core/protobuf/struct.proto, tensorflow/python/saved_model/nested_structure_coder.py. The order is
that of tf.nest: keys of dicts sorted, which the file does not do. No dataset may enter.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from .._errors import FormatError
from .protobuf import Buffer, Message
from .tensor_fields import sizes

DENSE, RAGGED, SPARSE, OTHER = "dense", "ragged", "sparse", "other"

_MOST_DEPTH = 100
_MOST_LEAVES = 1 << 16
_NONE, _TENSOR, _TYPE, _BOUNDED, _LIST, _TUPLE, _DICT, _NAMED = 1, 33, 34, 35, 51, 52, 53, 54
_KINDS = (_TENSOR, _TYPE, _BOUNDED, _LIST, _TUPLE, _DICT, _NAMED)
_SPARSE_SPEC, _RAGGED_SPEC = 1, 3


class Leaf(NamedTuple):
    """One component of the elements, in the order in which they are stored.

    name: the path to it, as `save` names what a dataset has. kind: "dense", "ragged", "sparse", or "other", of which
    only the component is known. enum: TensorFlow's number of the dtype of its values; 0 if not known. shape: None where
    not even the rank is known, -1 for a size that is not; of ragged and sparse tensors too, the whole one.
    what: the class, for messages.
    """

    name: str
    kind: str
    enum: int
    shape: tuple[int, ...] | None
    what: str = "tensor"


def leaves(data: Buffer) -> list[Leaf]:
    """Read the structure of elements: their components, flat. What is None in every element has none.

    Raises: FormatError for values that are no structure of specs, and for one too deep or too large.
    """
    found = []
    for leaf in _walk(Message(data), (), 0):
        found.append(leaf)
        if len(found) > _MOST_LEAVES:
            raise FormatError(f"the structure has more than {_MOST_LEAVES} components")
    return found


def _walk(value: Message, path: tuple[str, ...], depth: int) -> Iterator[Leaf]:
    if depth > _MOST_DEPTH:
        raise FormatError(f"the structure is nested more than {_MOST_DEPTH} levels deep")
    shown = "/".join(path)
    kinds = sorted(value.numbers)
    if len(kinds) != 1:
        raise FormatError(f"the structure at {shown!r} has the kinds {kinds}, and must have one")
    (kind,) = kinds
    if kind == _NONE:
        return
    if kind not in _KINDS:
        raise FormatError(f"the structure at {shown!r} has the kind {kind}, which is none of elements")
    inner = value.message(kind)
    parts: list[tuple[str, Message]]
    if kind in (_TENSOR, _BOUNDED):
        yield Leaf(shown, DENSE, inner.integer(3), sizes(inner.message(2)))
        return
    if kind == _TYPE:
        yield from _of_type(inner, path)
        return
    if kind in (_LIST, _TUPLE):
        parts = [(str(i), part) for i, part in enumerate(inner.messages(1))]
    elif kind == _DICT:
        fields = {field.text(1): field.message(2) for field in inner.messages(1)}
        parts = sorted(fields.items())
    else:
        parts = [(pair.text(1), pair.message(2)) for pair in inner.messages(2)]
    for name, part in parts:
        yield from _walk(part, (*path, name), depth + 1)


def _of_type(spec: Message, path: tuple[str, ...]) -> Iterator[Leaf]:
    """Give the components of a value that is no plain tensor: a ragged or sparse one is stored as one."""
    shown, what, count = "/".join(path), spec.text(3), spec.integer(4)
    state = spec.message(2).message(_TUPLE).messages(1)
    if spec.integer(1) in (_SPARSE_SPEC, _RAGGED_SPEC):
        if len(state) < 2:
            raise FormatError(f"the {what} at {shown!r} does not say its shape and dtype")
        kind = RAGGED if spec.integer(1) == _RAGGED_SPEC else SPARSE
        yield Leaf(shown, kind, state[1].integer(32), sizes(state[0].message(31)), what)
        return
    if not 0 <= count <= _MOST_LEAVES:
        raise FormatError(f"the {what} at {shown!r} has {count} components; {_MOST_LEAVES} are allowed")
    for i in range(count):
        yield Leaf(shown if count == 1 else "/".join((*path, str(i))), OTHER, 0, None, what)
