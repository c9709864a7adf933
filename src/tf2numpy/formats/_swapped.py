"""An array whose bytes lie in the file the other way round from its dtype. No file format may enter."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._host import hand_out, region
from .._sources import Numeric
from .._types import ArraySpec, Index, Request


class Swapped(Numeric):
    """A little-endian array that is to be big-endian again: what is read of it is turned, and so a copy."""

    def __init__(self, array: NDArray[Any], dtype: np.dtype[Any], *, kind: str, device: str) -> None:
        self.kind, self.device = kind, device
        self.spec = ArraySpec(array.shape, dtype)
        self._array = array

    def host_bytes(self, request: Request) -> int:
        """Bytes of the copy."""
        return self._copied_bytes(request, movable=True)

    def fetch(self, request: Request) -> NDArray[Any]:
        """Turn, and cast, the whole into a new array."""
        request = replace(request, dtype=request.dtype or self.spec.dtype)
        return hand_out(self._array, request, owned=False, why_no_view="its bytes lie the other way round in the file")

    def read(self, index: Index) -> NDArray[Any]:
        """Turn a region."""
        return region(self._array, index).astype(self.spec.dtype)
