"""Where the members of a zip archive lie, and which of them can be unpacked at all. What they hold may not enter."""

from __future__ import annotations

import struct
import zipfile
import zlib

from .._blob_file import BlobFile
from .._blobs import Blob
from .._errors import FormatError

# What zipfile raises for what it finds in a damaged archive.
DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    NotImplementedError,
    ValueError,
    EOFError,
    OSError,
    RuntimeError,
    struct.error,
)
_LOCAL_HEADER = struct.Struct("<4s5H3L2H")
_MOST_RATIO = 1040  # deflate makes nothing smaller than by 1032
_ENCRYPTED = 1


def unzipped(blob: Blob) -> zipfile.ZipFile:
    """Read the directory of an archive.

    Raises: one of DAMAGED for a damaged one, and what kept its bytes from being read.
    """
    file = BlobFile(blob)
    try:
        return zipfile.ZipFile(file)
    except DAMAGED:
        if file.failed is not None:
            raise file.failed from None
        raise


def place(archive: Blob, member: zipfile.ZipInfo) -> tuple[int, int]:
    """Give where a member's content begins and ends, in bytes of the archive, by the header right before it.

    Raises: FormatError if no member is there, or if it would not end within the archive.
    """
    at = member.header_offset
    head = archive.read(at, min(at + _LOCAL_HEADER.size, archive.size)).tobytes() if 0 <= at < archive.size else b""
    if len(head) < _LOCAL_HEADER.size or not head.startswith(b"PK\3\4"):
        raise FormatError("no member begins there")
    fields = _LOCAL_HEADER.unpack(head)
    start = at + _LOCAL_HEADER.size + int(fields[-2]) + int(fields[-1])
    stop = start + member.compress_size
    if stop > archive.size:
        raise FormatError(f"it would end at {stop}, and the file ends at {archive.size}")
    return start, stop


def is_stored(member: zipfile.ZipInfo, otherwise: str) -> bool:
    """Tell a member that lies there as it is from one that is deflated.

    otherwise: what to do about a member that is compressed in a way that is not known here.
    Raises: FormatError for one that is encrypted, compressed in another way, or of sizes that cannot be.
    """
    if member.flag_bits & _ENCRYPTED:
        raise FormatError("it is encrypted; unpack it with its password, and pack it again without one")
    if member.compress_type == zipfile.ZIP_STORED:
        if member.file_size != member.compress_size:
            raise FormatError(f"it has {member.compress_size} bytes, and its size is given as {member.file_size}")
        return True
    if member.compress_type != zipfile.ZIP_DEFLATED:
        raise FormatError(
            f"it is compressed by method {member.compress_type}; 0 (not at all) and 8 (deflate) are known here, "
            f"{otherwise}"
        )
    if member.file_size > member.compress_size * _MOST_RATIO:
        raise FormatError(f"its {member.compress_size} bytes cannot unpack to the {member.file_size} it promises")
    return False
