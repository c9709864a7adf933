"""TensorProtos as arrays that are decoded when they are asked for. Where a message lies may not enter."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._errors import FormatError
from .._host import allocate, read_only, region
from .._protocols import ArraySource
from .._sources import HostArray
from .._strings import Strings
from .._types import ArraySpec, Index
from ..wire.protobuf import Buffer
from ..wire.tensor_proto import decoded, head
from ._reading import reading

_MOST_FILLED = 1 << 23  # strings that repeat the last one: as many as their pointers fill 64 MiB


def proto_array(tensor: Buffer, name: str, *, kind: str, device: str) -> ArraySource:
    """Give the array in a TensorProto. name: what it is, for messages.

    Raises: FormatError for what is no TensorProto, for handles, and for more strings than a message can mean.
    """
    found = head(tensor)
    if found.dtype.hasobject and found.elements > len(tensor) + _MOST_FILLED:
        raise FormatError(
            f"it declares {found.elements} strings in {len(tensor)} bytes; {_MOST_FILLED} more than bytes are read"
        )
    array = ProtoStrings if found.dtype.hasobject else ProtoNumbers
    return array(tensor, found.shape, found.dtype, name, kind=kind, device=device)


class ProtoNumbers(HostArray):
    """Numbers in a TensorProto: a view of it where they lie there as they are."""

    def __init__(
        self, tensor: Buffer, shape: tuple[int, ...], dtype: np.dtype[Any], name: str, *, kind: str, device: str
    ) -> None:
        self.kind, self.device = kind, device
        self.spec = ArraySpec(shape, dtype)
        self._tensor, self._name = tensor, name

    @functools.cached_property
    def _array(self) -> NDArray[Any]:  # type: ignore[override]  # decoded when first asked for
        with reading(self._name):
            return read_only(decoded(self._tensor))


class ProtoStrings(Strings):
    """Strings in a TensorProto."""

    def __init__(
        self, tensor: Buffer, shape: tuple[int, ...], dtype: np.dtype[Any], name: str, *, kind: str, device: str
    ) -> None:
        super().__init__(shape, kind=kind, device=device, why_no_view="strings lie joined in the file")
        self._tensor, self._name = tensor, name

    def lengths(self, start: int, stop: int) -> NDArray[np.int32]:
        """Give the lengths of elements."""
        return np.fromiter(map(len, self._array.flat[start:stop]), np.int32, stop - start)

    def read(self, index: Index) -> NDArray[Any]:
        """Copy a region."""
        found = region(self._array, index)
        result = allocate(found.shape, found.dtype)
        result[...] = found
        return result

    @functools.cached_property
    def _array(self) -> NDArray[Any]:  # decoded when it is first asked for
        with reading(self._name):
            return decoded(self._tensor)
