"""A .safetensors file as the library safetensors gives it. Nothing of ours may parse its header or find an array."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._registry import require
from .._types import Index
from .._witness import Show, Shown
from ..layouts.safetensors_dtypes import RECORD, decoded


@contextmanager
def safetensors(path: Path) -> Iterator[Show]:
    """Show each array."""
    library = require("safetensors", "verify=True for .safetensors")
    with library.safe_open(path, framework="numpy") as file:
        recorded = file.metadata() or {}
        yield lambda name: _shown(file.get_slice(name), recorded.get(RECORD + name, ""))


def _shown(found: Any, recorded: str) -> Shown:
    known = decoded(found.get_dtype(), recorded)
    if known is None:
        raise ValueError(f"its dtype {found.get_dtype()}, recorded as {recorded!r}, is none that is written")
    dtype, encoding = known
    shape = tuple(found.get_shape())

    def read(index: Index) -> NDArray[Any]:
        with _known_to_numpy(dtype):
            piece: NDArray[Any] = found[index or ...]
        piece = piece.view(encoding.stored)
        return (piece[..., 0] if encoding.tail else piece).astype(dtype, copy=False)

    return Shown(shape[: len(shape) - len(encoding.tail)], dtype, read)


@contextmanager
def _known_to_numpy(dtype: np.dtype[Any]) -> Iterator[None]:
    """Lend NumPy a float8 for the moment: safetensors 0.7 and 0.8 ask it for `numpy.float8_e5m2`, which it lacks."""
    lent = dtype.name.startswith("float8") and not hasattr(np, dtype.name)
    if lent:
        setattr(np, dtype.name, dtype.type)
    try:
        yield
    finally:
        if lent:
            delattr(np, dtype.name)
