"""The arrays of a .npz file: a zip archive of .npy files and nothing else. Other archives may not enter.

An uncompressed member is a view of the memory-mapped file; a compressed one is unpacked when it is read. Neither
is checked against its checksum before that.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from .._blobs import blob_of
from .._errors import FormatError
from .._host import read_only
from .._protocols import ArraySource, Stored
from .._sources import HostArray
from . import _npy_header
from ._flat import view
from ._inflated import Inflated
from ._zip_members import DAMAGED, is_stored, place

_KIND = ".npz file"
_SUFFIX = ".npy"


def npz(path: Path, head: bytes) -> Stored | None:
    """Open a .npz file.

    Raises: FormatError for a damaged file, and for members that are no arrays or are not where they should be.
    """
    if not head.startswith((b"PK\3\4", b"PK\5\6")):
        return None
    try:
        archive = zipfile.ZipFile(path)
    except DAMAGED as error:
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
    blob = blob_of(path)
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
            start, end = place(blob, member)
            arrays[name] = _source(archive, member, blob.read(start, end), path)
        except (FormatError, *DAMAGED) as error:
            raise FormatError(f"{where} cannot be read: {error}") from error
    return {name: arrays[name] for name in (m.filename.removesuffix(_SUFFIX) for m in archive.infolist())}


def _source(archive: zipfile.ZipFile, member: zipfile.ZipInfo, data: NDArray[Any], path: Path) -> ArraySource:
    device = f"file {path}"
    if is_stored(member, "np.load may do"):
        header = _npy_header.parse(data[: _npy_header.MOST_BYTES].tobytes(), member.file_size)
        return HostArray(read_only(view(data[header.start :], header)), kind=_KIND, device=device)
    with archive.open(member) as stream:
        header = _npy_header.parse(stream.read(_npy_header.MOST_BYTES), member.file_size)
    return Inflated(archive, member, header, kind=_KIND, device=device)
