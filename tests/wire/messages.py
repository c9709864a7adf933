"""Write protobuf messages of TensorFlow's, field by field, as TensorFlow would and as it would not."""

from __future__ import annotations

from .test_protobuf import chunk, encoded


def number(field, value):
    return encoded(field << 3) + encoded(value)


def text(field, value):
    return chunk(field, value.encode())


def tensor(enum=1, shape=(), content=b""):
    dims = b"".join(chunk(2, number(1, size)) for size in shape)
    return number(1, enum) + chunk(2, dims) + (chunk(4, content) if content else b"")


def const(name, value):
    """A NodeDef of a constant; value: its TensorProto."""
    attribute = text(1, "value") + chunk(2, chunk(8, value))
    return text(1, name) + text(2, "Const") + chunk(5, attribute)


def graph_def(*nodes, functions=None):
    """A GraphDef; functions: the nodes of each by name."""
    made = b"".join(chunk(1, node) for node in nodes)
    for name, inner in (functions or {}).items():
        made += chunk(2, chunk(1, chunk(1, text(1, name)) + b"".join(chunk(3, node) for node in inner)))
    return made


def meta_graph(graph=b"", tags=("serve",), objects=b""):
    made = chunk(1, b"".join(text(4, tag) for tag in tags)) + chunk(2, graph)
    return made + (chunk(7, objects) if objects else b"")


def saved_model(*meta_graphs):
    return number(1, 1) + b"".join(chunk(2, one) for one in meta_graphs)


def node(children=(), tensors=(), slots=()):
    """An object of an object graph: children by name, full names of its tensors by key, and slots."""
    made = b"".join(chunk(1, number(1, child) + text(2, name)) for name, child in dict(children).items())
    for key, full_name in dict(tensors).items():
        made += chunk(2, text(1, "VARIABLE_VALUE") + text(2, full_name) + text(3, key))
    for original, name, variable in slots:
        made += chunk(3, number(1, original) + text(2, name) + number(3, variable))
    return made


def objects(*nodes):
    """An object graph, of a checkpoint or of a SavedModel."""
    return b"".join(chunk(1, one) for one in nodes)
