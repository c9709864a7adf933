"""A file that is one TensorProto, as `tf.io.serialize_tensor` gives it. Tensors within other files may not enter.

Nothing marks such a file, and many bytes would do as some message. So all of it must be known fields, in the order in
which they are written, and its values must fill the shape; and it is asked last.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._blobs import blob_of
from .._errors import FormatError
from .._host import read_only, region
from .._protocols import ArraySource, Place, Stored
from .._sources import HostArray
from .._strings import Strings
from .._types import Index
from ..wire import tensor_fields
from ..wire.tensor_fields import Fields
from ..wire.tensor_proto import from_fields

_KIND = "serialized tensor"
_NAME = "data"
_DTYPE_KEY = 0x08
_MOST_DTYPE = 0x7F
# A protocol buffer message has less than 2 GiB.
_MOST_BYTES = (1 << 31) - 1


def tensor_proto(path: Place, head: bytes) -> Stored | None:
    """Open a file that is one TensorProto of numbers or strings; its one array is called "data"."""
    if len(head) < 2 or head[0] != _DTYPE_KEY or not 0 < head[1] <= _MOST_DTYPE:
        return None
    blob = blob_of(path)
    if blob.size > _MOST_BYTES:
        return None
    try:
        array = _strictly(blob.read(0, blob.size).data)
    except FormatError:  # then it is something else
        return None
    if array is None:
        return None
    device = f"file {path}"
    source: ArraySource = HostArray(read_only(array), kind=_KIND, device=device)
    if array.dtype.hasobject:
        source = _Held(array, kind=_KIND, device=device, why_no_view="strings are read into objects")
    return Stored(_KIND, {_NAME: source}, lambda: None)


def _strictly(data: memoryview) -> NDArray[Any] | None:
    """Read a TensorProto that has nothing but what TensorFlow writes.

    Raises: FormatError for what is no TensorProto.
    """
    if not tensor_fields.is_orderly(data):
        return None
    fields = Fields(data)
    found = fields.head()
    if found.elements and not (fields.content or fields.strings or fields.runs):
        return None
    return from_fields(fields, found)


class _Held(Strings):
    """Strings that are in memory already."""

    def __init__(self, array: NDArray[Any], *, kind: str, device: str, why_no_view: str) -> None:
        super().__init__(array.shape, kind=kind, device=device, why_no_view=why_no_view)
        self._array = array

    def lengths(self, start: int, stop: int) -> NDArray[np.int32]:
        """Measure the objects."""
        return np.fromiter(map(len, self._array.reshape(-1)[start:stop]), np.int32, stop - start)

    def read(self, index: Index) -> NDArray[Any]:
        """Copy a region of the array of objects."""
        return region(self._array, index).copy()
