"""What the arrays of a checkpoint are called, and which of them are shown. Where the arrays lie may not enter."""

from __future__ import annotations

from collections.abc import Mapping

from .._errors import FormatError
from .._protocols import ArraySource, Stored
from ..wire.object_graph import tensor_names

_WEIGHT = "weight"


def named(
    stored: Stored,
    graph: bytes | None,
    *,
    names: str,
    slots: bool,
    shown: str,
    full_names: Mapping[int, str] | None = None,
) -> Stored:
    """Give what a checkpoint holds under the names that `open` was asked for; the others become aliases.

    stored: arrays under their keys. graph: the object graph among them, if there is one. names, slots: as for `open`.
    shown: the checkpoint, for messages. full_names: of objects of the graph, by number, known from elsewhere.
    Raises: FormatError for a damaged object graph.
    """
    if names == "key" and slots:
        return stored
    try:
        known = tensor_names(graph, [*stored.arrays, *stored.left_out], full_names)
    except FormatError as error:
        raise FormatError(
            f"{shown}: its object graph cannot be read: {error}; names='key' with slots=True does without"
        ) from error
    arrays: dict[str, ArraySource] = {}
    aliases: dict[str, tuple[str, ...]] = {}
    for key, source in stored.arrays.items():
        found = known[key]
        if slots or found.role == _WEIGHT:
            name = key if names == "key" else found.name
            arrays[name] = source
            others = tuple(other for other in (found.name, *found.aliases) if other != name)
            if others:
                aliases[name] = others
    left_out = {key if names == "key" else known[key].name: why for key, why in stored.left_out.items()}
    return Stored(stored.kind, arrays, stored.close, aliases, left_out)
