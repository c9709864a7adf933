"""Two files of any formats against each other, by our own readers. Only reading may enter.

A file against what was written to it is `_verify`'s matter, and the formats' own libraries'.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from ._checksum import checksum
from ._dtypes import logical_name
from ._opened import stored_in
from ._pairs import pairs
from ._pieces import pieces
from ._protocols import ArraySource, Place


def differences(left: Place, right: Place) -> Iterator[str]:
    """Compare two files, or folders, of any formats: names, dtypes, shapes and every bit; say what differs.

    Both are read as `open` reads them: so it can compare whatever can be opened, files that others wrote among them.

    Raises: what `open` raises.
    """
    with closing(stored_in(left)) as a, closing(stored_in(right)) as b:
        for pair in pairs(a, b):
            if pair.left is None or pair.right is None:
                yield f"{pair.shown}: only in {right if pair.left is None else left}"
            elif (found := _difference(pair.left, pair.right)) is not None:
                yield f"{pair.shown}: {found}"


def _difference(a: ArraySource, b: ArraySource) -> str | None:
    facts = [f"{logical_name(one.spec.dtype)} of shape {one.spec.shape}" for one in (a, b)]
    if a.spec.dtype != b.spec.dtype or a.spec.shape != b.spec.shape:
        return f"{facts[0]} against {facts[1]}"
    for index in pieces(a):
        if checksum(a.read(index)) != checksum(b.read(index)):
            return f"differs in [{', '.join(f'{s.start}:{s.stop}' for s in index)}]"
    return None
