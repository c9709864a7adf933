"""One .npy file as NumPy maps it. What the file is part of may not enter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .._dtypes import from_structure
from .._host import region
from .._witness import Shown

MOST_HEADER_BYTES = 1 << 16  # NumPy refuses long ones unless it is told that the file is known


def shown(path: Path) -> Shown:
    """Show the array of a .npy file."""
    array: Any = np.load(path, mmap_mode="r", allow_pickle=False, max_header_size=MOST_HEADER_BYTES)
    dtype = from_structure(array.dtype)
    return Shown(array.shape, dtype, lambda index: region(np.asarray(array), index).view(dtype))
