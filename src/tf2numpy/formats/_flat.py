"""The elements of a .npy file as an array over its bytes. Nothing may be opened here."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .._dtypes import storage
from .._errors import FormatError
from ._npy_header import Header


def view(data: NDArray[np.uint8], header: Header) -> NDArray[Any]:
    """View the bytes after the header as the array they are.

    Raises: FormatError for a shape that NumPy cannot have.
    """
    order: Literal["F", "C"] = "F" if header.fortran else "C"
    try:
        return np.ndarray(header.shape, storage(header.dtype), data, order=order).view(header.dtype)
    except ValueError as error:
        raise FormatError(f"its shape {str(header.shape)[:100]} is none that NumPy can have: {error}") from error
