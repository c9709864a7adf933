"""JSON out of a file that may be damaged or hostile: one object, no name twice in it. No file format may enter."""

from __future__ import annotations

import json
from typing import Any


def parse_object(text: bytes, *, finite: bool = True) -> dict[str, Any]:
    """Read one JSON object. finite: refuse NaN and Infinity, which JSON has not, and Python writes all the same.

    Raises: ValueError saying what is wrong, and where in the text.
    """
    try:
        found = json.loads(text.decode(), object_pairs_hook=_distinct, parse_constant=_refuse if finite else None)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(found, dict):
        raise ValueError(f"it is a {type(found).__name__} instead of an object")
    return found


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise ValueError(f"the name {twice!r} comes twice")
    return found


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
