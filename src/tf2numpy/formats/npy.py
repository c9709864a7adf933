"""One array in a .npy file. Only NumPy's own format may enter.

Source of its facts: numpy.lib.format. A structure of one field named like an extended dtype is that dtype (see
`sinks._npy_file`).
"""

from __future__ import annotations

from .._blobs import blob_of
from .._errors import FormatError
from .._protocols import Place, Stored
from . import _npy_header
from ._ranges import array_at

_KIND = ".npy file"
_MAGIC = b"\x93NUMPY"


def npy(path: Place, head: bytes) -> Stored | None:
    """Open a .npy file; its one array is called "data". What may follow the array is left alone, as NumPy does it.

    Raises: FormatError for a damaged file, and for one of pickled objects, which are unsafe to load.
    """
    if not head.startswith(_MAGIC):
        return None
    blob = blob_of(path)
    try:
        start = blob.read(0, min(_npy_header.MOST_BYTES, blob.size)).tobytes()
        header = _npy_header.parse(start, blob.size, exact=False)
        array = array_at(blob, header.start, header.shape, header.dtype, kind=_KIND, fortran=header.fortran)
    except FormatError as error:
        raise FormatError(f"{str(path)!r} is a {_KIND} that cannot be read: {error}") from error
    return Stored(_KIND, {"data": array}, lambda: None)
