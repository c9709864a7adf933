"""The values under one tag of an event log become columns: steps, times, and what the values are made of.

Each class takes values of one kind, and says why it cannot take another. Files and their damage may not enter.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .._blobs import Blob
from .._dtypes import logical_name
from .._protocols import ArraySource
from ..wire import events as wire
from ..wire import tensor_proto
from ..wire.protobuf import Message
from ..wire.tensor_fields import RESOURCE, VARIANT, Fields
from ._rows import Decode, Places, strings
from ._stacked import Shapes, held, ragged, rows, stacked

Columns = Iterator[tuple[str, ArraySource]]
_MOST_ELEMENTS = 1 << 62


class Values(Protocol):
    """What takes the values of a tag."""

    def add(self, value: wire.Value, file: int, start: int) -> str | None:
        """Take a value, whose content begins there in that file; or say why it does not go with the others.

        Raises: FormatError for a value that is damaged.
        """

    def columns(self) -> Columns:
        """Give the arrays, by the last part of their names."""


class Scalars:
    """Single numbers of float32, as `tf.summary.scalar` writes them. held: their bytes, one after the other."""

    def __init__(self, blobs: Sequence[Blob]) -> None:
        self.held, self._device = bytearray(), Places(blobs).device

    def add(self, value: wire.Value, file: int, start: int) -> str | None:
        """Keep the number."""
        place = wire.scalar_place(value)
        if place is None:
            self.held += tensor_proto.decoded(value.content).tobytes()
        else:
            self.held += value.content[place : place + 4]
        return None

    def columns(self) -> Columns:
        """Give the numbers."""
        yield "value", held(np.frombuffer(self.held, "<f4").astype("f4", copy=False), self._device)


class Tensors:
    """Tensors of one dtype and of any shapes, read when they are asked for."""

    def __init__(self, blobs: Sequence[Blob]) -> None:
        self._places = Places(blobs)
        self._shapes = Shapes()
        self._dtype: np.dtype[Any] | None = None
        self._most_elements = 0

    def add(self, value: wire.Value, file: int, start: int) -> str | None:
        """Keep the place and the shape."""
        head = tensor_proto.head(value.content)
        if head.plain_enum in (RESOURCE, VARIANT):
            return "handles, which are neither numbers nor strings"
        dtype = self._dtype or head.dtype
        if head.dtype != dtype:
            return f"a tensor of {logical_name(head.dtype)}, and the first one is of {logical_name(dtype)}"
        self._most_elements += math.prod(max(n, 1) for n in head.shape)
        if self._most_elements > _MOST_ELEMENTS:
            return "an array with them all would be larger than any can be"
        self._dtype = dtype
        self._places.add(file, start, len(value.content))
        self._shapes.add(head.shape)
        return None

    def columns(self) -> Columns:
        """Give them stacked where they have one shape, else joined along axis 0, or as flat elements with shapes."""
        assert self._dtype is not None
        yield from stacked("value", self._places, tensor_proto.decoded, self._shapes, self._dtype)


class Histograms:
    """Histograms as TensorFlow 1 writes them: five numbers, and two lists whose lengths differ from step to step."""

    def __init__(self, blobs: Sequence[Blob]) -> None:
        self._places = Places(blobs)
        self._numbers = array("d")
        self._counts = tuple(array("q", [0]) for _ in wire.HISTOGRAM_LISTS)

    def add(self, value: wire.Value, file: int, start: int) -> str | None:
        """Keep the numbers, the place and the lengths of the lists."""
        numbers, lists = wire.histogram(value.content)
        self._places.add(file, start, len(value.content))
        self._numbers.extend(numbers)
        for counts, one in zip(self._counts, lists, strict=True):
            counts.append(one.size)
        return None

    def columns(self) -> Columns:
        """Give the numbers, and the lists as ragged arrays."""
        numbers = np.frombuffer(self._numbers).reshape(-1, len(wire.HISTOGRAM_FIELDS))
        for place, name in enumerate(wire.HISTOGRAM_FIELDS.values()):
            yield name, held(numbers[:, place], self._places.device)
        for place, name in enumerate(wire.HISTOGRAM_LISTS.values()):
            ends = np.cumsum(np.frombuffer(self._counts[place], np.int64))
            yield from ragged(name, self._places, _list_of(place), ends, (), np.dtype(np.float64))


class Encoded:
    """Images or sounds, encoded: one in each value, with the numbers that describe it."""

    def __init__(self, blobs: Sequence[Blob], kind: int) -> None:
        self.kind = kind
        self._names = wire.ENCODED_FIELDS[kind]
        self._places = Places(blobs)
        self._numbers = {number: array("q") for number in self._names}

    def add(self, value: wire.Value, file: int, start: int) -> str | None:
        """Keep the numbers and the place."""
        found = Message(value.content)
        for number, kept in self._numbers.items():
            kept.append(found.fixed32(number) if self._is_float(number) else found.integer(number))
        found.content(wire.ENCODED)
        self._places.add(file, start, len(value.content))
        return None

    def columns(self) -> Columns:
        """Give the bytes, and the numbers."""
        yield "value", rows(self._places, self._bytes_of, np.arange(len(self._places) + 1), (), np.dtype(object))
        for number, name in self._names.items():
            numbers: NDArray[Any] = np.frombuffer(self._numbers[number], np.int64)
            if self._is_float(number):
                numbers = numbers.astype(np.uint32).view(np.float32)
            yield name, held(numbers, self._places.device)

    def _is_float(self, number: int) -> bool:
        return self.kind == wire.AUDIO and number == wire.SAMPLE_RATE

    def _bytes_of(self, message: memoryview) -> NDArray[Any]:
        return strings([bytes(Message(message).content(wire.ENCODED))])


class Images:
    """Images as TensorFlow 2 writes them: a tensor of strings, which are width, height and the encoded images."""

    def __init__(self, blobs: Sequence[Blob]) -> None:
        self._places = Places(blobs)
        self._shapes = Shapes()
        self._sizes = array("q")

    def add(self, value: wire.Value, file: int, start: int) -> str | None:
        """Keep the width, the height and the place."""
        strings = Fields(value.content).strings
        sizes = strings[:2]
        if len(sizes) < 2 or not all(size.isdigit() and len(size) < 19 for size in sizes):
            return "for the plugin 'images', and no images with a width and a height"
        self._sizes.extend(map(int, sizes))
        self._shapes.add((len(strings) - 2,))
        self._places.add(file, start, len(value.content))
        return None

    def columns(self) -> Columns:
        """Give the images, as many as each step has, and the widths and heights."""
        yield from stacked("value", self._places, _images_of, self._shapes, np.dtype(object))
        sizes = np.frombuffer(self._sizes, np.int64).reshape(-1, 2)
        yield "width", held(sizes[:, 0], self._places.device)
        yield "height", held(sizes[:, 1], self._places.device)


def _images_of(message: memoryview) -> NDArray[Any]:
    return strings(Fields(message).strings[2:])


def _list_of(place: int) -> Decode:
    return lambda message: wire.histogram(message)[1][place]
