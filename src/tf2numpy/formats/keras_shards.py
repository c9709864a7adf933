"""Weights that Keras spread over several files: NAME.weights.json says which has what. Only that map may enter.

The files are Keras weights files, of which one group of variables may be in several, each having some of its numbers.
Source: ShardedH5IOStore in keras/src/saving/saving_lib.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from .._blobs import blob_of
from .._errors import FormatError
from .._protocols import Place, Stored
from .._units import format_bytes
from ..layouts.json_objects import parse_object
from ._hdf5_opened import opening
from ._keras_config import Known
from ._keras_weights import Contents, Variable, contents_of, stored_of

_KIND = "sharded Keras weights"
_SUFFIX, _MAP, _VARS, _OF_SHARDS = ".weights.json", "weight_map", "vars", ".h5"
_MOST_BYTES = 1 << 26


def keras_shards(path: Place, head: bytes, *, names: str = "human", slots: bool = False) -> Stored | None:
    """Open weights by the map of their files, which lie beside it.

    Raises: FormatError for a damaged map, for files that are missing, damaged, or not beside it.
    """
    if path.suffix.lower() != ".json" or not head.lstrip().startswith(b"{"):
        return None
    if not path.name.endswith(_SUFFIX) and not _is_map(path):
        return None
    return stored_in(path, _KIND, None, names=names, slots=slots)


def stored_in(path: Place, kind: str, model: Known | None, *, names: str, slots: bool) -> Stored:
    """Read the map, and the files it names; model: what is known of the model."""
    places = _places(path)
    with ExitStack() as files:
        merged = Contents({}, [])
        held: dict[tuple[str, str], list[Variable]] = {}
        for file in dict.fromkeys(file for listed in places.values() for file in listed):
            shard = _shard(path, file, kind, files)
            for owner, name in shard.names.items():
                merged.names[owner] = merged.names.get(owner) or name
            for variable in shard.variables:
                held.setdefault((variable.owner, file), []).append(variable)
        for group, listed in places.items():
            owner, _, last = group.rpartition("/")
            owner = owner if last == _VARS else group
            merged.variables.extend(_of_group(path, group, {file: held.get((owner, file), []) for file in listed}))
        return stored_of(kind, merged, model, names=names, slots=slots, close=files.pop_all().close)


def _is_map(path: Place) -> bool:
    try:
        found = _parsed(path).get(_MAP)
    except ValueError:
        return False
    files = found.values() if isinstance(found, dict) else ()
    return any(isinstance(file, str) and file.endswith(_OF_SHARDS) for each in files for file in _listed(each))


def _listed(files: Any) -> list[Any]:
    """Give what a map has for a group, one name or several, as a list."""
    return files if isinstance(files, list) else [files]


def _parsed(path: Place) -> Mapping[str, Any]:
    blob = blob_of(path)
    if blob.size > _MOST_BYTES:
        raise ValueError(f"it has {format_bytes(blob.size)}, and {format_bytes(_MOST_BYTES)} are the most that is read")
    return parse_object(blob.read(0, blob.size).tobytes())


def _places(path: Place) -> Mapping[str, Sequence[str]]:
    """Give the files of each group of variables.

    Raises: FormatError for a map that is none, and for names of files that are not beside it.
    """
    try:
        found = _parsed(path).get(_MAP)
    except ValueError as error:
        raise FormatError(f"{str(path)!r} does not tell where the weights are: {error}") from error
    if not isinstance(found, dict):
        raise FormatError(f"{str(path)!r} does not tell where the weights are: {_MAP!r} must be an object")
    places = {}
    for group, files in found.items():
        places[group.strip("/")] = listed = _listed(files)
        where = f"{str(path)!r}: the group {group[:100]!r}"
        if not listed or not all(isinstance(file, str) for file in listed):
            raise FormatError(f"{where} must have the name of a file, or a list of names")
        for file in listed:
            if not file or file in (".", "..") or any(mark in file for mark in "/\\\0:"):
                raise FormatError(
                    f"{where} is said to be in {file[:100]!r}; only files beside the map are read, by their plain names"
                )
    return places


def _shard(path: Place, file: str, kind: str, files: ExitStack) -> Contents:
    place = path.parent / file
    if not place.is_file():
        raise FormatError(f"{str(place)!r}, a part of {str(path)!r}, is missing; put it beside the others")
    blob = blob_of(place)
    opened = files.enter_context(opening(blob, kind))
    files.callback(opened.file.close)
    contents = contents_of(opened, told=True)
    if contents is None:
        raise FormatError(f"{str(place)!r}, a part of {str(path)!r}, is not laid out as Keras lays out weights")
    return contents


def _of_group(path: Place, group: str, files: Mapping[str, Sequence[Variable]]) -> Sequence[Variable]:
    """Give the variables of a group, each of which only one of the files may have."""
    found: dict[str, tuple[str, Variable]] = {}
    for file, variables in files.items():
        for variable in variables:
            first, _ = found.setdefault(variable.key, (file, variable))
            if first != file:
                raise FormatError(
                    f"{str(path)!r}: both {first!r} and {file!r} have {variable.path!r}, and only one can count; the "
                    "files do not belong together"
                )
    if not found:
        raise FormatError(
            f"{str(path)!r}: none of {', '.join(map(repr, files))} has variables in {group!r}; the files do not belong "
            "together"
        )
    return [variable for _, variable in found.values()]
