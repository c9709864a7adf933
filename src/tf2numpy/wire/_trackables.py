"""The objects of a checkpoint and the ways to them: nodes, named edges, bounded walks. What names mean may not enter.

Source: tensorflow/core/protobuf/trackable_object_graph.proto. The graph has cycles and shared objects, so that it can
have more paths than bytes: to each object only the shortest few are found, always the same ones.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterator
from typing import NamedTuple

import numpy as np

from .._errors import FormatError
from .one_field import integer, text
from .protobuf import BYTES, Buffer, fields

_MOST = 1 << 18  # nodes, edges, slots, and steps of one walk: several times what the largest models have
_MOST_PATHS = 4  # to one node
_MOST_EDGES = 64  # in one path


class Edge(NamedTuple):
    """A child of a node: what its parent calls it."""

    parent: int
    label: str
    child: int


class Slot(NamedTuple):
    """A variable that an optimizer keeps for another one."""

    optimizer: int
    original: int
    name: str
    variable: int


class Trackables:
    """The decoded graph; its root is the node 0.

    tensors: the node and the full name of each variable, by what its keys in the checkpoint begin with.
    """

    def __init__(self, graph: Buffer) -> None:
        """Decode a serialized TrackableObjectGraph, or a SavedObjectGraph, whose objects have children and slots too.

        Raises: FormatError for what is no such message, or has more objects than any checkpoint.
        """
        self.tensors: dict[str, tuple[int, str]] = {}
        self.slots: list[Slot] = []
        self._names: dict[str, int] = {}  # and their numbers, in which edges are kept
        self._parents, self._labels, self._children = array("I"), array("I"), array("I")
        self._count = 0
        for number, kind, node in fields(graph):
            if number == 1 and kind == BYTES:
                self._add(self._count, node)
                self._count += 1
                _bound(self._count)
        of_slots = (place for slot in self.slots for place in (slot.original, slot.variable))
        last = max(max(self._children, default=0), max(of_slots, default=0))
        if last >= max(self._count, 1):
            raise FormatError(f"the object graph has {self._count} objects, and refers to the object {last}")

    def edges(self) -> Iterator[Edge]:
        """Give all edges, in the order of the file: the parents' order, and the children's of each parent."""
        names = list(self._names)
        for parent, label, child in zip(self._parents, self._labels, self._children, strict=True):
            yield Edge(parent, names[label], child)

    def paths(self, wanted: Collection[int], costs: bytes, most: int) -> dict[int, list[tuple[Edge, ...]]]:
        """Find the shortest ways from the root to the wanted nodes by edges that cost at most `most`, a few of each.

        costs: of each edge. No way goes through one node twice. Of ways of one length those come first whose edges do.
        """
        if not self._count:
            return {}
        names = list(self._names)
        useful = self._towards(wanted, costs, most)
        ends = np.searchsorted(np.asarray(self._parents), np.arange(self._count + 1)).tolist()
        nodes, before, by = array("I", [0]), array("I", [0]), array("I", [0])  # of each step: node, step before, edge
        visits = {0: 1}
        for step, node in enumerate(nodes):  # which grows meanwhile
            for edge in range(ends[node], ends[node + 1]):
                child = self._children[edge]
                if child not in useful or costs[edge] > most or visits.get(child, 0) == _MOST_PATHS:
                    continue
                way = _way(step, before)
                behind = {0, *(nodes[place] for place in way)}
                if child not in behind and len(way) < _MOST_EDGES and len(nodes) < _MOST:
                    visits[child] = visits.get(child, 0) + 1
                    nodes.append(child)
                    before.append(step)
                    by.append(edge)
        found: dict[int, list[tuple[Edge, ...]]] = {}
        for step, node in enumerate(nodes):
            if node in useful and node in wanted:
                way = [by[place] for place in _way(step, before)]
                found.setdefault(node, []).append(
                    tuple(Edge(self._parents[edge], names[self._labels[edge]], self._children[edge]) for edge in way)
                )
        return found

    def _add(self, node: int, content: memoryview) -> None:
        for number, kind, value in fields(content):
            if kind != BYTES or number > 3:
                continue
            if number == 1:
                self._parents.append(node)
                self._labels.append(self._names.setdefault(text(value, 2), len(self._names)))
                self._children.append(_place(value, 1))
                _bound(len(self._children))
            elif number == 2:
                prefix = text(value, 3).rpartition("/.ATTRIBUTES/")[0]
                self.tensors.setdefault(prefix, (node, text(value, 2)))
                _bound(len(self.tensors))
            else:
                self.slots.append(Slot(node, _place(value, 1), text(value, 2), _place(value, 3)))
                _bound(len(self.slots))

    def _towards(self, wanted: Collection[int], costs: bytes, most: int) -> set[int]:
        """Find all nodes from which a wanted one can be reached."""
        children = np.asarray(self._children)
        order = np.argsort(children, kind="stable")
        ends = np.searchsorted(children[order], np.arange(self._count + 1)).tolist()
        incoming = order.tolist()
        reached, waiting = set(wanted), list(wanted)
        while waiting:
            node = waiting.pop()
            for edge in incoming[ends[node] : ends[node + 1]]:
                if costs[edge] <= most and self._parents[edge] not in reached:
                    reached.add(self._parents[edge])
                    waiting.append(self._parents[edge])
        return reached


def _bound(count: int) -> None:
    if count > _MOST:
        raise FormatError(f"the object graph has more than {_MOST} objects, or references to them; read it by its keys")


def _place(message: memoryview, number: int) -> int:
    place = integer(message, number)
    if not 0 <= place < _MOST:
        raise FormatError(f"the object graph refers to the object {place}; 0 to {_MOST - 1} can be")
    return place


def _way(step: int, before: array[int]) -> list[int]:
    """Give the steps that lead to a step, itself included, without the root."""
    found = []
    while step:
        found.append(step)
        step = before[step]
    return found[::-1]
