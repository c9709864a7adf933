"""Files against the checksums of what was written to them, and against each other. Only reading may enter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from ._checksum import checksum
from ._dtypes import logical_name
from ._errors import VerifyError
from ._opened import stored_in
from ._pairs import pairs
from ._pieces import pieces
from ._protocols import ArraySource


def check_output(path: Path, checksums: Iterable[Any]) -> None:
    """Read every piece of an output back and compare it.

    checksums: a name, the bounds of the piece along each axis and its CRC-32, for each piece.
    Raises: VerifyError naming the first piece that differs.
    """
    stored = stored_in(path)
    try:
        for name, bounds, wanted in checksums:
            found = checksum(stored.arrays[name].read(tuple(slice(start, stop) for start, stop in bounds)))
            if found != wanted:
                where = ", ".join(f"{start}:{stop}" for start, stop in bounds)
                raise VerifyError(
                    f"{str(path)!r} does not give back what was written to it: array {name!r} differs in [{where}] "
                    f"(CRC-32 {found:08x}, written {wanted:08x}); the disk or the memory is at fault, save it anew"
                )
    finally:
        stored.close()


def differences(left: Path, right: Path) -> Iterator[str]:
    """Compare two files, or folders, of any formats: names, dtypes, shapes and every bit; say what differs.

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
