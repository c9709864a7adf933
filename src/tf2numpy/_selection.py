"""Which arrays a name or a pattern means, and what may be meant by one that means none. No file may be read here."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from ._errors import InvalidArgument
from ._protocols import Stored

_SHOWN, _SHOWN_PARTS = 20, 3


def selected(stored: Stored, select: str | Sequence[str], shown: str) -> Stored:
    """Leave only the arrays that a name or pattern fits, by any of their names.

    Raises: InvalidArgument for a pattern that fits nothing, and for what is none.
    """
    patterns = [select] if isinstance(select, str) or not isinstance(select, Iterable) else list(select)
    if not all(isinstance(one, str) for one in patterns):
        raise InvalidArgument(f"select={select!r} is no name or pattern of an array, and no list of them")
    if stored.narrow is not None:
        return stored.narrow(patterns)
    found: set[str] = set()
    for pattern in patterns:
        fitting = {name for name in stored.arrays if fits(pattern, (name, *stored.aliases.get(name, ())))}
        if not fitting:
            reasons = [f"{name!r} is left out: {why}" for name, why in stored.left_out.items() if fits(pattern, [name])]
            names = [*stored.arrays, *(alias for aliases in stored.aliases.values() for alias in aliases)]
            hint = f"; {reasons[0]}" if reasons else near(pattern, names) or _wider(pattern, names)
            raise InvalidArgument(f"select={pattern!r} fits none of the {len(stored.arrays)} arrays of {shown!r}{hint}")
        found |= fitting
    arrays = {name: source for name, source in stored.arrays.items() if name in found}
    left_out = {name: why for name, why in stored.left_out.items() if any(fits(one, [name]) for one in patterns)}
    return replace(stored, arrays=arrays, left_out=left_out)


def no_feature(pattern: str, features: Sequence[str], shown: str) -> InvalidArgument:
    """Give what is said of a name or pattern that fits none of the features of records."""
    known = ", ".join(features[:_SHOWN]) + (f" and {len(features) - _SHOWN} more" if len(features) > _SHOWN else "")
    which = f", which are {known}" if features else ""
    return InvalidArgument(
        f"select={pattern!r} fits none of the {len(features)} features of {shown!r}{which}{near(pattern, features)}"
    )


def _wider(pattern: str, names: Iterable[str]) -> str:
    """Offer a pattern that fits within names, where one does: not all know that one has to fit them whole."""
    wider = f"*{pattern.strip('*')}*"
    return f"; a pattern has to fit a whole name: {wider!r} would" if any(fits(wider, [name]) for name in names) else ""


def fits(pattern: str, names: Iterable[str]) -> bool:
    """Tell whether a name or pattern ("*/kernel") fits any of the names of an array."""
    return any(name == pattern or fnmatchcase(name, pattern) for name in names)


def near(name: str, known: Iterable[str]) -> str:
    """Say which known names look like one that is not known; nothing if none does."""
    near = difflib.get_close_matches(name, known, 3)
    return f"; near it are {', '.join(map(repr, near))}" if near else ""


def close_to(name: str, known: Iterable[str]) -> str:
    """Say which known names go on where this one ends, as the parts of a ragged value do, or else look like it."""
    known = list(known)
    parts = [repr(one) for one in known if one.startswith(f"{name}/")]
    more = f" and {len(parts) - _SHOWN_PARTS} more" if len(parts) > _SHOWN_PARTS else ""
    return f"; there are {', '.join(parts[:_SHOWN_PARTS])}{more}" if parts else near(name, known)
