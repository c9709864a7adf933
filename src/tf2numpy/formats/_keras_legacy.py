"""The layout of Keras's old .h5 files: groups of layers, with lists of their weights in attributes.

Source: keras/src/legacy/saving/legacy_h5_format.py. A whole model has its weights in `model_weights` and says in the
attribute `model_config` what its layers are; a file of weights alone has the same at its root. The file is not opened
here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from .._errors import FormatError
from .._protocols import Stored
from ._hdf5_attributes import text_of, texts_of
from ._hdf5_groups import SoftLink, hard, refused_link, walk
from ._hdf5_opened import Opened
from ._keras_arrays import array_of
from ._keras_config import MOST_BYTES, bfloat16_layers, parse
from ._keras_names import Found, stored

_MODEL, _OPTIMIZER, _TOP_LEVEL = "model_weights", "optimizer_weights", "top_level_model_weights"
_NOT_LISTED = "no list of weights in the file has it; read it with h5py"


class _Weight(NamedTuple):
    """One weight in a list: of a layer, under a name that is also its place in the layer's group."""

    layer: str
    name: str
    path: str


def is_legacy(opened: Opened) -> bool:
    """Tell a file of this layout."""
    root = opened.file.id
    return _lists(opened, root, "layer_names") or _lists(opened, hard(opened, root, _MODEL), "layer_names")


def stored_of(kind: str, opened: Opened, *, names: str, slots: bool, close: Callable[[], None]) -> Stored:
    """Name the weights as the model does, without the ":0" of older versions, in the order of the lists.

    slots: with the optimizer's variables.
    Raises: FormatError for lists of what is not there, and for links.
    """
    root = opened.file.id
    whole = not _lists(opened, root, "layer_names")
    weights = [*_of_model(opened, _MODEL if whole else "")]
    optimizers = [*_of_group(opened, _OPTIMIZER, "")] if whole and hard(opened, root, _OPTIMIZER) else []
    typed = bfloat16_layers(_config(opened) if whole else {})
    members = dict(_datasets(opened))
    found = []
    for weight in [*weights, *(optimizers if slots else ())]:
        dataset = members.pop(weight.path, None)
        if dataset is None:
            raise FormatError(
                f"{opened.blob.name!r}: {weight.path!r} is in the list of weights, and is no dataset of the file; the "
                "file is damaged"
            )
        is_bfloat16 = dataset.get_type().get_class() == opened.h5py.h5t.OPAQUE and dataset.get_type().get_size() == 2
        label = "bfloat16" if is_bfloat16 and (weight.layer in typed if weight.layer else typed) else ""
        array = array_of(opened, weight.path, dataset, label)
        human = re.sub(r":\d+$", "", weight.name)
        found.append(Found(weight.path, human, (weight.name,), array))
    rest = members.keys() - {weight.path for weight in optimizers}
    found += [Found(path, path, (), _NOT_LISTED) for path in sorted(rest)]
    return stored(kind, found, names, close)


def _of_model(opened: Opened, where: str) -> Iterator[_Weight]:
    group = _group(opened, opened.file.id, where) if where else opened.file.id
    layers = _list(opened, group, "layer_names", where or "/")
    seen = set()
    for layer in [*layers, _TOP_LEVEL]:
        if layer in seen:
            raise FormatError(f"{opened.blob.name!r}: the layer {layer!r} is listed twice; the file is damaged")
        seen.add(layer)
        if layer != _TOP_LEVEL or hard(opened, group, layer):
            yield from _of_group(opened, f"{where}/{layer}" if where else layer, layer)


def _of_group(opened: Opened, path: str, layer: str) -> Iterator[_Weight]:
    group = _group(opened, opened.file.id, path)
    for name in _list(opened, group, "weight_names", path):
        yield _Weight(layer, name, f"{path}/{name}")


def _datasets(opened: Opened) -> Iterator[tuple[str, Any]]:
    for path, member in walk(opened):
        if isinstance(member, SoftLink):
            raise refused_link(opened, path, member)
        if isinstance(member, opened.h5py.h5d.DatasetID):
            yield path, member


def _group(opened: Opened, group: Any, path: str) -> Any:
    """Go down a path of groups, by no links.

    Raises: FormatError for what is not there.
    """
    for part in path.split("/"):
        group = hard(opened, group, part)
        if not isinstance(group, opened.h5py.h5g.GroupID):
            raise FormatError(f"{opened.blob.name!r}: {path!r} is listed, and is no group of the file; it is damaged")
    return group


def _lists(opened: Opened, group: Any, name: str) -> bool:
    exists = opened.h5py.h5a.exists
    return group is not None and bool(exists(group, name.encode()) or exists(group, f"{name}0".encode()))


def _list(opened: Opened, group: Any, name: str, where: str) -> list[str]:
    """Read a list of names, which Keras cuts into several attributes if it is long.

    Raises: FormatError if it is missing.
    """
    whole = texts_of(opened, group, name)
    if whole is not None:
        return whole
    found: list[str] = []
    number = 0
    while (piece := texts_of(opened, group, f"{name}{number}")) is not None:
        found += piece
        number += 1
    if not number:
        raise FormatError(
            f"{opened.blob.name!r}: the group {where!r} has no attribute {name!r} that is a list of names; the file is "
            "damaged"
        )
    return found


def _config(opened: Opened) -> Mapping[str, Any]:
    """Read what the file says of the model; nothing, if it says nothing.

    Raises: FormatError for what is no JSON.
    """
    text = text_of(opened, opened.file.id, "model_config").encode(errors="replace")
    if not text or len(text) > MOST_BYTES:
        return {}
    try:
        return parse(text)
    except ValueError as error:
        raise FormatError(f"{opened.blob.name!r}: its attribute 'model_config' cannot be read: {error}") from error
