"""Host arrays handed out by NumPy 2's copy semantics, at most one copy each. Nothing of TensorFlow may enter."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._dtypes import logical_name
from ._errors import CopyRequired, HostMemoryError, InvalidArgument
from ._types import Index, Request
from ._units import format_bytes

# A thread pool takes some 100 us to start; below this a copy takes no longer itself.
_WORTH_THREADS_BYTES = 32 << 20
_MOST_BLOCK_BYTES = 32 << 20
_MOST_THREADS = 4  # more wait for the memory, not for a processor


def cpus() -> int:
    """Count the processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """Give a view of the same memory that cannot be written through."""
    view = array.view()
    view.flags.writeable = False
    return view


def region(array: NDArray[Any], index: Index) -> NDArray[Any]:
    """View a region; an array even of a scalar, where plain `[()]` would give the element."""
    places: tuple[Any, ...] = (*index, ...)
    view: NDArray[Any] = array[places]
    return view


def c_order(array: NDArray[Any]) -> NDArray[Any]:
    """Give the array in C order, the array itself where it is so already (0-d stays 0-d)."""
    return np.asarray(array, order="C")


def allocate(shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Give an uninitialised array.

    Raises: HostMemoryError where the allocation itself fails.
    """
    try:
        return np.empty(shape, dtype)
    except (MemoryError, ValueError) as error:  # the latter for more than there are addresses
        needed = int(np.prod(shape, dtype=object)) * dtype.itemsize
        raise HostMemoryError(
            f"could not allocate {format_bytes(needed)} for shape {shape} of {logical_name(dtype)}"
        ) from error


def copy_into(target: NDArray[Any], array: NDArray[Any]) -> None:
    """Copy, and cast where the dtypes differ, into an array of the same shape.

    Large arrays are copied by several threads: most of the time goes to page faults of fresh memory, which the
    kernel serves in parallel.
    """
    alone = target.nbytes < _WORTH_THREADS_BYTES or array.dtype.hasobject or cpus() == 1
    if alone or np.may_share_memory(target, array):
        np.copyto(target, array, casting="unsafe")
        return
    if target.flags.c_contiguous and array.flags.c_contiguous:
        target, array = target.reshape(-1), array.reshape(-1)
    block_bytes = min(_MOST_BLOCK_BYTES, target.nbytes // min(cpus(), _MOST_THREADS))
    rows = max(1, block_bytes * len(target) // target.nbytes)

    def copy_block(start: int) -> None:
        np.copyto(target[start : start + rows], array[start : start + rows], casting="unsafe")

    with ThreadPoolExecutor(min(cpus(), _MOST_THREADS)) as threads:
        for _ in threads.map(copy_block, range(0, len(target), rows)):  # iterating raises what a block raised
            pass


def check_out(out: NDArray[Any], shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Refuse a buffer that the result does not fit exactly.

    Raises: InvalidArgument naming what was found and what is needed.
    """
    if not isinstance(out, np.ndarray):
        raise InvalidArgument(f"out= must be a numpy.ndarray to fill, found {type(out).__name__}")
    if out.shape != shape or out.dtype != dtype:
        raise InvalidArgument(
            f"out= has shape {out.shape} and dtype {out.dtype}; the result needs shape {shape} and dtype {dtype}"
        )
    if not out.flags.writeable:
        raise InvalidArgument("out= is read-only; give a writable array")


def hand_out(array: NDArray[Any], request: Request, *, owned: bool, why_no_view: str = "") -> NDArray[Any]:
    """Give a host array to the caller as the request wants it.

    array: the value. owned: nothing else can reach its memory, so it needs no copy to be independent.
    why_no_view: said when a view was demanded of a value that had to be moved to get here.
    """
    dtype = array.dtype if request.dtype is None else request.dtype
    if request.out is not None:
        check_out(request.out, array.shape, dtype)
        copy_into(request.out, array)
        return request.out
    if request.copy is False and (owned or dtype != array.dtype):
        reason = why_no_view or f"a cast from {logical_name(array.dtype)} to {logical_name(dtype)} makes a new array"
        raise CopyRequired(f"copy=False allows only a view, and {reason}; pass copy=None or copy=True")
    if dtype != array.dtype:
        return _filled(array, dtype)
    if owned:
        return array
    return _filled(array, dtype) if request.copy else read_only(array)


def _filled(array: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    result = allocate(array.shape, dtype)
    copy_into(result, array)
    return result
