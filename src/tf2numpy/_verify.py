"""A finished file against the checksums of what was written to it, by its format's own library.

Our readers may not enter: what they and the sinks get wrong in the same way, only others can see.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from . import _registry
from ._checksum import checksum
from ._dtypes import structure
from ._errors import VerifyError
from ._types import ArraySpec, Layout
from ._witness import Shown, Witness

# The bounds along each axis that was cut, and the CRC-32.
_Piece: TypeAlias = tuple[list[list[int]], int]


class Reference(NamedTuple):
    """What reads outputs of one format, and by which library."""

    witness: Witness
    library: str


def reference_of(format: str, layout: Layout) -> Reference:
    """Find what reads outputs of a format back.

    Raises: MissingExtra if the format's own library is absent; as `sink_format`.
    """
    row = _registry.sink_format(format, layout)
    _registry.require(row.library, f"verify=True for {format}")
    return Reference(_registry.load(row.witness, "witnesses"), row.library)


def check_output(path: Path, reference: Reference, specs: Mapping[str, ArraySpec], checksums: Iterable[Any]) -> None:
    """Read every piece of an output back and compare it; of each array its dtype and shape too.

    specs: what was written. checksums: a name, the bounds of the piece along each axis that was cut and its CRC-32,
    for each piece: all pieces of each array.
    Raises: VerifyError naming the first array that differs, or cannot be read, and where.
    """
    pieces: dict[str, list[_Piece]] = {name: [] for name in specs}
    for name, bounds, crc in checksums:
        pieces[name].append((bounds, crc))
    name, problem = next(iter(specs)), None
    try:
        with reference.witness(path) as show:
            for name, spec in specs.items():
                problem = _problem(show(name), spec, sorted(pieces[name]))
                if problem is not None:
                    break
    except Exception as error:  # a damaged file makes libraries raise anything
        raise _failed(path, name, f"cannot be read ({' '.join(repr(error).split())})", reference.library) from error
    if problem is not None:
        raise _failed(path, name, problem, reference.library)


def _problem(shown: Shown, spec: ArraySpec, pieces: list[_Piece]) -> str | None:
    """Say what is wrong with an array; pieces: all of it, in C order, so that a stream need not step back."""
    shape = _shape(spec, pieces)
    if not _same(shown.dtype, spec.dtype) or shown.shape != shape:
        found = f"{_named(shown.dtype)} of shape {shown.shape}"
        return f"is {found}, and was written as {_named(spec.dtype)} of shape {shape}"
    size = math.prod(shape)
    missing = size
    for bounds, wanted in pieces:
        index = tuple(slice(start, stop) for start, stop in (*bounds, *((0, n) for n in shape[len(bounds) :])))
        count = math.prod(s.stop - s.start for s in index)
        missing -= count
        if not count:
            continue
        crc = checksum(shown.read(index))
        if crc != wanted:
            where = ", ".join(f"{start}:{stop}" for start, stop in bounds)
            return f"differs in [{where}] (CRC-32 {crc:08x}, written {wanted:08x})"
    return f"has {size} elements, of which {missing} were never written" if missing else None


def _shape(spec: ArraySpec, pieces: list[_Piece]) -> tuple[int, ...]:
    """Give the shape that the pieces make up: a number of rows that was not known, or proved wrong, is theirs."""
    cut = min((len(bounds) for bounds, _ in pieces), default=0)
    ends = [max(bounds[axis][1] for bounds, _ in pieces) for axis in range(cut)]
    return (*ends, *(n or 0 for n in spec.shape[cut:]))


def _same(found: np.dtype[Any], written: np.dtype[Any]) -> bool:
    """Tell whether dtypes are the same, as far as files name them: a field's title is in none but .npy."""
    return structure(_untitled(found)) == structure(_untitled(written))


def _untitled(dtype: np.dtype[Any]) -> np.dtype[Any]:
    if dtype.names is None or dtype.fields is None:
        return dtype
    offsets = [dtype.fields[name][1] for name in dtype.names]
    formats = [_untitled(dtype[name]) for name in dtype.names]
    return np.dtype({"names": dtype.names, "formats": formats, "offsets": offsets, "itemsize": dtype.itemsize})


def _named(dtype: np.dtype[Any]) -> str:
    return "string" if dtype.hasobject else str(dtype)  # which tells the order of bytes too


def _failed(path: Path, name: str, problem: str, library: str) -> VerifyError:
    return VerifyError(
        f"{str(path)!r} does not give back what was written to it: by {library}, array {name!r} {problem}; the disk, "
        "the memory or one of the libraries is at fault, save it anew, or in another format"
    )
