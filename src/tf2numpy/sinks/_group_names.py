"""Which names of arrays can be paths inside one tree of groups. No file may enter."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from .._errors import FormatError


def check_paths(
    names: Iterable[str], format: str, root: str, further: Callable[[str], str | None] = lambda name: None
) -> None:
    """Refuse names that are no paths inside a tree, and names that are in each other's way.

    format, root: what the tree is, for messages. further: says what else is wrong with a name, if anything is.
    Raises: FormatError naming the first such name and the reason.
    """
    known = dict.fromkeys(names)
    for name in known:
        problem = _problem(name) or further(name)
        if problem:
            raise FormatError(f"the name {name!r} {problem}, which {format} cannot hold; rename the array")
    for name in known:
        parts = name.split("/")
        for end in range(1, len(parts)):
            group = "/".join(parts[:end])
            if group in known:
                raise FormatError(
                    f"the names {group!r} and {name!r} cannot be in one {format} {root}: {group!r} would be both "
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
