"""The layout of Keras's .weights.h5 files: a group for each object of a model, its variables in a group `vars` within.

Source: keras/src/saving/saving_lib.py. Variables are called by number; an object's name is an attribute of its `vars`
from Keras 3.6 on. Neither the file nor an archive around it is opened here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from .._protocols import Stored
from .._types import joined
from ._hdf5_attributes import text_of
from ._hdf5_groups import SoftLink, refused_link, walk
from ._hdf5_opened import Opened
from ._keras_arrays import array_of
from ._keras_config import Known
from ._keras_names import Found, stored

_VARS = "vars"
_CONTAINERS = ("layers", "_layer_checkpoint_dependencies")
# Bookkeeping of training: only with `slots`.
_SLOTS = ("optimizer", "metrics")
_MOST_NAME_CHARACTERS = 1024
_NUMBERED = re.compile(r"(.*?)(?:_(\d{1,9}))?", re.DOTALL)


class Variable(NamedTuple):
    """One dataset: of the object `owner` (a path, "" for the model itself), under a name that is mostly a number."""

    owner: str
    key: str
    path: str
    dataset: Any
    opened: Opened


class Contents(NamedTuple):
    """What a file holds. names: each object that it has a `vars` of -> its name, "" if the file tells none."""

    names: dict[str, str]
    variables: list[Variable]


def contents_of(opened: Opened, *, told: bool) -> Contents | None:
    """Find the variables of a file; None if it is not laid out so. Nothing else may be in it.

    told: whether its own name, or what it lies in, says that it has Keras's weights.
    Raises: FormatError for links.
    """
    contents = Contents({}, [])
    links = []
    for path, member in walk(opened):
        told = told or path in _CONTAINERS
        parts = path.split("/")
        if isinstance(member, SoftLink):
            links.append((path, member))
        elif isinstance(member, opened.h5py.h5d.DatasetID):
            if _VARS not in parts[:-1]:
                return None
            at = len(parts) - 2 - parts[-2::-1].index(_VARS)
            owner, key = "/".join(parts[:at]), "/".join(parts[at + 1 :])
            contents.variables.append(Variable(owner, key, path, member, opened))
        elif parts[-1] == _VARS:
            name = text_of(opened, member, "name")
            contents.names["/".join(parts[:-1])] = name if len(name) <= _MOST_NAME_CHARACTERS else ""
    if not contents.names or not (told or any(contents.names.values())):
        return None
    if links:
        raise refused_link(opened, *links[0])
    return contents


def stored_of(
    kind: str, contents: Contents, model: Known | None, *, names: str, slots: bool, close: Callable[[], None]
) -> Stored:
    """Name and order the variables: as the model does where it is known, else by their paths.

    model: what config.json says. slots: with those of the optimizer and of metrics.
    """
    counts = Counter(variable.owner for variable in contents.variables)
    numbered = Counter(v.owner for v in contents.variables if _number(v.key) in range(counts[v.owner]))
    places = _Places(contents.names, model)
    found = []
    for variable in contents.variables:
        owner, number = variable.owner, _number(variable.key)
        if owner.partition("/")[0] in _SLOTS and not slots:
            continue
        place = places.of(owner)
        label = joined(place.label, place.pending) if owner else contents.names.get("") or _VARS
        known = place.known.variables(counts[owner]) if place.known and numbered[owner] == counts[owner] else ()
        plain = joined(label, variable.key)
        human = joined(label, known[number]) if 0 <= number < len(known) else plain
        array = array_of(variable.opened, variable.path, variable.dataset)
        found.append(
            (
                (*place.order, (-1, variable.key if number < 0 else "", number)),
                Found(variable.path, human, (plain,), array),
            )
        )
    return stored(kind, [each for _, each in sorted(found, key=lambda pair: pair[0])], names, close)


class _Place(NamedTuple):
    """Where in the model a path of the file leads.

    label: the names of the objects on the way. pending: the end of the path that is not yet an object.
    order: what to sort by.
    """

    label: str
    pending: str
    known: Known | None
    order: tuple[tuple[int, str, int], ...]


class _Places:
    """The places that paths lead to, each found once."""

    def __init__(self, names: Mapping[str, str], model: Known | None) -> None:
        self._names = names
        self._found = {"": _Place("", "", model, ())}

    def of(self, path: str) -> _Place:
        """Find one; no path has so many levels that recursion would matter."""
        if path not in self._found:
            head, _, last = path.rpartition("/")
            self._found[path] = self._below(self.of(head), last, path)
        return self._found[path]

    def _below(self, before: _Place, last: str, path: str) -> _Place:
        local = joined(before.pending, last)
        known = before.known.parts.get(local) if before.known else None
        if path not in self._names and known is None:
            return before._replace(pending=local)
        name = self._names.get(path, "")
        if known and name and known.name not in ("", name):
            known = None
        label = joined(before.label, name or (known.name if known else "") or local)
        stem, number = _NUMBERED.fullmatch(local).groups()  # type: ignore[union-attr]
        step = (0, "", known.position) if known else (1, stem, int(number or 0))
        return _Place(label if len(label) <= 4 * _MOST_NAME_CHARACTERS else path, "", known, (*before.order, step))


def _number(key: str) -> int:
    """Read the number of a variable; -1 for what is none."""
    return int(key) if re.fullmatch(r"0|[1-9][0-9]{0,8}", key) else -1
