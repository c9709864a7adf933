"""One array in a .npy file, as a view of the memory-mapped file. Only NumPy's own format may enter.

Source of its facts: numpy.lib.format. A structure of one field named like an extended dtype is that dtype (see
`sinks._npy_file`).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .._dtypes import from_structure
from .._errors import FormatError
from .._host import read_only
from .._protocols import Stored
from .._sources import HostArray
from ._npy_header import DAMAGED

_MAGIC = b"\x93NUMPY"


def npy(path: Path, head: bytes) -> Stored | None:
    """Open a .npy file; its one array is called "data".

    Raises: FormatError for a damaged file, and for one of pickled objects, which are unsafe to load.
    """
    if not head.startswith(_MAGIC):
        return None
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (*DAMAGED, OSError, EOFError) as error:
        raise FormatError(f"{str(path)!r} is a .npy file that cannot be read: {error}") from error
    array = read_only(np.asarray(array).view(from_structure(array.dtype)))
    return Stored(".npy file", {"data": HostArray(array, kind=".npy file", device=f"file {path}")}, lambda: None)
