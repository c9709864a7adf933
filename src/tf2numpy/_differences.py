"""Two files of any formats against each other, by our own readers. Only reading may enter.

A file against what was written to it is `_verify`'s matter, and the formats' own libraries'.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ._checksum import checksum
from ._dtypes import logical_name
from ._opened import stored_in
from ._protocols import ArraySource

_PIECE_BYTES = 16 << 20


def differences(left: Path, right: Path) -> Iterator[str]:
    """Compare two files, or folders, of any formats: names, dtypes, shapes and every bit; say what differs.

    Both are read as `open` reads them: so it can compare whatever can be opened, files that others wrote among them.

    Raises: what `open` raises.
    """
    a, b = stored_in(left), stored_in(right)
    try:
        for name in sorted(a.arrays.keys() | b.arrays.keys()):
            if name not in a.arrays or name not in b.arrays:
                yield f"{name}: only in {left if name in a.arrays else right}"
            elif (found := _difference(a.arrays[name], b.arrays[name])) is not None:
                yield f"{name}: {found}"
    finally:
        a.close()
        b.close()


def _difference(a: ArraySource, b: ArraySource) -> str | None:
    facts = [f"{logical_name(one.spec.dtype)} of shape {one.spec.shape}" for one in (a, b)]
    if a.spec.dtype != b.spec.dtype or a.spec.shape != b.spec.shape:
        return f"{facts[0]} against {facts[1]}"
    for index in a.regions(_PIECE_BYTES):
        if checksum(a.read(index)) != checksum(b.read(index)):
            return f"differs in [{', '.join(f'{s.start}:{s.stop}' for s in index)}]"
    return None
