"""JSON out of a file that may be damaged or hostile: one object, no name twice in it. No file format may enter."""

from __future__ import annotations

import json
from typing import Any

# Bytes of memory that each of these marks stands for: what is made of "[],[]" takes twenty times its length.
_COSTS = {b"[": 64, b"{": 190, b'"': 45, b",": 24}
_FREE_BYTES, _MOST_RATIO = 64 << 20, 5  # beside the text itself


def parse_object(text: bytes, *, finite: bool = True) -> dict[str, Any]:
    """Read one JSON object. finite: refuse NaN and Infinity, which JSON has not, and Python writes all the same.

    Raises: ValueError saying what is wrong, and where in the text.
    """
    refuse_dense(text)
    try:
        found = json.loads(text.decode(), object_pairs_hook=_distinct, parse_constant=_refuse if finite else None)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(found, dict):
        raise ValueError(f"it is a {type(found).__name__} instead of an object")
    return found


def refuse_dense(text: bytes) -> None:
    """Refuse JSON of which far more would be made in memory than it is long.

    Raises: ValueError.
    """
    most_bytes = _FREE_BYTES + _MOST_RATIO * len(text)
    if len(text) > _FREE_BYTES // max(_COSTS.values()):
        needed = sum(text.count(mark) * cost for mark, cost in _COSTS.items())
        if needed > most_bytes:
            raise ValueError(f"its {len(text)} bytes would take some {needed} in memory; {most_bytes} are the most")


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise ValueError(f"the name {twice!r} comes twice")
    return found


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
