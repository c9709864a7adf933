"""Graphs: what a SavedModel has, the constants of a graph and of its functions. Their values may not enter.

Source: tensorflow/core/protobuf/{saved_model,meta_graph,saved_object_graph}.proto and tensorflow/core/framework/
{graph,function,op_def,node_def,attr_value}.proto. Graphs can be large: they are gone through field by field, and only
what is given is kept of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from .._errors import FormatError
from ._trackables import Trackables
from .one_field import content, contents, text
from .protobuf import BYTES, VARINT, Buffer, field_at, fields, varint

_CONST, _VALUE = b"Const", b"value"
_MOST_OF_NODE = 7  # the last field of a NodeDef
_OP = re.compile(rb"[A-Za-z_][A-Za-z0-9_>.]*")  # some of those that start with "_" are made by TensorFlow itself
_SERVE = "serve"
_MOST_GRAPHS = 1 << 12  # and parts of one: each takes hundreds of times the memory that it needs in a file
_VERSION_KEY, _GRAPH_KEY = 1 << 3 | VARINT, 2 << 3 | BYTES
_INFO_KEY = bytes([1 << 3 | BYTES])  # of a MetaGraphDef's first field


class MetaGraph(NamedTuple):
    """One graph of a SavedModel: its tags, its GraphDef, its SavedObjectGraph; empty where it has none."""

    tags: tuple[str, ...]
    graph: memoryview
    objects: memoryview


class Constant(NamedTuple):
    """A constant: the function it is in ("" for the graph itself), its node, its TensorProto."""

    function: str
    node: str
    tensor: memoryview


def meta_graphs(data: Buffer) -> list[MetaGraph]:
    """Read what a serialized SavedModel has.

    Raises: FormatError for what is no SavedModel.
    """
    found = []
    for number, kind, value in fields(data):
        if (number, kind) not in ((1, VARINT), (2, BYTES)):
            raise FormatError(f"a SavedModel has no field {number} of wire type {kind}")
        if number == 2:
            found.append(_meta_graph(value))
        if len(found) > _MOST_GRAPHS:
            raise FormatError(f"a SavedModel with more than {_MOST_GRAPHS} graphs is none that is written")
    if not found:
        raise FormatError("a SavedModel has at least one graph, and this has none")
    return found


def served(graphs: list[MetaGraph]) -> MetaGraph:
    """Choose the graph that is meant for use: the first that is tagged "serve", else the first."""
    return next((graph for graph in graphs if _SERVE in graph.tags), graphs[0])


def first_graph_end(begin: Buffer) -> int | None:
    """Give where the first graph of a SavedModel ends, by the first bytes of it; None if they begin no SavedModel.

    A TensorProto of dtype 1 begins the same way, but its second field, a shape, does not begin with a field 1; a graph
    always does: with what TensorFlow notes of itself.
    """
    view = memoryview(begin)
    try:
        _, at = varint(view, 1)
        key, at = varint(view, at)
        size, at = varint(view, at)
    except FormatError:
        return None
    begins = (view[0], key, bytes(view[at : at + 1])) == (_VERSION_KEY, _GRAPH_KEY, _INFO_KEY)
    return at + size if begins else None


def may_be_graph(begin: Buffer) -> bool:
    """Tell by its first bytes whether a file may be a GraphDef: a node, its name, its operation, as all write them."""
    view = memoryview(begin)
    try:
        _, at = varint(view, 1)
        name, kind, _, at = field_at(view, at)
        operation, op_kind, op, _ = field_at(view, at)
        return (name, kind, operation, op_kind) == (1, BYTES, 2, BYTES) and _OP.fullmatch(op) is not None
    except FormatError:
        return False


def is_graph(data: Buffer) -> bool:
    """Tell whether bytes begin as a GraphDef does: with a node that has a name and an operation."""
    try:
        number, kind, node = next(fields(data), (0, 0, b""))
        if (number, kind) != (1, BYTES) or any(number > _MOST_OF_NODE for number, _, _ in fields(node)):
            return False
        return len(content(node, 1)) > 0 and _OP.fullmatch(content(node, 2)) is not None
    except FormatError:
        return False


def constants(graph: Buffer) -> Iterator[Constant]:
    """Give the constants of a serialized GraphDef, those of each function after those of the graph, in its order.

    Raises: FormatError for what is no graph, and for a constant without a name or value.
    """
    yield from _of_nodes(graph, 1, "")
    for library in contents(graph, 2):
        for function in contents(library, 1):
            yield from _of_nodes(function, 3, text(content(function, 1), 1))


def variable_names(graph: Buffer, objects: Buffer) -> dict[int, str]:
    """Give the names that variables have in a SavedObjectGraph, by their numbers in the checkpoint's object graph.

    TensorFlow numbers the objects of both alike; an object counts where both refer to it alike. None are given where
    the checkpoint's graph knows all full names itself, as those written since TensorFlow 2.6 do.
    Raises: FormatError for what is no object graph.
    """
    ours = Trackables(graph)
    if all(name for _, name in ours.tensors.values()):
        return {}
    theirs = Trackables(objects)
    alike = {edge.child for edge in set(ours.edges()) & set(theirs.edges())}
    alike |= {slot.variable for slot in set(ours.slots) & set(theirs.slots)}
    return {number: name for number, name in variables(objects) if number in alike and name}


def variables(objects: Buffer) -> Iterator[tuple[int, str]]:
    """Give the numbers and names of the objects of a SavedObjectGraph that are variables.

    Raises: FormatError for what is no object graph.
    """
    for number, node in enumerate(contents(objects, 1)):
        for variable in contents(node, 7):
            yield number, text(variable, 6)


def _meta_graph(data: memoryview) -> MetaGraph:
    """Read the fields that matter; each is a message, and one that comes in parts is put together."""
    parts: dict[int, list[memoryview]] = {1: [], 2: [], 7: []}
    for number, kind, value in fields(data):
        if kind != BYTES:
            raise FormatError(f"the field {number} of its graph has the wire type {kind}, and must have {BYTES}")
        if number in parts:
            parts[number].append(value)
            if len(parts[number]) > _MOST_GRAPHS:
                raise FormatError(f"the field {number} of its graph comes in more than {_MOST_GRAPHS} parts")
    tags = tuple(str(tag, "utf-8", "replace") for info in parts[1] for tag in contents(info, 4))
    return MetaGraph(tags, _joined(parts[2]), _joined(parts[7]))


def _joined(parts: list[memoryview]) -> memoryview:
    return parts[0] if len(parts) == 1 else memoryview(b"".join(parts))


def _of_nodes(data: Buffer, number: int, function: str) -> Iterator[Constant]:
    """Give the constants among the nodes in a field of a graph or function."""
    for node in contents(data, number):
        if content(node, 2) != _CONST:
            continue
        name, where = text(node, 1), f" of the function {function!r}" if function else ""
        if not name:
            raise FormatError(f"a constant{where} has no name")
        tensors = [
            tensor
            for attribute in contents(node, 5)
            if content(attribute, 1) == _VALUE
            for tensor in contents(content(attribute, 2), 8)
        ]
        if not tensors:
            raise FormatError(f"the constant {name!r}{where} has no value")
        yield Constant(function, name, tensors[-1])
