"""What people call the tensors of a checkpoint: names chosen from its object graph. Files and arrays may not enter.

The rule, by which a file always gives the same names:

1. A tensor is a weight if the root leads to it by a way that enters neither an optimizer nor what Keras keeps beside
   it (metrics, `keras_api`, copies in `_all_variables`), nor `save_counter`; otherwise the optimizer's or bookkeeping.
2. A way is plain if it has no private edge ("_layers"; the last one may be), no numbered one of Keras ("layer-3") and
   leads through no list of all variables. If every weight has a plain way, the shortest plain ways are the names:
   attribute names and list positions joined by "/". `_kernel` is written `kernel` where the variable calls itself so.
3. If one has none, as in most models of Keras, a weight's name is its full name, as the variable itself had it, if that
   has a "/" and no other weight has it. The others keep the least private, then shortest way.
4. What is no weight: the full name under the same conditions; for an optimizer's slot the way to the optimizer, the
   slot, and the name of the weight ("optimizer/m/dense/kernel"); then the shortest way.
5. What would then have the name of another takes its next way; or it is called as in the file.

Checkpoints without an object graph (TensorFlow 1, estimators) have the names of variables as keys. Sources of the
format: tensorflow/python/trackable/trackable_utils.py, tensorflow/python/checkpoint/{util,save_util}.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

from .._errors import FormatError
from ._trackables import Trackables
from ._ways import ATTRIBUTES, GRAPH_KEY, OPTIMIZER, PLAIN, WEIGHT, Placed, placed
from .protobuf import Buffer
from .variable_names import optimizer_keys

__all__ = ["GRAPH_KEY", "TensorName", "tensor_names"]

_FREE_CHARACTERS, _MOST_RATIO = 1 << 24, 4  # of all ways and names, beside so many times the bytes of the graph
_VALUE = f"{ATTRIBUTES}VARIABLE_VALUE"


@dataclass(frozen=True, slots=True)
class TensorName:
    """What a tensor is called.

    key: in the file. name: for people; no other tensor has it. full_name: the variable's own, "" where it has none.
    paths: the ways to it, best first. role: "weight", "optimizer" or "bookkeeping".
    """

    key: str
    name: str
    full_name: str = ""
    paths: tuple[str, ...] = ()
    role: str = WEIGHT

    @property
    def aliases(self) -> tuple[str, ...]:
        """All names but `name`, the key among them; some may be those of other tensors too."""
        others = dict.fromkeys((*self.paths, self.full_name, self.key.removesuffix(_VALUE), self.key))
        return tuple(other for other in others if other and other != self.name)


def tensor_names(
    graph: Buffer | None, keys: Iterable[str], full_names: Mapping[int, str] | None = None
) -> dict[str, TensorName]:
    """Name every key of a checkpoint; the result has the order of the keys.

    graph: the string under GRAPH_KEY; None where there is none. full_names: of objects that have none in the graph, by
    their number in it.

    Raises: FormatError for what is no object graph.
    """
    keys = list(keys)
    if graph is None:
        of_optimizers = optimizer_keys(keys)
        return {key: TensorName(key, key, role=OPTIMIZER if key in of_optimizers else WEIGHT) for key in keys}
    most_characters = _FREE_CHARACTERS + _MOST_RATIO * len(graph)
    found = placed(keys, Trackables(graph), full_names or {}, most_characters)
    names = _names(found, most_characters)
    return {one.key: TensorName(one.key, names[one.key], one.full_name, tuple(one.paths), one.role) for one in found}


def _names(found: Sequence[Placed], most_characters: int) -> dict[str, str]:
    """Choose a name for each key, those of the weights first.

    Raises: FormatError if the names of slots have more than `most_characters` together.
    """
    weights = [one for one in found if one.role == WEIGHT]
    others = [one for one in found if one.role != WEIGHT]
    keys = {one.key for one in found}
    plain = all(one.cost == PLAIN for one in weights)
    bearers = Counter(one.full_name for one in weights)
    names: dict[str, str] = {}
    _choose(names, keys, {one.key: ([] if plain else _scoped(one, bearers)) + _wishes(one) for one in weights})
    of_objects = {one.object: names[one.key] for one in weights}
    bearers.update(one.full_name for one in others)
    if sum(len(of_objects.get(one.slot[1], "")) for one in others if one.slot) > most_characters:
        raise FormatError("the names of its slots are far longer together than the graph itself")
    _choose(names, keys, {one.key: _scoped(one, bearers) + _of_slot(one, of_objects) + _wishes(one) for one in others})
    return names


def _scoped(one: Placed, bearers: Counter[str]) -> list[str]:
    """Give the full name if it has a scope and names nothing else."""
    return [one.full_name] if "/" in one.full_name and bearers[one.full_name] == 1 else []


def _of_slot(one: Placed, of_objects: Mapping[int | None, str]) -> list[str]:
    if one.slot is None or one.slot[1] not in of_objects:
        return []
    return [f"{one.slot[0]}/{of_objects[one.slot[1]]}"]


def _wishes(one: Placed) -> list[str]:
    return [*one.paths, *filter(None, (one.key.removesuffix(_VALUE), one.full_name))]


def _choose(names: dict[str, str], keys: Container[str], wishes: Mapping[str, Sequence[str]]) -> None:
    """Give each key the first of its wishes that nothing else is called or wishes first; else its own text."""
    taken = set(names.values())
    claims = Counter(wished[0] for wished in wishes.values() if wished)
    for key, wished in wishes.items():
        own = {key, key.removesuffix(_VALUE)}
        free = (
            wish
            for wish in wished
            if wish not in taken
            and (wish in own or claims[wish] == (wish == wished[0]))
            and (wish == key or wish not in keys)
        )
        names[key] = next(free, key)
        taken.add(names[key])
