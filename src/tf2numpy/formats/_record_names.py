"""Which files make up one table of records: one, all that fit a pattern, or all of a folder. Content may not enter."""

from __future__ import annotations

import re
from typing import Any

from .._places import fitting
from .._protocols import Place

_HIDDEN = (".", "_")  # _SUCCESS and its like


def named_by(pattern: Place) -> list[Place]:
    """Give the files that a pattern fits, in the order of their names; numbers in names count as numbers.

    It gives none of them if the pattern fits a folder too.
    """
    return _sorted(fitting(pattern))


def inside(folder: Place) -> list[Place]:
    """Give the files of a folder, in that order, without hidden ones; none if it has folders."""
    found = [one for one in folder.iterdir() if not one.name.startswith(_HIDDEN)]
    return _sorted(found)


def _sorted(places: list[Place]) -> list[Place]:
    files = sorted(places, key=lambda one: natural(one.name))
    return [one for one in files if one.is_file()] if all(one.is_file() for one in files) else []


def natural(name: str) -> list[Any]:
    """Give what sorts names, and the numbers in them as numbers.

    >>> sorted(["a-10", "a-9"], key=natural)
    ['a-9', 'a-10']
    """
    parts = re.split(r"(\d+)", name)
    return [int(part) if place % 2 else part for place, part in enumerate(parts)] + [name]
