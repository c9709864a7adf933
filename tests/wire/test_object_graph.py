"""Tensors get the names that the live object gives them, each another one, whatever the graph is like."""

import json
import tracemalloc
from pathlib import Path

import pytest

from hostile.mutate import mutations
from tf2numpy import FormatError, Tf2NumpyError
from tf2numpy.wire.object_graph import GRAPH_KEY, tensor_names

from .messages import node, number
from .messages import objects as graph
from .test_protobuf import chunk

GOLDEN = Path(__file__).parents[1] / "golden" / "object_graph"
NAMES = json.loads((GOLDEN / "names.json").read_text())


def golden(case):
    return (GOLDEN / f"{case}.pb").read_bytes(), list(NAMES[case])


def variable(path, full_name="Variable"):
    return node(tensors={f"{path}/.ATTRIBUTES/VARIABLE_VALUE": full_name})


def named(serialized, *paths):
    keys = [f"{path}/.ATTRIBUTES/VARIABLE_VALUE" for path in paths]
    return [one.name for one in tensor_names(serialized, keys).values()]


@pytest.mark.parametrize("case", NAMES)
def test_weights_are_called_as_the_live_object_calls_them(case):
    serialized, keys = golden(case)
    names = tensor_names(serialized, keys)
    assert list(names) == keys
    live = {key: name for key, name in NAMES[case].items() if name and not key.startswith("_all_variables")}
    assert {key: one.name for key, one in names.items() if one.role == "weight"} == live
    assert len({one.name for one in names.values()}) == len(keys)


def test_what_is_no_weight():
    names = tensor_names(*golden("keras_2_slots")).values()
    assert {one.name: one.role for one in names if one.role != "weight"} == {
        GRAPH_KEY: "bookkeeping",
        **{f"keras_api/metrics/{n}/{name}": "bookkeeping" for n in range(2) for name in ("count", "total")},
        **{f"Adam/first/{w}/{s}": "optimizer" for w in ("kernel", "bias") for s in "mv"},
        **{f"Adam/batch_normalization/{w}/{s}": "optimizer" for w in ("gamma", "beta") for s in "mv"},
        **{f"Adam/{name}": "optimizer" for name in ("iter", "beta_1", "beta_2", "decay", "learning_rate")},
    }
    names = tensor_names(*golden("module")).values()
    roles = {one.name: one.role for one in names if one.role != "weight"}
    assert roles == {GRAPH_KEY: "bookkeeping", "iterator/ITERATOR_STATE": "bookkeeping", "save_counter": "bookkeeping"}
    names = tensor_names(*golden("slots_1")).values()
    assert [one.name for one in names if one.role == "optimizer"] == [
        "v/Adam",
        "v/Adam_1",
        "opt/beta1_power",
        "opt/beta2_power",
    ]
    names = tensor_names(*golden("keras_3_export")).values()
    assert {one.name for one in names if one.role == "bookkeeping"} == {
        GRAPH_KEY,
        *(f"_all_variables/{n}" for n in range(8)),
    }


def test_all_other_names():
    found = tensor_names(*golden("keras_3"))["optimizer/_trainable_variables/0/.ATTRIBUTES/VARIABLE_VALUE"]
    assert found.full_name == found.name == "sequential/first/kernel"
    assert found.paths == (
        "model/_functional/_operations/1/kernel",
        "model/_functional/_operations/1/_kernel",
        "optimizer/_trainable_variables/0",
        "model/optimizer/_trainable_variables/0",
    )
    assert found.aliases == (*found.paths, found.key)
    found = tensor_names(*golden("module"))["net/w/.ATTRIBUTES/VARIABLE_VALUE"]
    assert found.aliases == ("net/same", "Variable", "net/w/.ATTRIBUTES/VARIABLE_VALUE")
    found = tensor_names(*golden("module"))["net/by_name/a.Sb/.ATTRIBUTES/VARIABLE_VALUE"]
    assert found.aliases == ("Variable", "net/by_name/a.Sb", "net/by_name/a.Sb/.ATTRIBUTES/VARIABLE_VALUE")


def test_full_names_known_from_elsewhere():
    serialized = graph(node({"layer-0": 1}), node({"kernel": 2, "bias": 3}), variable("l/k", ""), variable("l/b", ""))
    keys = [f"l/{name}/.ATTRIBUTES/VARIABLE_VALUE" for name in "kb"]
    names = tensor_names(serialized, keys, {2: "dense/kernel"})
    assert [(one.name, one.full_name) for one in names.values()] == [
        ("dense/kernel", "dense/kernel"),
        ("layer-0/bias", ""),
    ]


def test_one_name_for_two():
    """The keys a/b and {"a": {"b"}} of a dict, and two variables that call themselves the same."""
    serialized = graph(node({"a/b": 1, "a": 2}), variable("a.Sb"), node({"b": 3}), variable("a/b"))
    assert named(serialized, "a.Sb", "a/b") == ["a.Sb", "a/b"]
    twice = graph(node({"_l": 1}), node({"0": 2, "1": 3}), variable("x", "dense/w"), variable("y", "dense/w"))
    assert named(twice, "x", "y") == ["_l/0", "_l/1"]
    once = graph(node({"_l": 1}), node({"0": 2, "1": 3}), variable("x", "dense/w"), variable("y", "dense/v"))
    assert named(once, "x", "y") == ["dense/w", "dense/v"]


def test_a_name_that_is_the_key_of_another():
    serialized = graph(node({"a": 1}), variable("b"))
    names = tensor_names(serialized, ["a", "b/.ATTRIBUTES/VARIABLE_VALUE"])
    assert [one.name for one in names.values()] == ["a", "b"]


def test_a_name_that_is_a_whole_key_of_another():
    """The name would lead to another tensor than the key of the same text."""
    other = "b/.ATTRIBUTES/VARIABLE_VALUE"
    assert named(graph(node({other: 1, "c": 2}), variable("a"), variable("b")), "a", "b") == ["a", "c"]


def test_a_name_that_a_weight_has_already():
    lists = node({"0": 2})
    serialized = graph(
        node({"_l": 1, "keras_api": 3}), lists, variable("w", "keras_api/x"), node({"x": 4}), variable("x")
    )
    assert named(serialized, "w", "x") == ["keras_api/x", "x"]


def test_a_copy_does_not_take_the_full_name():
    """Even where the weight goes by another name."""
    root = node({"w": 1, "variables": 2, "_all_variables": 3})
    first, copy = variable("w", "dense/w"), variable("copy", "dense/w")
    assert named(graph(root, first, node({"0": 1}), node({"0": 4}), copy), "w", "copy") == ["w", "_all_variables/0"]


@pytest.mark.parametrize(
    ("label", "children", "slots"),
    [
        ("x", {"_iterations": 2, "_learning_rate": 2, "kept": 3}, ()),
        ("x", {"iter": 2, "learning_rate": 2, "kept": 3}, ()),
        ("x", {"beta1_power": 2, "kept": 3}, ()),
        ("x", {"kept": 3}, [(4, "m", 4)]),
        ("optimizer", {"kept": 3}, ()),
        ("_optimizer", {"kept": 3}, ()),
    ],
)
def test_what_is_an_optimizer(label, children, slots):
    serialized = graph(node({label: 1, "y": 2}), node(children, slots=slots), node(), variable("kept"), node())
    (found,) = tensor_names(serialized, ["kept/.ATTRIBUTES/VARIABLE_VALUE"]).values()
    assert (found.name, found.role) == (f"{label}/kept", "optimizer")


def test_what_is_none():
    for children in ({"_iterations": 2, "kept": 3}, {"iter": 2, "kept": 3}, {"learning_rate": 2, "kept": 3}):
        serialized = graph(node({"x": 1}), node(children), node(), variable("kept"))
        (found,) = tensor_names(serialized, ["kept/.ATTRIBUTES/VARIABLE_VALUE"]).values()
        assert (found.name, found.role) == ("x/kept", "weight")


def test_weights_of_an_optimizer_alone():
    optimizer = node({"_iterations": 4, "_learning_rate": 4, "_trainable_variables": 2})
    serialized = graph(node({"optimizer": 1}), optimizer, node({"0": 3}), variable("w", "dense/w"), node())
    (found,) = tensor_names(serialized, ["w/.ATTRIBUTES/VARIABLE_VALUE"]).values()
    assert (found.name, found.role) == ("dense/w", "weight")


def test_keys_that_the_graph_does_not_know():
    keys = ["x/.ATTRIBUTES/VARIABLE_VALUE", "x/.OPTIMIZER_SLOT/o/m/.ATTRIBUTES/VARIABLE_VALUE", "plain"]
    names = tensor_names(b"", keys)
    assert [(one.name, one.role) for one in names.values()] == [
        ("x", "weight"),
        ("x/.OPTIMIZER_SLOT/o/m", "optimizer"),
        ("plain", "weight"),
    ]


def test_slots_without_full_names():
    optimizer = node({"beta1_power": 3}, slots=[(2, "m", 4)])
    root = node({"w": 2, "train": 1})
    key = "w/.OPTIMIZER_SLOT/train/m"
    serialized = graph(root, optimizer, variable("w"), variable("train/beta1_power", "x"), variable(key, ""))
    assert named(serialized, "w", key, "train/beta1_power") == ["w", "train/m/w", "train/beta1_power"]


def test_cycles_and_more_paths_than_can_be_counted():
    """40 objects, each with two ways to the next and one back: 2**40 ways to the variable."""
    nodes = [node({"left": n + 1, "right": n + 1, "back": max(0, n - 1), "self": n}) for n in range(40)]
    serialized = graph(*nodes, variable("v"))
    (found,) = tensor_names(serialized, ["v/.ATTRIBUTES/VARIABLE_VALUE"]).values()
    assert found.name == "/".join(["left"] * 40)
    assert len(found.paths) == 4


def test_paths_have_a_bound():
    nodes = [node({"x": n + 1}) for n in range(100)]
    assert named(graph(*nodes[:64], variable("near")), "near") == ["/".join("x" * 64)]
    assert named(graph(*nodes, variable("far")), "far") == ["far"]


@pytest.mark.parametrize(
    ("serialized", "message"),
    [
        (
            graph(node({"a": 7})),
            "the object graph has 1 objects, and refers to the object 7",
        ),
        (
            graph(node(slots=[(0, "m", 1)])),
            "the object graph has 1 objects, and refers to the object 1",
        ),
        (
            graph(node({"a": 2**64 - 1})),
            "the object graph refers to the object -1; 0 to 262143 can be",
        ),
        (
            graph(*[b""] * 262_145),
            "the object graph has more than 262144 objects, or references to them; read it by its keys",
        ),
        (
            graph(chunk(1, number(1, 0)) * 262_145),
            "the object graph has more than 262144 objects, or references to them; read it by its keys",
        ),
        (b"\x0a\x05ab", "the field 1 at offset 0 has 5 bytes, and 2 follow"),
    ],
)
def test_what_is_no_graph(serialized, message):
    with pytest.raises(FormatError) as error:
        tensor_names(serialized, ["a"])
    assert str(error.value) == message


@pytest.mark.slow
def test_many_references_take_little_memory():
    """The least bytes a reference can take, in a graph in which each leads to the variable."""
    count = 1 << 17
    root = b"".join(chunk(1, number(1, n)) for n in range(1, count // 2 + 1))
    inner = chunk(1, chunk(1, number(1, count // 2 + 1)))
    serialized = graph(root) + inner * (count // 2) + graph(variable("v"))
    tracemalloc.start()
    try:
        (found,) = tensor_names(serialized, ["v/.ATTRIBUTES/VARIABLE_VALUE"]).values()
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found.name == "v"
    assert peak_bytes < 10 * len(serialized) + (64 << 20)


@pytest.mark.parametrize("case", NAMES)
def test_damaged_graphs(case):
    serialized, keys = golden(case)
    taken = 0
    for damaged in mutations(serialized, 300, seed=1):
        try:
            names = tensor_names(damaged, keys)
        except Tf2NumpyError:
            continue
        taken += 1
        assert list(names) == keys
        assert len({one.name for one in names.values()}) == len(keys)
    assert taken


def test_optimizers_of_name_based_checkpoints():
    roles = {
        "dense/kernel": "weight",
        "dense/kernel/Adam": "optimizer",
        "dense/kernel/Adam_1": "optimizer",
        "dense/kernel/ExponentialMovingAverage": "weight",
        "beta1_power": "optimizer",
        "opt/beta2_power_1": "optimizer",
        "global_step": "weight",
        "train/Ftrl/dense/kernel/linear": "optimizer",
        "train/Ftrl/iter": "optimizer",
        "train/other": "weight",
    }
    names = tensor_names(None, roles)
    assert {key: one.role for key, one in names.items()} == roles
    assert all(one.name == key and one.aliases == () for key, one in names.items())
