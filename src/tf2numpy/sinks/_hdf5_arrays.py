"""The datasets of an HDF5 file: what each can be asked, and those of plain bytes. No file handling may enter.

`h5py` is passed in: it is optional, and only the sink imports it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from .._dtypes import is_extended, logical_name
from .._types import ArraySpec, Index
from ._hdf5_file import ShieldedFile
from ._hdf5_journal import Journal
from ._output_file import OutputFile
from ._runs import bytes_of, pwrite_region


@dataclass(frozen=True)
class Described:
    """What an array is to be.

    number: what the journal knows it by. kind: the HDF5 type of its elements.
    """

    h5py: Any
    number: int
    name: str
    spec: ArraySpec
    kind: Any


class Array(ABC):
    """One array being filled, from which a dataset is built at last."""

    def __init__(self, what: Described, journal: Journal) -> None:
        self.h5py, self.number, self.name, self.spec = what.h5py, what.number, what.name, what.spec
        self._kind, self.journal = what.kind, journal

    @abstractmethod
    def write(self, index: Index, value: NDArray[Any]) -> None:
        """Take one region that is known to fit; index: a slice for every axis."""

    @abstractmethod
    def build(self, h5: Any, shape: tuple[int, ...], file: ShieldedFile) -> None:
        """Create the dataset, of its final shape, in the open file `h5`, and fill it as far as HDF5 must."""

    def create(self, h5: Any, shape: tuple[int, ...], settings: Any = None, limits: tuple[int, ...] = ()) -> Any:
        """Create the dataset, and the groups on the way to it; by default as one range of the file.

        settings: those that say otherwise. limits: up to where the axes can be resized, if they can be.
        """
        h5d, h5s = self.h5py.h5d, self.h5py.h5s
        if settings is None:
            settings = self.settings()
            settings.set_layout(h5d.CONTIGUOUS)
            settings.set_alloc_time(h5d.ALLOC_TIME_EARLY)
        space = h5s.create_simple(shape, limits or None) if shape else h5s.create(h5s.SCALAR)
        dataset = h5d.create(h5.id, None, self._kind, space, dcpl=settings)
        h5[self.name] = self.h5py.Dataset(dataset)
        if self.spec.dtype == object or is_extended(self.spec.dtype):
            h5[self.name].attrs["dtype"] = logical_name(self.spec.dtype)
        return dataset

    def settings(self) -> Any:
        """Give the settings that all our datasets have in common."""
        settings = self.h5py.h5p.create(self.h5py.h5p.DATASET_CREATE)
        settings.set_obj_track_times(False)  # the same arrays give the same file
        if self.spec.dtype != object:
            settings.set_fill_time(self.h5py.h5d.FILL_TIME_NEVER)
        return settings


class Plain(Array):
    """Elements of fixed size, uncompressed: one range of the file, which HDF5 gives us and never touches.

    base: byte offset of the first element; 0 for an array without elements, which has none.
    """

    base = 0

    def build(self, h5: Any, shape: tuple[int, ...], file: ShieldedFile) -> None:
        """Have the range given."""
        self.base = self.create(h5, shape).get_offset() or 0


class Counted(Plain):
    """An array of known shape. Its place is given at the beginning, and whatever comes goes there."""

    output: OutputFile

    def build(self, h5: Any, shape: tuple[int, ...], file: ShieldedFile) -> None:
        """Have the range given."""
        super().build(h5, shape, file)
        self.output = file.file

    def write(self, index: Index, value: NDArray[Any]) -> None:
        """Write straight from the memory of `value`."""
        pwrite_region(self.output, self.base, self.spec.shape, index, value)


class Growing(Plain):
    """An array whose rows are not counted yet: they wait in the journal, and its place is given at the end."""

    def write(self, index: Index, value: NDArray[Any]) -> None:
        """Append the next rows to the journal, straight from the memory of `value`."""
        data = bytes_of(value)
        if data:
            self.journal.append(self.number, index[0].start * self.spec.row_nbytes, data.nbytes, data, joins=True)

    def place(self, output: OutputFile) -> None:
        """Copy the rows from the journal."""
        for first, _, offset, nbytes in self.journal.pieces(self.number):
            self.journal.copy(offset, nbytes, output, self.base + first)
