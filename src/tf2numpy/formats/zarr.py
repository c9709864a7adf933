"""The arrays of a Zarr v3 folder, read when they are asked for. Groups and names; what an array is, others know.

Source of its facts: the Zarr v3 specification, and what zarr-python 3.1 writes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from .._errors import FormatError
from .._protocols import ArraySource, Place, Stored
from ._zarr_chunks import Chunks
from ._zarr_files import folders_with, opened, real
from ._zarr_meta import parse
from ._zarr_sources import Numbers, Texts

_MARKER = "zarr.json"
_OLD_MARKERS = (".zgroup", ".zarray", ".zmetadata")
_MOST_JSON_BYTES = 64 << 20
_MOST_NODES = 1 << 20
_MOST_DEPTH = 64
_LONE_NAME = "data"


def zarr(path: Place, head: bytes) -> Stored | None:
    """Open a folder that is a Zarr group, or one array, which is then called "data".

    Raises: FormatError for a folder of Zarr v2, and for one whose own metadata is damaged.
    """
    if head or not path.is_dir():
        return None
    if not (path / _MARKER).is_file():
        if any((path / name).is_file() for name in _OLD_MARKERS):
            raise FormatError(
                f"{str(path)!r} is Zarr of version 2, and only version 3 is read here; convert it with zarr-python, "
                "zarr.copy_store or 'zarr migrate v3', first"
            )
        return None
    root = real(path)
    document = _document(root, root)
    is_array = document["node_type"] == "array"
    nodes = {_LONE_NAME: root} if is_array else dict(_arrays(root, "", root, 0))
    return Stored("Zarr folder", _Arrays(path, root, dict(sorted(nodes.items()))), lambda: None)


class _Arrays(Mapping[str, ArraySource]):
    """The arrays by name. One that cannot be read raises FormatError when it is asked for; the others do not mind."""

    def __init__(self, shown: Place, root: Place, folders: Mapping[str, Place]) -> None:
        self._shown, self._root, self._folders = shown, root, folders

    def __getitem__(self, name: str) -> ArraySource:
        folder = self._folders[name]
        document = _document(folder, self._root)
        try:
            metadata = parse(document)
        except ValueError as error:
            raise FormatError(
                f"the array {name!r} of {str(self._shown)!r} cannot be read: {error}; "
                "read it with the library that wrote it"
            ) from error
        chunks = Chunks(self._root, folder, name, metadata)
        source = Texts if metadata.named.text else Numbers
        return source(metadata, chunks, f"file {self._shown}")

    def __contains__(self, name: object) -> bool:
        return name in self._folders

    def __iter__(self) -> Iterator[str]:
        return iter(self._folders)

    def __len__(self) -> int:
        return len(self._folders)


def _arrays(
    folder: Place, prefix: str, root: Place, depth: int, seen: list[int] | None = None
) -> Iterator[tuple[str, Place]]:
    """Give the folders of the arrays below a group by name; one whose metadata is damaged counts as an array."""
    seen = [0] if seen is None else seen
    for name in folders_with(folder, _MARKER):
        below = folder / name
        seen[0] += 1
        if depth == _MOST_DEPTH or seen[0] > _MOST_NODES:
            raise FormatError(
                f"{str(root)!r} has more than {_MOST_DEPTH} groups in each other or {_MOST_NODES} in all, at "
                f"{str(below)!r}; open a group inside it"
            )
        try:
            is_group = _document(below, root)["node_type"] == "group"
        except FormatError:
            is_group = False
        if is_group:
            yield from _arrays(below, f"{prefix}{name}/", root, depth + 1, seen)
        else:
            yield prefix + name, below


def _document(folder: Place, root: Place) -> dict[str, Any]:
    """Read a `zarr.json`.

    Raises: FormatError naming the file and saying what is wrong.
    """
    path = folder / _MARKER
    try:
        with opened(path, root) as blob:
            if blob.size > _MOST_JSON_BYTES:
                raise ValueError(f"it has {blob.size} bytes, more than {_MOST_JSON_BYTES}")
            found = json.loads(blob.read(0, blob.size).tobytes().decode())
        if not isinstance(found, dict):
            raise ValueError(f"it is a {type(found).__name__} instead of an object")
        if found.get("zarr_format") != 3 or found.get("node_type") not in ("array", "group"):
            raise ValueError(
                f"its zarr_format is {found.get('zarr_format')!r} and its node_type {found.get('node_type')!r} "
                "instead of 3 and 'array' or 'group'"
            )
    except (ValueError, RecursionError, FileNotFoundError) as error:
        what = "it is no ordinary file" if isinstance(error, FileNotFoundError) else error
        raise FormatError(f"{str(path)!r} is damaged: {what}; get the folder anew from where it is whole") from error
    return found
