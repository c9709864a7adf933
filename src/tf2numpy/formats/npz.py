"""The arrays of a .npz file: a zip archive of .npy files and nothing else. Other archives may not enter.

An uncompressed member is a view of the memory-mapped file; a compressed one is unpacked when it is read. Neither
is checked against its checksum before that.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._errors import FormatError
from .._host import read_only
from .._protocols import ArraySource, Stored
from .._sources import HostArray
from . import _npy_header
from ._flat import view
from ._inflated import Inflated

_KIND = ".npz file"
_SUFFIX = ".npy"
_LOCAL_HEADER = struct.Struct("<4s5H3L2H")
_MOST_RATIO = 1040  # deflate makes nothing smaller than by 1032
_ENCRYPTED = 1
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    NotImplementedError,
    ValueError,
    EOFError,
    OSError,
    RuntimeError,
    struct.error,
)


def npz(path: Path, head: bytes) -> Stored | None:
    """Open a .npz file.

    Raises: FormatError for a damaged file, and for members that are no arrays or are not where they should be.
    """
    if not head.startswith((b"PK\3\4", b"PK\5\6")):
        return None
    try:
        archive = zipfile.ZipFile(path)
    except _DAMAGED as error:
        if path.suffix.lower() != ".npz":
            return None
        raise FormatError(f"{str(path)!r} is a {_KIND} that cannot be read: {error}") from error
    try:
        members = archive.infolist()
        if not all(member.filename.endswith(_SUFFIX) for member in members) or not (members or _is_empty(path)):
            archive.close()
            return None
        arrays = _arrays(archive, path)
    except BaseException:
        archive.close()
        raise

    def close() -> None:
        for array in arrays.values():
            if isinstance(array, Inflated):
                array.close()
        archive.close()

    return Stored(_KIND, arrays, close)


def _is_empty(path: Path) -> bool:
    """Tell whether an archive without members is one of arrays: nothing but its name says so."""
    return path.suffix.lower() == ".npz"


def _arrays(archive: zipfile.ZipFile, path: Path) -> dict[str, ArraySource]:
    data = np.asarray(np.memmap(path, np.uint8, "r"))
    arrays: dict[str, ArraySource] = {}
    end = 0
    for member in sorted(archive.infolist(), key=lambda member: member.header_offset):
        where = f"the member {member.filename!r} at offset {member.header_offset} of {str(path)!r}"
        name = member.filename.removesuffix(_SUFFIX)
        try:
            if name in arrays:
                raise FormatError("another member has the same name")
            if member.header_offset < end:
                raise FormatError(f"the member before it ends at {end} only")
            start = _start(data, member)
            end = start + member.compress_size
            arrays[name] = _source(archive, member, data[start:end], path)
        except (FormatError, *_DAMAGED) as error:
            raise FormatError(f"{where} cannot be read: {error}") from error
    return {name: arrays[name] for name in (m.filename.removesuffix(_SUFFIX) for m in archive.infolist())}


def _start(data: NDArray[np.uint8], member: zipfile.ZipInfo) -> int:
    """Give where a member's content begins, by the header right before it."""
    at = member.header_offset
    head = data[at : at + _LOCAL_HEADER.size].tobytes()
    if at < 0 or len(head) < _LOCAL_HEADER.size or not head.startswith(b"PK\3\4"):
        raise FormatError("no member begins there")
    fields = _LOCAL_HEADER.unpack(head)
    start = at + _LOCAL_HEADER.size + int(fields[-2]) + int(fields[-1])
    if start + member.compress_size > data.size:
        raise FormatError(f"it would end at {start + member.compress_size}, and the file ends at {data.size}")
    return start


def _source(archive: zipfile.ZipFile, member: zipfile.ZipInfo, data: NDArray[Any], path: Path) -> ArraySource:
    if member.flag_bits & _ENCRYPTED:
        raise FormatError("it is encrypted; unpack it with its password, and pack it again without one")
    device = f"file {path}"
    if member.compress_type == zipfile.ZIP_STORED:
        if member.file_size != member.compress_size:
            raise FormatError(f"it has {member.compress_size} bytes, and its size is given as {member.file_size}")
        header = _npy_header.parse(data[: _npy_header.MOST_BYTES].tobytes(), member.file_size)
        return HostArray(read_only(view(data[header.start :], header)), kind=_KIND, device=device)
    if member.compress_type != zipfile.ZIP_DEFLATED:
        raise FormatError(
            f"it is compressed by method {member.compress_type}; 0 (not at all) and 8 (deflate) are known here, "
            "np.load may do"
        )
    if member.file_size > member.compress_size * _MOST_RATIO:
        raise FormatError(f"its {member.compress_size} bytes cannot unpack to the {member.file_size} it promises")
    with archive.open(member) as stream:
        header = _npy_header.parse(stream.read(_npy_header.MOST_BYTES), member.file_size)
    return Inflated(archive, member, header, kind=_KIND, device=device)
