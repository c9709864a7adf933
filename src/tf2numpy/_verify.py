"""Files against the checksums of what was written to them, and against each other. Only reading may enter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ._checksum import checksum
from ._dtypes import logical_name
from ._errors import VerifyError
from ._opened import stored_in
from ._protocols import ArraySource

_PIECE_BYTES = 16 << 20


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
