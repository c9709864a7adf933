"""dtypes that no file could name, refused in words that say what to do. Only messages may enter."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._dtypes import is_extended, named
from .._errors import FormatError


def refuse_nameless(name: str, dtype: np.dtype[Any]) -> None:
    """Refuse a dtype of another library that no file could name, so that nothing is written as bare bits.

    Raises: FormatError naming the array and the dtype.
    """
    registered_by_others = dtype.isbuiltin == 2
    if registered_by_others and not (is_extended(dtype) and dtype == named(dtype.name)):
        raise FormatError(
            f"array {name!r}: no file can name the dtype {dtype!r}; cast it to one that TensorFlow has too"
        )


def refuse_text(name: str, dtype: np.dtype[Any], kinds: str) -> None:
    """Refuse NumPy's text; kinds: those a format cannot hold, "U" for fixed and "T" for variable length.

    Raises: FormatError naming the array and the dtype.
    """
    if dtype.kind in kinds:
        raise FormatError(
            f"array {name!r}: its elements are text, {dtype}, which this format cannot hold; encode it to bytes, "
            "np.char.encode(x), or leave out dtype=str where it was decoded"
        )
