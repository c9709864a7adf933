"""Which arrays of two files belong together: by name, or by another name. Nothing is read here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ._protocols import ArraySource, Stored


class Pair(NamedTuple):
    """An array of one file and the one in another that has its name, or another of its names; None where none has.

    names: all names of both; the first is the one by which the left file calls it, or else the right one.
    """

    names: tuple[str, ...]
    left: ArraySource | None
    right: ArraySource | None

    @property
    def shown(self) -> str:
        """The name, or both where the two files call it differently."""
        return self.names[0] if self.left is None or self.right is None else " = ".join(dict.fromkeys(self.names[:2]))


def pairs(left: Stored, right: Stored) -> Iterator[Pair]:
    """Give every array of two files once, in the order of their names.

    Arrays of one name belong together. Of the others, two belong together that share a name if no third one does.
    """
    same = left.arrays.keys() & right.arrays.keys()
    matched = {name: name for name in same} | _by_other_names(_rest(left, same), _rest(right, same))
    taken = set(matched.values())
    order = [(name, True) for name in left.arrays] + [(name, False) for name in right.arrays if name not in taken]
    for name, is_left in sorted(order):
        other = matched.get(name) if is_left else None
        if not is_left:
            yield Pair((name, *right.aliases.get(name, ())), None, right.arrays[name])
        elif other is None:
            yield Pair((name, *left.aliases.get(name, ())), left.arrays[name], None)
        else:
            names = (name, other, *left.aliases.get(name, ()), *right.aliases.get(other, ()))
            yield Pair(names, left.arrays[name], right.arrays[other])


def _rest(stored: Stored, same: set[str]) -> dict[str, set[str]]:
    """Give all names that are its alone, of each array that has no partner yet."""
    names = {name: {name, *stored.aliases.get(name, ())} for name in stored.arrays}
    counts = Counter(one for all_ in names.values() for one in all_)
    return {name: {one for one in all_ if counts[one] == 1} for name, all_ in names.items() if name not in same}


def _by_other_names(left: Mapping[str, set[str]], right: Mapping[str, set[str]]) -> dict[str, str]:
    """Match arrays that share a name with one array of the other file, which shares names with no other either."""
    called: dict[str, set[str]] = {}
    for name, names in right.items():
        for one in names:
            called.setdefault(one, set()).add(name)
    sharing = {name: set().union(*(called.get(one, set()) for one in names)) for name, names in left.items()}
    wanted: dict[str, list[str]] = {}
    for name, others in sharing.items():
        for other in others:
            wanted.setdefault(other, []).append(name)
    return {
        name: other
        for name, others in sharing.items()
        if len(others) == 1
        for other in others
        if len(wanted[other]) == 1
    }
