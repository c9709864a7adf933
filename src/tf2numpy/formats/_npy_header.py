"""The header of a .npy file that may be damaged or hostile, wherever that file lies. Only NumPy's own format may enter.

Source of its facts: numpy.lib.format. A structure of one field named like an extended dtype is that dtype (see
`sinks._npy_file`).
"""

from __future__ import annotations

import ast
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


def parse(head: bytes, nbytes: int, *, exact: bool = True) -> Header:
    """Read the header off the first bytes of a .npy file of this size; exact: nothing may follow the elements.

    Raises: FormatError for a damaged one, for pickled objects, and if the file is not of the size that it tells.
    """
    stream = io.BytesIO(head)
    try:
        version = npy_format.read_magic(stream)
        if version not in _READ:
            raise FormatError(
                f"it is a .npy file of version {version}; 1.0, 2.0 and 3.0 are known here, np.load may do"
            )
        shape, fortran, dtype = _READ[version](stream)
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
    if found.start + found.nbytes > nbytes or (exact and found.start + found.nbytes != nbytes):
        raise FormatError(
            f"it has {nbytes} bytes, and its header tells of {found.start + found.nbytes}: {found.start} of its own, "
            f"then shape {str(shape)[:100]} of {dtype}"
        )
    return found._replace(dtype=from_structure(dtype))


def _read_3_0(stream: io.BytesIO) -> tuple[Any, bool, np.dtype[Any]]:
    """Read a header in UTF-8, which NumPy writes for names of fields that Latin-1 has not, and has no function for."""
    length = int.from_bytes(stream.read(4), "little")
    text = stream.read(length)
    if len(text) < length:
        raise ValueError(f"its header would have {length} bytes, and {len(text)} are there")
    found = ast.literal_eval(text.decode())
    if not isinstance(found, dict) or found.keys() != {"descr", "fortran_order", "shape"}:
        raise ValueError("its header does not have just 'descr', 'fortran_order' and 'shape'")
    if not isinstance(found["fortran_order"], bool) or not isinstance(found["shape"], tuple):
        raise ValueError("the order or the shape in its header is none")
    return found["shape"], found["fortran_order"], npy_format.descr_to_dtype(found["descr"])


_READ: dict[tuple[int, int], Any] = {
    (1, 0): npy_format.read_array_header_1_0,
    (2, 0): npy_format.read_array_header_2_0,
    (3, 0): _read_3_0,
}
