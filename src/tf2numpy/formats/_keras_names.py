"""What the arrays of a Keras file are called, out of all the names they could have. Where those come from is no matter.

A name that would mean two arrays names neither: each then goes by its path in the file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from .._protocols import ArraySource, Stored


class Found(NamedTuple):
    """An array, or the reason why there is none, and its names.

    key: its path in the file. human: as the model calls it. others: names it may be asked for by as well.
    """

    key: str
    human: str
    others: tuple[str, ...]
    array: ArraySource | str


def stored(kind: str, found: Sequence[Found], names: str, close: Callable[[], None]) -> Stored:
    """Name the arrays; names: which kind of name comes first, "human" or "key"."""
    counts = Counter(each.human for each in found)
    keys = {each.key for each in found}
    arrays, aliases, left_out = {}, {}, {}
    for each in found:
        alone = counts[each.human] == 1 and (each.human == each.key or each.human not in keys)
        name = each.human if names == "human" and alone else each.key
        if isinstance(each.array, str):
            left_out[name] = each.array
            continue
        arrays[name] = each.array
        others = tuple(dict.fromkeys(other for other in (each.human, *each.others, each.key) if other != name))
        if others:
            aliases[name] = others
    return Stored(kind, arrays, close, aliases, left_out)
