"""Bytes into text, on request. Nothing else may enter this file."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._errors import InvalidArgument


def decode(array: NDArray[Any]) -> NDArray[Any]:
    """Decode an object array of UTF-8 `bytes`: to StringDType on NumPy 2, to an object array of str on NumPy 1.

    Raises: InvalidArgument naming the first element that is not UTF-8.
    """
    texts = np.empty(array.shape, object)
    for position, element in enumerate(array.flat):
        try:
            texts.flat[position] = element.decode()
        except UnicodeDecodeError as error:
            where = tuple(int(i) for i in np.unravel_index(position, array.shape))
            raise InvalidArgument(
                f"dtype=str decodes UTF-8, and element {where} is not UTF-8 ({error.reason} at byte {error.start}); "
                "leave dtype out to get its bytes"
            ) from error
    string_dtype = getattr(np.dtypes, "StringDType", None)
    return texts.astype(string_dtype()) if string_dtype else texts
