"""Eager tensors: views of CPU memory, one transfer from any other device. Symbolic ones are refused.

Never reaches DLPack, `.numpy()` or anything that caches a host copy on the tensor; looks at the dtype first.
"""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import _dtypes, _memory
from .._dtypes import PLAIN_ENUMS
from .._errors import DeviceMemoryError, UnsupportedKind
from .._host import allocate, check_out, hand_out, read_only, region
from .._lazy import tensorflow
from .._protocols import ArraySource, Resolve
from .._sources import HostArray, Numeric
from .._types import ArraySpec, Index, Request
from .._units import format_bytes
from .symbolic import refuse_symbolic
from .text import TextArray

_HOST_DEVICE = "CPU:0"

# Elements that the short way copies, of 16 bytes at most: fewer than are worth a look at the free memory.
_SMALL_SIZE = _memory.WORTH_CHECKING_BYTES // 16

# Names of devices whose memory has proved to be this process's own.
_own_cpus: set[str] = set()

# Transferred at once on the way into a buffer of the caller's: large enough to hide what each transfer costs.
_BLOCK_BYTES = 32 << 20

_WHOLE_REMEDY = (
    "TensorFlow cannot slice this dtype, so it crosses to the host whole; cast it on the device first, "
    "tf.cast(x, tf.bfloat16), or free host memory."
)


def tensor(x: Any, resolve: Resolve, kind: str = "tensor") -> ArraySource:
    """Give the source of an eager tensor of any dtype on any device."""
    if not hasattr(x, "backing_device"):  # only eager tensors have memory
        refuse_symbolic(x)
    enum = x.dtype.as_datatype_enum
    dtype = _dtypes.from_enum(enum)
    if dtype is None:
        raise UnsupportedKind(_describe_handle(x, enum))
    if ":CUSTOM:" in x.backing_device:
        from .dtensor import dtensor

        return dtensor(x, resolve)
    if dtype.hasobject:
        return TextArray(x, kind=kind, device=short_device(x))
    if not on_host(x):
        return DeviceArray(x, dtype, kind=kind)
    _own_cpus.add(x.backing_device)
    return HostArray(host_view(x, dtype), kind=kind, device=short_device(x))


def on_host(x: Any) -> bool:
    """Tell this process's memory from accelerators', and from the CPUs of other tasks of a cluster."""
    own_task = sys.modules["tensorflow.python.eager.context"].context().host_address_space()
    return ":CPU:" in x.backing_device and x.backing_device.startswith(("/job:localhost/", f"{own_task}/"))


def short_device(x: Any) -> str:
    """Write the device the way people do: "GPU:0" for the local one, the whole name for a remote one."""
    name = str(x.backing_device)
    return name.rpartition("device:")[2] if name.startswith("/job:localhost/") else name


def host_view(x: Any, dtype: np.dtype[Any]) -> NDArray[Any]:
    """View the memory of a numeric CPU tensor; the view keeps the memory alive. Read-only: tensors are immutable."""
    view = np.asarray(x if x.ndim else x._numpy())  # np.asarray(x) fails for one bfloat16 or float8 without axes
    if view.dtype != dtype:  # quantized types come as a structured dtype of one integer in some versions
        view = view.view(dtype)
    view.flags.writeable = False
    return view


def short_way(x: Any, copy: bool | None) -> NDArray[Any] | None:
    """View, or copy if it is small, a plain CPU tensor with few Python calls; None leaves it to the long way."""
    if x.backing_device not in _own_cpus or x._datatype_enum() not in PLAIN_ENUMS:
        return None
    if copy is True:
        alias = x._numpy()  # writable, so never handed out; for a scalar a NumPy scalar
        if alias.size < _SMALL_SIZE:
            return alias.copy() if alias.ndim else np.array(alias)
    elif copy is None or copy is False:
        return np.asarray(memoryview(x))
    return None


class DeviceArray(Numeric):
    """A tensor in the memory of an accelerator: one transfer, into a host buffer that we alone own."""

    def __init__(self, x: Any, dtype: np.dtype[Any], *, kind: str) -> None:
        self.kind, self.device = kind, short_device(x)
        self.spec = ArraySpec(tuple(x.shape), dtype)
        self._tensor = x
        self._sliceable = dtype.name not in _dtypes.UNSLICEABLE
        self._transferred: NDArray[Any] | None = None

    def host_bytes(self, request: Request) -> int:
        """Bytes of the transferred copy, and of the cast beside it; of one block of it where there is a buffer."""
        transferred = self.spec.nbytes or 0
        if request.out is not None and self._sliceable:
            return min(transferred, _BLOCK_BYTES)
        cast = self._copied_bytes(request, movable=True) if request.dtype not in (None, self.spec.dtype) else 0
        return transferred + cast

    def fetch(self, request: Request) -> NDArray[Any]:
        """Transfer the whole tensor once. The result is writable: the buffer is nobody else's.

        Into a buffer of the caller's it goes block by block, since TensorFlow transfers only into memory of its own.
        """
        if request.out is not None and self._sliceable:
            check_out(request.out, self.shape, request.dtype or self.spec.dtype)
            for index in self.regions(_BLOCK_BYTES):
                np.copyto(region(request.out, index), self.read(index), casting="unsafe")
            return request.out
        why = f"the value is on {self.device}, not in host memory"
        if request.copy is False and request.out is None:
            hand_out(np.empty(0, self.spec.dtype), request, owned=True, why_no_view=why)
        return hand_out(owned_array(to_host(self._tensor), self.spec.dtype), request, owned=True, why_no_view=why)

    def read(self, index: Index) -> NDArray[Any]:
        """Cut a region on the device and transfer it.

        TensorFlow cannot slice float8, int4 and the like: those are transferred whole, once, and cut on the host.
        Where the device has no room for the cut, its halves are tried, down to one row.
        Raises: DeviceMemoryError if one row does not fit either.
        """
        if self._transferred is None and not self._sliceable:
            _memory.require(self.spec.nbytes or 0, device=self.device, remedy=_WHOLE_REMEDY)
            self._transferred = self.fetch(Request())
        if self._transferred is not None:
            return read_only(self._transferred[index])
        tf = tensorflow()
        try:
            with tf.init_scope():  # out of any graph that is being built: the tensor is an eager one
                part = self._tensor if self._shape_of(index) == self.shape else self._tensor[index]
                return owned_array(to_host(part), self.spec.dtype)
        except tf.errors.ResourceExhaustedError as error:
            halves = _halve(index)
            if halves is None:
                part = "one row" if len(index) == 1 else "a part of one row"
                raise DeviceMemoryError(
                    f"{self.device} has no room to cut even {part} ({format_bytes(self._bytes_of(index))}) out of "
                    f"a tensor of shape {self.shape}; free memory there (delete tensors, use a smaller batch), "
                    "or convert it whole with to_numpy"
                ) from error
        whole, axis = allocate(self._shape_of(index), self.spec.dtype), len(index) - 1
        middle = halves[0][axis].stop - halves[0][axis].start
        whole[(slice(None),) * axis + (slice(0, middle),)] = self.read(halves[0])
        whole[(slice(None),) * axis + (slice(middle, None),)] = self.read(halves[1])
        return whole

    def _shape_of(self, index: Index) -> tuple[int, ...]:
        return tuple(s.stop - s.start for s in index) + self.shape[len(index) :]

    def _bytes_of(self, index: Index) -> int:
        return math.prod(self._shape_of(index)) * self.spec.dtype.itemsize


def to_host(x: Any) -> Any:
    """Transfer a tensor to a fresh one in host memory, leaving no host copy cached on the original."""
    return x._copy_nograd(device_name=_HOST_DEVICE)


def owned_array(host_tensor: Any, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Give the memory of a host tensor that nothing else holds as a writable array which keeps it alive."""
    array = np.asarray(host_tensor._numpy())
    if array.dtype != dtype:
        array = array.view(dtype)
    return array


def _halve(index: Index) -> tuple[Index, Index] | None:
    if not index or index[-1].stop - index[-1].start < 2:
        return None
    *head, last = index
    middle = (last.start + last.stop) // 2
    return (*head, slice(last.start, middle)), (*head, slice(middle, last.stop))


def _describe_handle(x: Any, enum: int) -> str:
    shapes = getattr(getattr(x, "_handle_data", None), "shape_and_type", None) or ()
    inner = ", ".join(f"{tensorflow().as_dtype(s.dtype).name} of shape {[d.size for d in s.shape.dim]}" for s in shapes)
    if enum == _dtypes.RESOURCE:
        what = f"a resource handle, the address of a variable or table{f' ({inner})' if inner else ''}"
        remedy = "convert the variable itself, or read it first with tf.raw_ops.ReadVariableOp"
    else:
        what = f"a variant handle, an opaque value such as a dataset or a list{f' ({inner})' if inner else ''}"
        remedy = "convert the object it was taken from (the dataset, the RaggedTensor, the TensorArray)"
    return f"this tensor of shape {tuple(x.shape)} holds {what}, which has no NumPy form; {remedy}"
