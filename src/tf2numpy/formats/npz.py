"""The arrays of a .npz file: a zip archive of .npy files and nothing else. Other archives may not enter.

An uncompressed member is read where it lies; a compressed one is unpacked when it is read. Neither
is checked against its checksum before that.
"""

from __future__ import annotations

import zipfile

from .._blobs import Blob, Slice, blob_of
from .._errors import FormatError, StoreError
from .._protocols import ArraySource, Place, Stored
from . import _npy_header
from ._inflated import Inflated
from ._ranges import array_at
from ._zip_members import DAMAGED, is_stored, place, unzipped

_KIND = ".npz file"
_SUFFIX = ".npy"


def npz(path: Place, head: bytes) -> Stored | None:
    """Open a .npz file.

    Raises: FormatError for a damaged file, and for members that are no arrays or are not where they should be.
    """
    if not head.startswith((b"PK\3\4", b"PK\5\6")):
        return None
    blob = blob_of(path)
    try:
        archive = unzipped(blob)
    except StoreError:
        raise
    except DAMAGED as error:
        if path.suffix.lower() != ".npz":
            return None
        raise FormatError(f"{str(path)!r} is a {_KIND} that cannot be read: {error}") from error
    try:
        members = archive.infolist()
        if not all(member.filename.endswith(_SUFFIX) for member in members) or not (members or _is_empty(path)):
            archive.close()
            return None
        arrays = _arrays(archive, blob, path)
    except BaseException:
        archive.close()
        raise

    def close() -> None:
        for array in arrays.values():
            if isinstance(array, Inflated):
                array.close()
        archive.close()

    return Stored(_KIND, arrays, close)


def _is_empty(path: Place) -> bool:
    """Tell whether an archive without members is one of arrays: nothing but its name says so."""
    return path.suffix.lower() == ".npz"


def _arrays(archive: zipfile.ZipFile, blob: Blob, path: Place) -> dict[str, ArraySource]:
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
            arrays[name] = _source(archive, member, Slice(blob, start, end, blob.name))
        except StoreError:
            raise
        except (FormatError, *DAMAGED) as error:
            raise FormatError(f"{where} cannot be read: {error}") from error
    return {name: arrays[name] for name in (m.filename.removesuffix(_SUFFIX) for m in archive.infolist())}


def _source(archive: zipfile.ZipFile, member: zipfile.ZipInfo, content: Blob) -> ArraySource:
    if is_stored(member, "np.load may do"):
        begin = content.read(0, min(_npy_header.MOST_BYTES, content.size)).tobytes()
        header = _npy_header.parse(begin, member.file_size)
        return array_at(content, header.start, header.shape, header.dtype, kind=_KIND, fortran=header.fortran)
    with archive.open(member) as stream:
        header = _npy_header.parse(stream.read(_npy_header.MOST_BYTES), member.file_size)
    return Inflated(archive, member, header, kind=_KIND, shown=content.name)
