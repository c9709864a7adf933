"""Which names of arrays can be paths inside one HDF5 file. Nothing else may enter."""

from __future__ import annotations

from collections.abc import Iterable

from .._errors import FormatError


def check_names(names: Iterable[str]) -> None:
    """Refuse names that are no paths inside a file, and names that are in each other's way.

    Raises: FormatError naming the first such name and the reason.
    """
    known = dict.fromkeys(names)
    for name in known:
        problem = _problem(name)
        if problem:
            raise FormatError(f"the name {name!r} {problem}, which HDF5 cannot hold; rename the array")
    for name in known:
        parts = name.split("/")
        for end in range(1, len(parts)):
            group = "/".join(parts[:end])
            if group in known:
                raise FormatError(
                    f"the names {group!r} and {name!r} cannot be in one HDF5 file: {group!r} would be both "
                    f"an array and the group of another; rename one of them"
                )


def _problem(name: str) -> str | None:
    parts = name.split("/")
    if "" in parts:
        return "is empty or has an empty part"
    if "." in parts or ".." in parts:
        return "has '.' or '..' as a part"
    if "\0" in name:
        return "has a NUL character"
    try:
        name.encode()
    except UnicodeEncodeError:
        return "is not valid Unicode"
    return None
