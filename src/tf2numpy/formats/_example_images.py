"""Columns of encoded images, decoded into pixels as a schema declares them. What an image is made of may not enter.

Images of declared sizes are stacked: [records, height, width, channels]. An axis that is not declared is ragged, as for
datasets: the rows of pixels of all images follow one another, and where widths differ too, the pixels of all rows.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import _memory
from .._errors import FormatError, HostMemoryError, InvalidArgument
from .._host import allocate, cpus
from .._schema import IMAGE, Declared
from .._types import joined
from .._units import format_bytes
from ..wire.examples import Column
from ..wire.image_headers import Head
from ..wire.images import decode, sized
from ._example_parts import ROWS, SPLITS, STEPS, VALUES, Arrays, Part, Where, splits_of
from ._example_schema import DeclaredLayout, counts_of

_WORTH_THREADS_BYTES = 1 << 20  # of pixels
_RUNS_A_THREAD = 4  # images of one run are decoded one after the other: a task for each takes as long as a small one
_PIXELS = ("", "values", "values/values")


class Images(DeclaredLayout):
    """One column of images, as declared."""

    @property
    def parts(self) -> tuple[Part, ...]:
        """One array; values and row_splits; or those of rows and those of images."""
        height, width, channels = self.declared.shape
        dtype = self.declared.dtype
        assert channels is not None
        if height is not None:
            assert width is not None
            return (Part("", ROWS, dtype, (height, width, channels)),)
        rows = Part("row_splits", ROWS, SPLITS, cuts="values")
        if width is not None:
            return (Part("values", VALUES, dtype, (width, channels)), rows)
        return (
            Part("values/values", VALUES, dtype, (channels,)),
            Part("values/row_splits", STEPS, SPLITS, cuts="values/values"),
            rows._replace(cuts="values/row_splits"),
        )

    def split(self, column: Column | None, rows: int, where: Where) -> Arrays:
        """Give the arrays of some records.

        Raises: FormatError naming the record, for what is no such image; HostMemoryError; MissingExtra.
        """
        found = self.unread(column, rows, where)
        for name in found.keys() & set(_PIXELS):
            part = next(part for part in self.parts if part.name == name)
            pixels = found[name]
            free = _memory.free_bytes()
            nbytes = len(pixels) * int(np.prod(part.inner, dtype=object)) * part.dtype.itemsize
            if nbytes > free:
                raise HostMemoryError(
                    f"the images of the feature {self.declared.feature!r} take {format_bytes(nbytes)} when they are "
                    f"decoded, and {format_bytes(free)} of host memory are free; take them in pieces with "
                    "iter_chunks(x)"
                )
            found[name] = allocate((len(pixels), *part.inner), part.dtype)
            pixels.fill(found[name])
        return found

    def unread(self, column: Column | None, rows: int, where: Where) -> dict[str, Any]:
        """Give the arrays of some records, of pixels as `Pixels`."""
        encoded = self._encoded(column, rows, where)
        heads = [self._head(data, row, where) for row, data in enumerate(encoded)]
        heights = np.array([0 if head is None else head.height for head in heads], np.int64)
        widths = np.array([0 if head is None else head.width for head in heads], np.int64)
        sizes = {"": np.ones(rows, np.int64), "values": heights, "values/values": heights * widths}
        found: dict[str, Any] = {}
        for part in self.parts:
            if not part.cuts:
                images = _Images(self.declared.feature, encoded, heads, part.inner[-1], where)
                found[part.name] = Pixels(images, splits_of(sizes[part.name]))
            else:
                found[part.name] = splits_of(heights if part.name == "row_splits" else np.repeat(widths, heights))
        return found

    def sizes(self, column: Column | None, rows: int, where: Where) -> dict[str, int]:
        """Say how many entries some records have in each part; nothing is decoded."""
        found = self.unread(column, rows, where)
        return {part.name: len(found[part.name]) - bool(part.cuts) for part in self.parts}

    def nbytes(self, column: Column | None, rows: int, where: Where) -> NDArray[np.int64]:
        """Say how many bytes the pixels of each record take, and where their rows end."""
        found = [self._head(data, row, where) for row, data in enumerate(self._encoded(column, rows, where))]
        heads = [(0, 0) if head is None else (head.height, head.width) for head in found]
        pixel = (self.declared.shape[2] or 1) * self.declared.dtype.itemsize
        return np.array([height * (width * pixel + SPLITS.itemsize) for height, width in heads], np.int64)

    def _encoded(self, column: Column | None, rows: int, where: Where) -> list[memoryview | None]:
        """Give the one string of each record; None where it is missing."""
        found: list[memoryview | None] = [None] * rows
        if column is None or column.ends is None:
            present = np.zeros(rows, np.bool_)
        else:
            counts, present = counts_of(column), ~column.missing()
            self.check_counts(counts, present & (counts != 1), where, "1")
            data = np.ascontiguousarray(column.values).data
            for row, (start, stop) in zip(np.flatnonzero(present), pairwise(column.ends.tolist()), strict=True):
                found[row] = data[start:stop]
        if self.declared.shape[0] is not None:
            self.check_present(present, where)
        return found

    def _head(self, data: memoryview | None, row: int, where: Where) -> Head | None:
        if data is None:
            return None
        try:
            head = sized(data, self.declared.dtype.itemsize * 8)
        except FormatError as error:
            raise _undecodable(where(row), self.declared.feature, error) from error
        shape = self.declared.shape
        if any(wanted not in (None, size) for wanted, size in zip(shape, (head.height, head.width), strict=False)):
            raise FormatError(
                f"{where(row)}: the feature {self.declared.feature!r} is an image of {head.height} x {head.width} "
                f"pixels, and {shape[0] or 'any'} x {shape[1]} are declared; declare "
                f"t2n.Image((None, None, {shape[2]}))"
            )
        return head


@dataclass(frozen=True)
class _Images:
    """The images of some records, None where one is missing, to be decoded to so many channels."""

    feature: str
    encoded: Sequence[memoryview | None]
    heads: Sequence[Head | None]
    channels: int
    where: Where

    def into(self, row: int, out: NDArray[Any]) -> None:
        data, head = self.encoded[row], self.heads[row]
        assert data is not None
        assert head is not None
        try:
            decode(data, head, out)
        except FormatError as error:
            raise _undecodable(self.where(row), self.feature, error) from error


class Pixels:
    """Some entries of a part of a column of images: images, rows or pixels, decoded when they are filled in."""

    def __init__(self, images: _Images, ends: NDArray[np.int64], start: int = 0, stop: int | None = None) -> None:
        """ends: the entries that are before each image, and at last all of them."""
        self._images, self._ends = images, ends
        self._start, self._stop = start, int(ends[-1]) if stop is None else stop

    def __len__(self) -> int:
        return self._stop - self._start

    def __getitem__(self, rows: slice) -> Pixels:
        """Give some of the entries; nothing is decoded."""
        start, stop, _ = rows.indices(len(self))
        return Pixels(self._images, self._ends, self._start + start, self._start + max(start, stop))

    def fill(self, target: NDArray[Any]) -> None:
        """Decode the entries into an array of as many, on several threads where that is worth it.

        Raises: FormatError naming the record whose image is damaged; MissingExtra.
        """
        first = int(np.searchsorted(self._ends, self._start, "right")) - 1
        last = int(np.searchsorted(self._ends, self._stop))
        rows = [row for row in range(first, last) if self._ends[row] < self._ends[row + 1]]
        if len(rows) < 2 or target.nbytes < _WORTH_THREADS_BYTES or cpus() == 1:
            self._decode(rows, target)
            return
        runs = np.array_split(np.array(rows), min(len(rows), _RUNS_A_THREAD * cpus()))
        with ThreadPoolExecutor(cpus()) as pool:
            for _ in pool.map(lambda run: self._decode(run.tolist(), target), runs):
                pass

    def _decode(self, rows: Sequence[int], target: NDArray[Any]) -> None:
        """Decode images, each into the part of the entries that it has."""
        for row in rows:
            low, high = int(self._ends[row]), int(self._ends[row + 1])
            start, stop = max(low, self._start), min(high, self._stop)
            into = target[start - self._start : stop - self._start]
            head = self._images.heads[row]
            assert head is not None
            shape = (head.height, head.width, self._images.channels)
            if stop - start == high - low:
                self._images.into(row, into.reshape(shape))
                continue
            image = allocate(shape, target.dtype)
            self._images.into(row, image)
            into[...] = image.reshape(high - low, *target.shape[1:])[start - low : stop - low]


def layout_of(name: str, declared: Declared, met: Callable[[], Collection[str]] = tuple) -> DeclaredLayout:
    """Give how a declared column becomes arrays. met: gives names of features that records have, for errors."""
    return (Images if declared.form == IMAGE else DeclaredLayout)(name, declared, met)


def check_apart(schema: Mapping[str, Declared]) -> None:
    """Refuse features of which two would become one array.

    Raises: InvalidArgument naming them.
    """
    names: dict[str, str] = {}
    for name, one in schema.items():
        for array in (joined(name, part.name) for part in layout_of(name, one).parts):
            if (other := names.setdefault(array, name)) != name:
                raise InvalidArgument(
                    f"schema: the features {other!r} and {name!r} both become an array {array!r}; leave one of them out"
                )


def first_channels(column: Column | None, declared: Declared, where: Where) -> int | None:
    """Tell how many channels the first image of some records has; None if there is none.

    Raises: FormatError if it is none.
    """
    if column is None or column.ends is None or len(column.ends) < 2:
        return None
    row = int(np.argmin(column.missing()))
    try:
        return sized(column.values.data[: int(column.ends[1])], declared.dtype.itemsize * 8).channels
    except FormatError as error:
        raise _undecodable(where(row), declared.feature, error) from error


def _undecodable(record: str, feature: str, error: FormatError) -> FormatError:
    return FormatError(f"{record}: the feature {feature!r} is no image that can be decoded: {error}")
