"""StructuredValue: the structure of a dataset's elements, as a flat list of what it is made of.

Source: tensorflow/core/protobuf/struct.proto, tensorflow/python/saved_model/nested_structure_coder.py. The order is
that of tf.nest: keys of dicts sorted, which the file does not do. No dataset may enter.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from .._errors import FormatError
from .one_field import contents
from .protobuf import Buffer, Message
from .tensor_fields import sizes

DENSE, RAGGED, SPARSE, OTHER = "dense", "ragged", "sparse", "other"

_MOST_DEPTH = 100
_MOST_PARTS = 1 << 16
MOST_LEAVES = 1 << 15  # each takes a kilobyte of memory once there is an array of it
_MOST_NAME_CHARACTERS = 4096
_FREE_CHARACTERS, _MOST_RATIO = 1 << 24, 4  # of all names together, beside so many times the bytes of the structure
_NONE, _TENSOR, _TYPE, _BOUNDED, _LIST, _TUPLE, _DICT, _NAMED = 1, 33, 34, 35, 51, 52, 53, 54
_KINDS = (_NONE, _TENSOR, _TYPE, _BOUNDED, _LIST, _TUPLE, _DICT, _NAMED)
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
    walk = _Walk()
    most_characters = _FREE_CHARACTERS + _MOST_RATIO * len(data)
    for leaf in walk.of(data, (), 0):
        found.append(leaf)
        most_characters -= len(leaf.name)
        if len(found) > MOST_LEAVES:
            raise FormatError(f"the structure has more than {MOST_LEAVES} components")
        if most_characters < 0:
            raise FormatError("the names of its components are far longer together than the structure")
    return found


class _Walk:
    """A walk through a structure. What it keeps on the way down are bytes: messages take a hundred times as many."""

    def __init__(self) -> None:
        self._parts = 0

    def of(self, data: Buffer, path: tuple[str, ...], depth: int) -> Iterator[Leaf]:
        """Give the components of a value, a StructuredValue, that lies at a path."""
        if depth > _MOST_DEPTH:
            raise FormatError(f"the structure is nested more than {_MOST_DEPTH} levels deep")
        shown = "/".join(path)
        if len(shown) > _MOST_NAME_CHARACTERS:
            raise FormatError(
                f"the structure has a name of {len(shown)} characters; {_MOST_NAME_CHARACTERS} are allowed"
            )
        kind, inner = _kind_of(data, shown)
        if kind in (_TENSOR, _BOUNDED):
            spec = Message(inner)
            yield Leaf(shown, DENSE, spec.integer(3), sizes(spec.message(2)))
        elif kind == _TYPE:
            yield from _of_type(Message(inner), path)
        elif kind != _NONE:
            for name, part in self._named(kind, inner):
                yield from self.of(part, (*path, name), depth + 1)

    def _named(self, kind: int, inner: Buffer) -> Iterator[tuple[str, Buffer]]:
        """Give the parts of a list, tuple, dict or named tuple, with their names."""
        if kind in (_LIST, _TUPLE):
            yield from ((str(i), part) for i, part in self._counted(contents(inner, 1)))
            return
        pairs = (Message(pair) for _, pair in self._counted(contents(inner, 1 if kind == _DICT else 2)))
        found = [(pair.text(1), b"".join(pair.contents(2))) for pair in pairs]
        yield from sorted(dict(found).items()) if kind == _DICT else found

    def _counted(self, parts: Iterator[memoryview]) -> Iterator[tuple[int, memoryview]]:
        for place, part in enumerate(parts):
            self._parts += 1
            if self._parts > _MOST_PARTS:
                raise FormatError(f"the structure has more than {_MOST_PARTS} parts")
            yield place, part


def _kind_of(data: Buffer, shown: str) -> tuple[int, Buffer]:
    """Give the kind of a value, and the message that describes it."""
    value = Message(data)
    kinds = sorted(value.numbers)
    if len(kinds) != 1:
        raise FormatError(f"the structure at {shown!r} has the kinds {kinds[:10]}, and must have one")
    (kind,) = kinds
    if kind not in _KINDS:
        raise FormatError(f"the structure at {shown!r} has the kind {kind}, which is none of elements")
    return kind, b"".join(value.contents(kind))


def _of_type(spec: Message, path: tuple[str, ...]) -> Iterator[Leaf]:
    """Give the components of a value that is no plain tensor: a ragged or sparse one is stored as one."""
    shown, what, count = "/".join(path), spec.text(3), spec.integer(4)
    state = [Message(one) for one in spec.message(2).message(_TUPLE).contents(1)[:2]]
    if spec.integer(1) in (_SPARSE_SPEC, _RAGGED_SPEC):
        if len(state) < 2:
            raise FormatError(f"the {what} at {shown!r} does not say its shape and dtype")
        kind = RAGGED if spec.integer(1) == _RAGGED_SPEC else SPARSE
        yield Leaf(shown, kind, state[1].integer(32), sizes(state[0].message(31)), what)
        return
    if not 0 <= count <= MOST_LEAVES:
        raise FormatError(f"the {what} at {shown!r} has {count} components; {MOST_LEAVES} are allowed")
    for i in range(count):
        yield Leaf(shown if count == 1 else "/".join((*path, str(i))), OTHER, 0, None, what)
