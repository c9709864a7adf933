"""Constants are found wherever a graph has them, and nothing else is taken for a graph."""

from pathlib import Path

import pytest

from hostile.mutate import mutations
from tf2numpy import FormatError, Tf2NumpyError
from tf2numpy.wire.graph import (
    constants,
    first_graph_end,
    is_graph,
    may_be_graph,
    meta_graphs,
    served,
    variable_names,
    variables,
)

from .messages import const, graph_def, meta_graph, node, number, objects, saved_model, tensor, text
from .test_protobuf import chunk

GOLDEN = Path(__file__).parents[1] / "golden" / "saved_model"
ONE = tensor(content=b"\0\0\x80\x3f")


def found(graph):
    return [(one.function, one.node, bytes(one.tensor)) for one in constants(graph)]


def test_constants_of_a_graph_and_its_functions():
    graph = graph_def(
        const("a", ONE),
        text(1, "b") + text(2, "Add"),
        const("scope/c", b""),
        functions={"f": [const("a", ONE), text(1, "x") + text(2, "Constant")], "g": []},
    )
    assert found(graph) == [("", "a", ONE), ("", "scope/c", b""), ("f", "a", ONE)]


def test_fields_in_any_order_and_more_than_once():
    """The last value of an attribute counts, and other attributes do not."""
    other = chunk(5, text(1, "other") + chunk(2, chunk(8, b"")))
    second = chunk(5, text(1, "value") + chunk(2, chunk(8, ONE)))
    first = chunk(5, text(1, "value") + chunk(2, chunk(8, b"")))
    backwards = first + second + other + text(2, "Const") + text(1, "a")
    function = chunk(3, backwards) + chunk(1, text(1, "f"))
    assert found(chunk(2, chunk(1, function)) + chunk(1, backwards)) == [("", "a", ONE), ("f", "a", ONE)]


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (graph_def(text(2, "Const") + chunk(5, b"")), "a constant has no name"),
        (graph_def(functions={"f": [text(2, "Const")]}), "a constant of the function 'f' has no name"),
        (graph_def(text(1, "a") + text(2, "Const")), "the constant 'a' has no value"),
        (
            graph_def(functions={"f": [text(1, "a") + text(2, "Const")]}),
            "the constant 'a' of the function 'f' has no value",
        ),
        (number(1, 5), "the field 1 has the wire type 0, and must have 2"),
        (chunk(1, b"ab"), "the field 12 at offset 0 has 8 bytes, and 1 follow"),
        (b"\x0a\x05ab", "the field 1 at offset 0 has 5 bytes, and 2 follow"),
    ],
)
def test_what_is_no_graph(graph, message):
    with pytest.raises(FormatError) as error:
        list(constants(graph))
    assert str(error.value) == message


def test_the_graph_that_counts():
    train, serve, last = (meta_graph(const(tag, ONE), (tag, "x")) for tag in ("train", "serve", "last"))
    graphs = meta_graphs(saved_model(train, serve, last))
    assert [graph.tags for graph in graphs] == [("train", "x"), ("serve", "x"), ("last", "x")]
    assert served(graphs).tags == ("serve", "x")
    assert served(meta_graphs(saved_model(train, last))).tags == ("train", "x")


def test_a_graph_in_parts_is_one():
    whole = graph_def(const("a", ONE), const("b", ONE))
    data = saved_model(chunk(2, whole[:5]) + chunk(2, whole[5:]) + chunk(7, b"x"))
    assert bytes(meta_graphs(data)[0].graph) == whole
    assert bytes(meta_graphs(data)[0].objects) == b"x"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (number(1, 1), "a SavedModel has at least one graph, and this has none"),
        (b"", "a SavedModel has at least one graph, and this has none"),
        (chunk(3, b""), "a SavedModel has no field 3 of wire type 2"),
        (number(2, 1), "a SavedModel has no field 2 of wire type 0"),
        (chunk(2, number(2, 1)), "the field 2 of its graph has the wire type 0, and must have 2"),
    ],
)
def test_what_is_no_saved_model(data, message):
    with pytest.raises(FormatError) as error:
        meta_graphs(data)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (graph_def(const("a", ONE)), True),
        (graph_def(text(1, "a") + text(2, "ns>Op.x")), True),
        (graph_def(functions={"f": []}), False),
        (graph_def(text(1, "a")), False),
        (graph_def(text(2, "Const")), False),
        (graph_def(text(1, "a") + text(2, "no op")), False),
        (graph_def(const("a", ONE) + text(8, "x")), False),
        (saved_model(meta_graph(graph_def(const("a", ONE)))), False),
        (b"", False),
        (b"\n", False),
        (b"\n\x20short", False),
    ],
)
def test_what_begins_as_a_graph(data, expected):
    assert is_graph(data) is expected
    assert may_be_graph(data) or not expected


@pytest.mark.parametrize(
    ("begin", "expected"),
    [
        (graph_def(const("a", ONE))[:20], True),
        (graph_def(text(1, "long" * 1000) + text(2, "Const")), True),
        (graph_def(text(1, "a") + text(3, "b")), False),
        (graph_def(text(1, "a") + text(2, "no op")), False),
        (graph_def(text(1, "a") + number(2, 65)), False),
        (graph_def(number(1, 65) + text(2, "Const")), False),
        (b"\n\n\n\n", False),
        (b"\n<svg>", False),
        (b"", False),
    ],
)
def test_what_may_begin_as_a_graph(begin, expected):
    assert may_be_graph(begin) is expected


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        (saved_model(meta_graph(graph_def(const("a", ONE)))), len(saved_model(meta_graph(graph_def(const("a", ONE)))))),
        (b"\x08\x01\x12\x80\x01\x0a", 5 + 128),
        (b"\x08\x01\x12\x80\x01\x12", None),  # a shape: this is a TensorProto
        (b"\x08\x01\x12\x80", None),
        (b"\x08\x01\x22\x01", None),
        (b"\x08", None),
    ],
)
def test_where_the_first_graph_of_a_saved_model_ends(begin, end):
    assert first_graph_end(begin) == end


def saved_variable(name):
    return chunk(7, text(6, name))


def test_variable_names_of_objects_that_both_graphs_refer_to_alike():
    checkpoint = objects(
        node({"w": 1, "v": 2, "opt": 3}),
        node(tensors={"w/.ATTRIBUTES/VARIABLE_VALUE": ""}),
        node(tensors={"v/.ATTRIBUTES/VARIABLE_VALUE": ""}),
        node(slots=[(1, "m", 4), (1, "v", 5)]),
        node(),
        node(),
    )
    saved = objects(
        node({"w": 1, "other": 2, "opt": 3}),
        saved_variable("dense/w"),
        saved_variable("dense/v"),
        node(slots=[(1, "m", 4), (2, "v", 5)]),
        saved_variable("Adam/m"),
        saved_variable("Adam/v"),
    )
    assert variable_names(checkpoint, saved) == {1: "dense/w", 4: "Adam/m"}
    assert list(variables(saved)) == [(1, "dense/w"), (2, "dense/v"), (4, "Adam/m"), (5, "Adam/v")]


def test_no_names_are_needed_where_all_are_known():
    checkpoint = objects(node({"w": 1}), node(tensors={"w/.ATTRIBUTES/VARIABLE_VALUE": "w"}))
    assert variable_names(checkpoint, objects(node({"w": 1}), saved_variable("w"))) == {}


@pytest.mark.parametrize("model", ["module", "keras_export", "without_variables"])
def test_damaged_models(model):
    data = (GOLDEN / model / "saved_model.pb").read_bytes()
    taken = 0
    for damaged in mutations(data, 150, seed=2):
        try:
            graph = served(meta_graphs(damaged))
            list(constants(graph.graph))
            variable_names(graph.objects, graph.objects)
        except Tf2NumpyError:
            continue
        taken += 1
    assert taken
