"""The arrays of a .safetensors file. Only that format's bytes may enter.

The header is checked as the safetensors library does it: the arrays must fill the file, without gaps or overlaps.
What our own files record beside (see `sinks.safetensors`) gives each array its dtype back.
"""

from __future__ import annotations

import math
import re
from typing import Any, NamedTuple

import numpy as np

from .._blobs import Blob, blob_of
from .._errors import FormatError
from .._protocols import ArraySource, Place, Stored
from ..layouts.json_objects import parse_object
from ..layouts.safetensors_dtypes import KNOWN, MOST_HEADER_BYTES, RECORD, Encoding, decoded
from ..wire.records import begins_record
from ._ranges import array_at

_KIND = ".safetensors file"
_OBJECT = re.compile(rb'\{[ \t\r\n]*["}]')
_MOST_AXES = 65  # NumPy's most, and the one that an element may become
# An array takes a kilobyte of memory, whatever little it takes in a file.
_FREE_ENTRIES, _BYTES_OF_AN_ENTRY = 50_000, 120


class _Entry(NamedTuple):
    """One array, as the header describes it: offsets count from the header's end."""

    name: str
    dtype: np.dtype[Any]
    encoding: Encoding
    shape: tuple[int, ...]
    begin: int
    end: int


def safetensors(path: Place, head: bytes) -> Stored | None:
    """Open a .safetensors file; its arrays have the order of its header.

    Raises: FormatError for a damaged file, and for a dtype that is not known here.
    """
    length = int.from_bytes(head[:8], "little")
    if not _begins(head, length, named=path.suffix.lower() == ".safetensors"):
        return None
    try:
        blob = blob_of(path)
        base = 8 + length
        if length > MOST_HEADER_BYTES or base > blob.size:
            raise FormatError(
                f"its first 8 bytes promise a header of {length} bytes; {blob.size - 8} bytes follow, and "
                f"{MOST_HEADER_BYTES} are allowed"
            )
        entries = _entries(blob.read(8, base).tobytes(), blob.size)
        _check_places(entries, blob.size - base)
        arrays = {entry.name: _source(blob, base, entry) for entry in entries}
    except FormatError as error:
        raise FormatError(f"{str(path)!r} is a {_KIND} that cannot be read: {error}") from error
    return Stored(_KIND, arrays, lambda: None)


def _begins(head: bytes, length: int, *, named: bool) -> bool:
    """Tell whether a file begins as these do; of one that is named so, the brace after the length is enough.

    One of 256 files of records has it there too, in the sum of its first length.
    """
    if named:
        return head[8:9] == b"{"
    return length <= MOST_HEADER_BYTES and _OBJECT.match(head, 8) is not None and not begins_record(head)


def _entries(text: bytes, size: int) -> list[_Entry]:
    try:
        header = parse_object(text)
    except ValueError as error:
        raise FormatError(f"its header, at offset 8, is no JSON object as it should be: {error}") from error
    metadata = header.pop("__metadata__", None) or {}
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise FormatError("'__metadata__' in its header must be texts by name")
    if len(header) > (most := _FREE_ENTRIES + size // _BYTES_OF_AN_ENTRY):
        raise FormatError(f"its header has {len(header)} entries; {most} are the most in a file of {size} bytes")
    return [_entry(name, found, metadata.get(RECORD + name, "")) for name, found in header.items()]


def _entry(name: str, found: Any, recorded: str) -> _Entry:
    where = f"the entry {name!r} of its header"
    if not isinstance(found, dict) or not {"dtype", "shape", "data_offsets"} <= found.keys():
        raise FormatError(f"{where} must have 'dtype', 'shape' and 'data_offsets'")
    code, shape, offsets = found["dtype"], found["shape"], found["data_offsets"]
    if not _are_sizes(shape):
        raise FormatError(f"{where} has shape {_short(shape)}; it must be a list of whole numbers from 0 to 2**63 - 1")
    if len(shape) > _MOST_AXES:
        raise FormatError(f"{where} has {len(shape)} axes; {_MOST_AXES} are the most")
    if not _are_sizes(offsets) or len(offsets) != 2:
        raise FormatError(f"{where} has data_offsets {_short(offsets)}; they must be two whole numbers")
    known = decoded(code, recorded) if isinstance(code, str) else None
    if known is None:
        also = f", recorded as {_short(recorded)}," if recorded else ""
        raise FormatError(
            f"{where} has dtype {_short(code)}{also} which is not known here; known are {', '.join(KNOWN)}; "
            "open the file with the library safetensors"
        )
    dtype, encoding = known
    axes = len(shape) - len(encoding.tail)
    if axes < 0 or tuple(shape[axes:]) != encoding.tail:
        raise FormatError(f"{where} has shape {_short(shape)}; as {recorded} it must end in {list(encoding.tail)}")
    shape = tuple(shape[:axes])
    return _Entry(name, dtype, encoding, shape, *offsets)


def _check_places(entries: list[_Entry], nbytes: int) -> None:
    """Refuse arrays that overlap, leave gaps, or do not fill the file just so."""
    end = 0
    for entry in sorted(entries, key=lambda entry: (entry.begin, entry.end)):
        where = f"the entry {entry.name!r} of its header"
        if entry.begin != end:
            raise FormatError(f"{where} begins at offset {entry.begin}, and the one before it ends at {end}")
        needed = math.prod(entry.shape) * entry.dtype.itemsize
        if entry.end - entry.begin != needed:
            raise FormatError(
                f"{where} has the offsets {entry.begin} to {entry.end}, and {needed} bytes by its shape and dtype"
            )
        end = entry.end
    if end != nbytes:
        raise FormatError(f"its arrays end at offset {end} after the header, and the file at {nbytes}")


def _source(blob: Blob, base: int, entry: _Entry) -> ArraySource:
    try:
        stored = entry.encoding.stored
        return array_at(blob, base + entry.begin, entry.shape, entry.dtype, kind=_KIND, stored=stored)
    except FormatError as error:
        raise FormatError(f"the entry {entry.name!r} of its header cannot be read: {error}") from error


def _are_sizes(found: Any) -> bool:
    return isinstance(found, list) and all(type(n) is int and 0 <= n < 2**63 for n in found)


def _short(found: Any) -> str:
    """Write what a file holds, whatever its length."""
    text = repr(found)
    return text if len(text) <= 100 else f"{text[:100]}..."
