"""Which objects of a checkpoint the tensors belong to, which ways lead there, and whether they are weights.

How a name is chosen may not enter; see `object_graph` for the rule that this follows.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field

from .._errors import FormatError
from ._trackables import Edge, Trackables

GRAPH_KEY = "_CHECKPOINTABLE_OBJECT_GRAPH"
ATTRIBUTES = "/.ATTRIBUTES/"
WEIGHT, OPTIMIZER, BOOKKEEPING = "weight", "optimizer", "bookkeeping"
PLAIN, _PRIVATE, _LISTED, _KEPT = range(4)  # what an edge costs a way, which costs what its dearest one does

_SLOT = "/.OPTIMIZER_SLOT/"
_BOOKKEEPING_ATTRIBUTES = {"OBJECT_CONFIG_JSON", "ITERATOR_STATE"}
_PARTS = {"VARIABLE_VALUE": "", "table-keys": "keys", "table-values": "values"}  # as a live table's parts are called

# Children by which an optimizer is known: of Keras 3 and 2.11 on, of Keras 2 before, of TensorFlow 1.
_OPTIMIZERS = ({"_iterations", "_learning_rate"}, {"iter", "learning_rate"}, {"beta1_power"})
_MARKS = frozenset().union(*_OPTIMIZERS)
_CALLED = {"optimizer", "_optimizer"}
_TRAINED = {"_trainable_variables", "inner_optimizer"}  # lead from an optimizer to what it trains
_KEPT_BY_KERAS = {"keras_api", "_compile_metrics", "_loss_tracker"}
_LISTS = re.compile("(trainable_|non_trainable_)?(variables|weights)")
_NUMBERED = re.compile(r"layer(_with_weights)?-\d+")


@dataclass(slots=True)
class Placed:
    """What is known of one key.

    object: its number, None of a key that the graph does not know. part: of an object with several tensors. paths: the
    ways to it, best first. cost: of the best way. slot: the way to the optimizer that keeps it and the slot's name,
    and the object it is kept for.
    """

    key: str
    full_name: str = ""
    object: int | None = None
    part: str = ""
    paths: list[str] = field(default_factory=list)
    role: str = WEIGHT
    cost: int = PLAIN
    slot: tuple[str, int] | None = None


def placed(keys: Iterable[str], graph: Trackables, full_names: Mapping[int, str], most_characters: int) -> list[Placed]:
    """Find for each key its object, the ways to it and its role. full_names: of objects without one in the graph.

    Raises: FormatError if the ways, which may share long names, have more than `most_characters` together.
    """
    found = [_of_key(key, graph, full_names) for key in keys]
    of_object: dict[int, list[Placed]] = {}
    for one in found:
        if one.object is not None:
            of_object.setdefault(one.object, []).append(one)
    optimizers = _optimizers(graph)
    twice = any(edge.parent == 0 and edge.label == "variables" for edge in graph.edges())
    costs = bytes(_cost(edge, of_object, optimizers, twice) for edge in graph.edges())
    wanted, first = {*of_object, *optimizers}, dict[int, tuple[Edge, ...]]()
    for cost in sorted({PLAIN, *costs}):
        for node, ways in graph.paths(wanted, costs, cost).items():
            for one in of_object.get(node, ()):
                if node not in first:
                    one.cost = cost
                if one.role == WEIGHT and one.cost == _KEPT:
                    one.role = OPTIMIZER if any(edge.parent in optimizers for edge in ways[0]) else BOOKKEEPING
                texts = [text for way in ways for text in _texts(way, one)]
                most_characters = _left(most_characters, *texts)
                one.paths = list(dict.fromkeys((*one.paths, *texts)))
            first.setdefault(node, ways[0])
    for slot in graph.slots:
        for one in of_object.get(slot.variable, ()):
            way = [edge.label for edge in first.get(slot.optimizer, ())]
            one.role, one.slot = OPTIMIZER, ("/".join((*way, slot.name)), slot.original)
            most_characters = _left(most_characters, one.slot[0])
    return found


def _left(most_characters: int, *texts: str) -> int:
    left = most_characters - sum(map(len, texts))
    if left < 0:
        raise FormatError("the ways to its objects are far longer together than the graph itself")
    return left


def _of_key(key: str, graph: Trackables, full_names: Mapping[int, str]) -> Placed:
    prefix, mark, attribute = key.rpartition(ATTRIBUTES)
    role = OPTIMIZER if _SLOT in key else WEIGHT
    if key == GRAPH_KEY or attribute in _BOOKKEEPING_ATTRIBUTES:
        role = BOOKKEEPING
    if not mark or prefix not in graph.tensors:
        return Placed(key, role=role)
    number, full_name = graph.tensors[prefix]
    return Placed(key, full_name or full_names.get(number, ""), number, _PARTS.get(attribute, attribute), role=role)


def _optimizers(graph: Trackables) -> set[int]:
    """Find the objects that are optimizers: by their children, by their slots, or because they are called so."""
    labels: dict[int, set[str]] = {}
    called = set()
    for parent, label, child in graph.edges():
        if label in _MARKS:
            labels.setdefault(parent, set()).add(label)
        if label in _CALLED:
            called.add(child)
    known = {node for node, children in labels.items() if any(marks <= children for marks in _OPTIMIZERS)}
    return known | called | {slot.optimizer for slot in graph.slots}


def _cost(edge: Edge, of_object: Container[int], optimizers: Container[int], twice: bool) -> int:
    """Say what an edge costs. twice: the root lists its variables, and Keras does in `_all_variables` again."""
    if edge.parent in optimizers:
        return _LISTED if edge.label in _TRAINED else _KEPT
    of_root = edge.parent == 0 and (edge.label == "save_counter" or (twice and edge.label == "_all_variables"))
    if of_root or edge.label in _KEPT_BY_KERAS:
        return _KEPT
    if edge.child in of_object:
        return PLAIN
    if _LISTS.fullmatch(edge.label):
        return _LISTED
    return _PRIVATE if edge.label.startswith("_") or _NUMBERED.fullmatch(edge.label) else PLAIN


def _texts(way: tuple[Edge, ...], one: Placed) -> list[str]:
    """Write a way: with `kernel` for a last edge `_kernel` of a variable that calls itself so, and as it is."""
    labels = [edge.label for edge in way]
    texts = ["/".join(filter(None, (*labels, one.part)))]
    if labels and labels[-1] == f"_{one.full_name.rpartition('/')[2]}":
        texts.insert(0, "/".join((*labels[:-1], labels[-1][1:])))
    return [text for text in texts if text]
