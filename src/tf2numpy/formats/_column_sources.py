"""Arrays over one component of a dataset's elements, read record by record. What a component is may not enter.

`Fixed` stacks elements of one shape. `Joined` and `JoinedStrings` put elements of any shape one after the other, flat:
how much each has is known before, and what reads a block of records is given.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._errors import CopyRequired, FormatError
from .._host import allocate, check_out, hand_out
from .._sources import Numeric
from .._strings import Strings
from .._types import ArraySpec, Index, Request
from ..wire.records import Block
from ..wire.tensor_blocks import fill
from ..wire.tensor_fields import Head
from ._elements import Elements
from ._reading import reading

WHY_NO_VIEW = "its elements lie in records of a file"
# Elements whose strings are alive at once while they are counted.
_COUNTED_TOGETHER = 1 << 12

# (records, the elements that they are of) -> what all of them have, one after the other, flat.
Decode = Callable[[Block, NDArray[np.int64]], NDArray[Any]]


class Rows(Numeric):
    """An array of numbers; there is never a view of it."""

    def __init__(self, elements: Elements, component: int, spec: ArraySpec, *, kind: str, device: str) -> None:
        self.kind, self.device, self.spec = kind, device, spec
        self._elements, self._component = elements, component

    def host_bytes(self, request: Request) -> int:
        """Bytes of the new array, and of the read one where a cast needs both."""
        whole = self.spec.nbytes or 0
        cast = request.dtype not in (None, self.spec.dtype)
        return (whole if cast or request.out is None else 0) + (
            self._copied_bytes(request, movable=True) if cast else 0
        )

    def fetch(self, request: Request) -> NDArray[Any]:
        """Read the whole."""
        if request.copy is False and request.out is None:
            raise CopyRequired(f"copy=False allows only a view, and {WHY_NO_VIEW}; pass copy=None or copy=True")
        if request.out is not None and request.dtype in (None, self.spec.dtype) and request.out.flags.c_contiguous:
            check_out(request.out, self.shape, self.spec.dtype)
            self._load(request.out, 0)
            return request.out
        result = allocate(self.shape, self.spec.dtype)
        self._load(result, 0)
        return hand_out(result, request, owned=True)

    def read(self, index: Index) -> NDArray[Any]:
        """Read the rows of a region, and of these the rest of it."""
        rows = index[0]
        result = allocate((rows.stop - rows.start, *self.shape[1:]), self.spec.dtype)
        self._load(result, rows.start)
        part = result[(slice(None), *index[1:])]
        return part if part.shape == result.shape else part.copy()

    def _load(self, target: NDArray[Any], start: int) -> None:
        """Fill an array in C order with the rows from `start` on."""
        with self._elements.lock:
            self._load_locked(target, start)

    @abstractmethod
    def _load_locked(self, target: NDArray[Any], start: int) -> None: ...


class Fixed(Rows):
    """Elements of one shape, stacked along a new axis 0."""

    def __init__(self, elements: Elements, component: int, head: Head, *, kind: str, device: str) -> None:
        spec = ArraySpec((len(elements), *head.shape), head.dtype)
        super().__init__(elements, component, spec, kind=kind, device=device)
        self._head = head

    def _load_locked(self, target: NDArray[Any], start: int) -> None:
        for places, block, name in self._elements.parts(self._component, start, start + len(target)):
            together = _consecutive(places)
            rows = target[places[0] : places[-1] + 1]
            if not together:
                rows = np.empty((len(places), *target.shape[1:]), target.dtype)
            with reading(repr(name)):
                fill(block, self._head, rows)
            if not together:
                target[places] = rows


class Joined(Rows):
    """Elements of differing size, one after the other: the i-th has the numbers from ends[i] to ends[i + 1], flat."""

    def __init__(
        self,
        elements: Elements,
        component: int,
        spec: ArraySpec,
        ends: NDArray[np.int64],
        decode: Decode,
        *,
        kind: str,
        device: str,
    ) -> None:
        super().__init__(elements, component, spec, kind=kind, device=device)
        self._ends, self._decode = ends, decode

    def _load_locked(self, target: NDArray[Any], start: int) -> None:
        flat, first = target.reshape(-1), start * math.prod(self.shape[1:])
        for low, found in _pieces(self._elements, self._component, self._ends, self._decode, first, first + len(flat)):
            skipped = max(0, first - low)
            part = found[skipped : first + len(flat) - low]
            flat[low + skipped - first : low + skipped - first + len(part)] = part


class JoinedStrings(Strings):
    """Strings of which the i-th element has those from ends[i] to ends[i + 1], flat."""

    def __init__(
        self,
        elements: Elements,
        component: int,
        shape: tuple[int, ...],
        ends: NDArray[np.int64],
        decode: Decode,
        *,
        kind: str,
        device: str,
    ) -> None:
        super().__init__(shape, kind=kind, device=device, why_no_view=WHY_NO_VIEW)
        self._elements, self._component, self._ends, self._decode = elements, component, ends, decode
        self._counted: NDArray[np.int32] | None = None

    def lengths(self, start: int, stop: int) -> NDArray[np.int32]:
        """Count all the strings, once: for one piece after the other a compressed file would be unpacked anew."""
        if self._counted is None:
            counted = np.zeros(int(self._ends[-1]), np.int32)
            for first in range(0, len(counted), _COUNTED_TOGETHER):
                strings = self._flat(first, min(first + _COUNTED_TOGETHER, len(counted)))
                counted[first : first + len(strings)] = [len(string) for string in strings]
            self._counted = counted
        return self._counted[start:stop]

    def read(self, index: Index) -> NDArray[Any]:
        """Read the rows of a region, and of these the rest of it."""
        rows, inner = index[0], self._shape[1:]
        flat = self._flat(rows.start * math.prod(inner), rows.stop * math.prod(inner))
        return flat.reshape(rows.stop - rows.start, *inner)[(slice(None), *index[1:])]

    def _flat(self, start: int, stop: int) -> NDArray[Any]:
        flat = np.empty(stop - start, object)
        with self._elements.lock:
            for low, found in _pieces(self._elements, self._component, self._ends, self._decode, start, stop):
                skipped = max(0, start - low)
                part = found[skipped : stop - low]
                flat[low + skipped - start : low + skipped - start + len(part)] = part
        return flat


def _pieces(
    elements: Elements, component: int, ends: NDArray[np.int64], decode: Decode, start: int, stop: int
) -> Iterator[tuple[int, NDArray[Any]]]:
    """Read the elements that have what lies between start and stop, flat; give where each piece begins, and the piece.

    Raises: FormatError for elements that have become others since they were counted.
    """
    if start == stop:
        return
    first = int(np.searchsorted(ends, start, "right")) - 1
    last = int(np.searchsorted(ends, stop, "left"))
    for places, block, name in elements.parts(component, first, last):
        numbers = first + places
        runs = [slice(0, len(numbers))] if _consecutive(numbers) else [slice(i, i + 1) for i in range(len(numbers))]
        for run in runs:
            low, high = int(ends[numbers[run][0]]), int(ends[numbers[run][-1] + 1])
            with reading(repr(name)):
                found = decode(block[run], numbers[run])
                if len(found) != high - low:
                    raise FormatError(
                        f"the elements from {numbers[run][0]} on have {len(found)} values, and had {high - low} when "
                        "the file was opened; it was changed since"
                    )
            yield low, found


def _consecutive(places: NDArray[np.int64]) -> bool:
    return int(places[-1] - places[0]) == len(places) - 1
