"""Files that were opened, and their arrays: they are sources already. No format may enter."""

from __future__ import annotations

from typing import Any

from .._protocols import ArraySource, Group, Resolve, Source


def array(x: Any, resolve: Resolve) -> ArraySource:
    """Give the source of one lazy array."""
    source: ArraySource = x.source
    return source


def file(x: Any, resolve: Resolve) -> Source:
    """Give a dict of all arrays of an open file, or its rows, where it has some."""
    if x.rows is not None:
        rows: Source = x.rows
        return rows
    names = tuple(x)
    return Group(
        "file",
        [(name, x[name].source) for name in names],
        lambda built: dict(zip(names, built, strict=True)),
        labels=tuple(f"x[{name!r}]" for name in names),
    )
