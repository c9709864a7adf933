"""Walking the groups of an HDF5 file. What lies in them may not enter.

Nothing in a file may lead to another one: who reads a file that others made has not asked for what else lies on the
disk.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, NamedTuple

from .._errors import FormatError
from ._hdf5_opened import Opened

_MOST_PATH_CHARACTERS = 4096
_MOST_LEVELS = 256


class SoftLink(NamedTuple):
    """A name for what has another name in the same file, or for nothing."""

    target: str


def refused_link(opened: Opened, path: str, link: SoftLink) -> FormatError:
    """Say that a file has a link where those who write such files put none."""
    return FormatError(
        f"{opened.blob.name!r}: {path!r} is a link to {link.target!r}, and Keras writes no links; put what it leads to "
        "in its place, with h5copy"
    )


def hard(opened: Opened, group: Any, name: str) -> Any:
    """Give what has a name in a group itself, by no link to elsewhere; None if nothing has."""
    opened.address(group)
    link = name.encode(errors="surrogateescape")
    if not link or not group.links.exists(link) or group.links.get_info(link).type != opened.h5py.h5l.TYPE_HARD:
        return None
    return opened.member(group, link)


def walk(opened: Opened, group: Any = None, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Give everything below a group (the root by default), by path: groups, datasets, named types, soft links.

    A group that has several names comes once: such names can go in circles.
    Raises: FormatError for a link to another file, and for paths longer than any that are written.
    """
    h5py, waiting, seen = opened.h5py, [(prefix, opened.file.id if group is None else group)], set()
    while waiting:
        prefix, group = waiting.pop()
        address = opened.address(group)
        if address in seen:
            continue
        seen.add(address)
        inner = []
        for name, member in _members(opened, prefix, group):
            yield name, member
            if isinstance(member, h5py.h5g.GroupID):
                inner.append((f"{name}/", member))
        waiting += reversed(inner)


def _members(opened: Opened, prefix: str, group: Any) -> Iterator[tuple[str, Any]]:
    h5l = opened.h5py.h5l
    for link in list(group):
        name = prefix + link.decode(errors="surrogateescape")
        if len(name) > _MOST_PATH_CHARACTERS or name.count("/") >= _MOST_LEVELS:
            raise FormatError(
                f"{opened.blob.name!r}: the path {name[:50]!r}... has {len(name)} characters and "
                f"{name.count('/') + 1} levels; {_MOST_PATH_CHARACTERS} and {_MOST_LEVELS} are the most that are read; "
                "move what it names to a shorter path with h5py"
            )
        kind = group.links.get_info(link).type
        if kind == h5l.TYPE_HARD:
            yield name, opened.member(group, link)
        elif kind == h5l.TYPE_SOFT:
            yield name, SoftLink(os.fsdecode(group.links.get_val(link)))
        else:
            file, inside = (os.fsdecode(part) for part in group.links.get_val(link))
            raise opened.refused(name, f"is a link to {inside!r} in the file {file!r}")
