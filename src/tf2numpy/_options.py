"""What callers write for `copy`, `dtype`, `out` and `replicas`, checked and put into the terms of the stages."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ._dtypes import from_enum, is_extended, named
from ._errors import InvalidArgument
from ._resolve import Resolver
from ._types import Layout, Request

Replicas = Literal["concat", "stack", "first"] | None


def request_of(dtype: DTypeLike | None, copy: bool | None, out: NDArray[Any] | None) -> Request:
    """Put the options that say how a value is wanted together.

    Raises: InvalidArgument for a value that an option does not take, and for two that contradict each other.
    """
    if copy not in (True, False, None):
        raise InvalidArgument(f"copy={copy!r} is not True, False or None")
    copy = copy if copy is None else bool(copy)
    if out is not None and copy is False:
        raise InvalidArgument("out= asks for a copy and copy=False forbids one; leave one of them out")
    if dtype is str:
        return Request(copy=copy, decode_text=True, out=out)
    if dtype is None:
        return Request(copy=copy, out=out)
    return Request(copy=copy, dtype=_cast(dtype), out=out)


def _cast(dtype: Any) -> np.dtype[Any]:
    try:
        if hasattr(dtype, "as_datatype_enum"):  # tf.float32 and its like
            cast = from_enum(dtype.as_datatype_enum)
        else:
            cast = named(dtype) if isinstance(dtype, str) else np.dtype(dtype)
    except TypeError as error:
        raise InvalidArgument(f"dtype={dtype!r} is no dtype that NumPy or ml_dtypes knows: {error}") from error
    if cast is None or not (cast.kind in "biufc" or is_extended(cast)):
        raise InvalidArgument(f"dtype={dtype!r} is no dtype of numbers; give one, or str to decode strings")
    return cast


def resolver_of(replicas: Replicas) -> Resolver:
    """Give the resolver for a way of joining replicas.

    Raises: InvalidArgument for a way that does not exist.
    """
    if replicas not in (None, "concat", "stack", "first"):
        raise InvalidArgument(
            f"replicas={replicas!r} is not a way to join replicas; it is None, 'concat', 'stack' or 'first'"
        )
    return Resolver(replicas)


def layout_of(compression: str | None, chunks: Sequence[int] | None) -> Layout:
    """Put the options that say how a format lays arrays out together.

    Raises: InvalidArgument for chunks that are no sizes.
    """
    if chunks is None:
        return Layout(compression)
    try:
        sizes = tuple(operator.index(size) for size in chunks)
    except TypeError:
        sizes = ()
    if not sizes or min(sizes) < 1:
        raise InvalidArgument(f"chunks={chunks!r} is no shape of a chunk; give a positive size for each axis")
    return Layout(compression, sizes)
