"""The header of a .npy file that may be damaged or hostile, wherever that file lies. Only NumPy's own format may enter.

Source of its facts: numpy.lib.format. A structure of one field named like an extended dtype is that dtype (see
`sinks._npy_file`).
"""

from __future__ import annotations

import io
import math
import tokenize
from typing import Any, NamedTuple

import numpy as np
from numpy.lib import format as npy_format

from .._dtypes import from_structure
from .._errors import FormatError

MOST_BYTES = 1 << 16  # a header that NumPy would read without being told to trust it is shorter
# What its parts can raise, a literal of Python among them.
DAMAGED = (ValueError, TypeError, SyntaxError, OverflowError, MemoryError, RecursionError, tokenize.TokenError)


class Header(NamedTuple):
    """What the bytes after a header are. start: where they begin in the file."""

    start: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool

    @property
    def nbytes(self) -> int:
        """Bytes of the elements."""
        return math.prod(self.shape) * self.dtype.itemsize


def parse(head: bytes, nbytes: int) -> Header:
    """Read the header off the first bytes of a .npy file of this size.

    Raises: FormatError for a damaged one, for pickled objects, and if the file is not of the size that it tells.
    """
    stream = io.BytesIO(head)
    try:
        version = npy_format.read_magic(stream)
        if version not in ((1, 0), (2, 0)):
            raise FormatError(f"it is a .npy file of version {version}; 1.0 and 2.0 are known here, np.load may do")
        read = npy_format.read_array_header_1_0 if version == (1, 0) else npy_format.read_array_header_2_0
        shape, fortran, dtype = read(stream)
    except FormatError:
        raise
    except DAMAGED as error:
        raise FormatError(f"it is no .npy file, or its header is damaged: {error}") from error
    if dtype.hasobject:
        raise FormatError("it holds pickled objects, which are unsafe to load; save it again with a dtype of numbers")
    if not all(type(n) is int and 0 <= n < 2**63 for n in shape):
        raise FormatError(
            f"its header has the shape {str(shape)[:100]}; sizes must be whole numbers from 0 to 2**63 - 1"
        )
    found = Header(stream.tell(), shape, dtype, fortran)
    if found.start + found.nbytes != nbytes:
        raise FormatError(
            f"it has {nbytes} bytes, and its header tells of {found.start + found.nbytes}: {found.start} of its own, "
            f"then shape {str(shape)[:100]} of {dtype}"
        )
    return found._replace(dtype=from_structure(dtype))
