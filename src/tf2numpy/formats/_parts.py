"""Tensors of checkpoints as arrays: which of them can be one, and how one is put together from its parts.

How a part is read may not enter.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .._dtypes import from_enum
from .._host import read_only
from .._protocols import ArraySource
from .._sources import HostArray, Pieced
from .._types import Index
from ..wire import slices
from ..wire.slices import Bounds
from ..wire.tensor_fields import short
from ._bundle_strings import JoinedStrings

_MOST_AXES = 64 if int(np.__version__.partition(".")[0]) >= 2 else 32


def why_not(enum: int, shape: Sequence[int]) -> str:
    """Say why a tensor of this dtype, by TensorFlow's number, and shape can be no array; nothing if it can."""
    try:
        dtype = from_enum(enum)
    except TypeError as error:
        return str(error)
    if dtype is None:
        return f"TensorFlow's dtype {enum}, which no array can have"
    if len(shape) > _MOST_AXES:
        return f"{len(shape)} axes, and NumPy allows {_MOST_AXES}"
    if 0 in shape:
        try:
            np.empty(shape, dtype)
        except ValueError as error:
            return f"the shape {short(shape)}, which NumPy cannot have: {error}"
    return ""


def joined(
    enum: int, shape: tuple[int, ...], parts: Sequence[tuple[Bounds, ArraySource]], *, kind: str, device: str
) -> ArraySource:
    """Put a tensor together from parts that cover it.

    Raises: FormatError for parts that overlap, or leave something out.
    """
    slices.check_cover([bounds for bounds, _ in parts], shape)
    pieces: list[tuple[Index, ArraySource]] = [
        (tuple(slice(*ends) for ends in bounds), source) for bounds, source in parts if 0 not in source.spec.shape
    ]
    if len(pieces) == 1:
        return pieces[0][1]
    dtype = from_enum(enum)
    if not pieces:
        return HostArray(read_only(np.empty(shape, dtype)), kind=kind, device=device)
    if dtype is not None and dtype.hasobject:
        return JoinedStrings(shape, pieces, kind=kind)
    return Pieced(shape, pieces, kind=kind)
