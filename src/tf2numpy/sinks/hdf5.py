"""Named arrays as an HDF5 file: names, groups, the life of the file. Datasets are `_hdf5_arrays`' matter.

HDF5 lays the file out; the bytes of every array of known shape are then written at the offsets it gave.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from .._errors import FormatError, InvalidArgument
from .._registry import require
from .._types import ArraySpec, Chunk
from . import _hdf5_arrays as arrays
from ._atomic import AtomicFile
from ._hdf5_file import ShieldedFile
from ._runs import fit, map_array

_ALIGNMENT_BYTES = 64  # of each array in the file, so that its memory map is aligned for any dtype


class Hdf5Sink:
    """An HDF5 file. A name "a/b" is the dataset "b" in the group "a".

    A dtype that NumPy cannot name, and strings, are recorded in the dataset's attribute "dtype".
    """

    _shield: ShieldedFile

    def __init__(self, path: Path, *, overwrite: bool) -> None:
        """Look at the destination; nothing is created yet.

        Raises: OutputExists; InvalidArgument for a path that cannot be a file.
        """
        self._file = AtomicFile(path, overwrite=overwrite, on_discard=self._close)
        self._specs: Mapping[str, ArraySpec] = {}
        self._rows: dict[str, int] = {}  # how many have come, of the arrays whose number is not known
        self._datasets: dict[str, arrays.Dataset] = {}
        self._h5: Any = None

    def begin(self, specs: Mapping[str, ArraySpec]) -> None:
        """Create the hidden file with every group and dataset; arrays of known shape get their place in it.

        Raises: FormatError for names that HDF5 cannot hold together and for arrays it cannot hold, before
        anything is created; StorageFull; MissingExtra without h5py.
        """
        h5py = require("h5py", "writing HDF5")
        check_names(specs)
        kinds = {name: arrays.file_type(h5py, name, spec) for name, spec in specs.items()}
        self._specs = dict(specs)
        self._rows = {name: 0 for name, spec in specs.items() if None in spec.shape}
        self._file.create(sum(spec.nbytes or 0 for spec in specs.values()))
        try:
            with self._file.guard():
                self._shield = ShieldedFile(self._file)
                self._h5 = h5py.File(self._shield, "w", alignment_threshold=1, alignment_interval=_ALIGNMENT_BYTES)
                for name, spec in specs.items():
                    self._datasets[name] = arrays.create(
                        h5py, self._h5, name, spec, kinds[name], self._shield, growing=len(self._rows)
                    )
                if all(isinstance(dataset, arrays.Contiguous) for dataset in self._datasets.values()):
                    self._h5.close()  # the layout is final: from here on HDF5 has no hand in the file
                self._shield.check()
        except BaseException:
            self.abort()
            raise

    def write(self, chunk: Chunk) -> None:
        """Fill one rectangular region; with an unknown number of rows, the next rows.

        Raises: InvalidArgument for a chunk that does not fit; FormatError for strings that are not bytes;
        StorageFull.
        """
        index = fit(chunk, self._specs, self._rows.get(chunk.name))
        with self._file.guard():
            self._datasets[chunk.name].write(index, chunk.value)
        if chunk.name in self._rows:
            self._rows[chunk.name] = index[0].stop

    def commit(self) -> None:
        """Write what is held back, close the file and publish it.

        Raises: OutputExists if the destination appeared meanwhile; StorageFull.
        """
        try:
            with self._file.guard():
                for dataset in self._datasets.values():
                    dataset.finish()
                self._h5.close()
                self._shield.check()
        except BaseException:
            self.abort()
            raise
        self._file.publish()

    def abort(self) -> None:
        """Close and remove the unfinished file; a committed one stays."""
        self._file.discard()

    def check_mappable(self, specs: Mapping[str, ArraySpec]) -> None:
        """Refuse arrays that are not one range of the file.

        Raises: FormatError naming the first such array and the reason.
        """
        for name, spec in specs.items():
            if spec.dtype.hasobject or None in spec.shape:
                why = "its elements differ in size" if spec.dtype.hasobject else "its number of rows is not known"
                raise FormatError(
                    f"array {name!r} cannot be mapped: {why}, so HDF5 keeps it in pieces; "
                    "save it, and open the file with h5py"
                )

    def mapped(self) -> dict[str, NDArray[Any]]:
        """Give the committed arrays as writable memory maps of their logical dtypes.

        Raises: FormatError for an array that is not one range of the file; InvalidArgument before `commit`.
        """
        if not self._file.published:
            raise InvalidArgument("nothing is committed yet, so nothing can be mapped; call commit() first")
        self.check_mappable(self._specs)
        maps = {}
        for name, spec in self._specs.items():
            dataset = self._datasets[name]
            assert isinstance(dataset, arrays.Contiguous)
            maps[name] = map_array(self._file.path, dataset.base, tuple(n or 0 for n in spec.shape), spec.dtype)
        return maps

    def _close(self) -> None:
        if self._h5 is not None:
            self._h5.close()


def check_names(names: Iterable[str]) -> None:
    """Refuse names that are no paths inside a file, and names that are in each other's way.

    Raises: FormatError naming the first such name and the reason.
    """
    known = dict.fromkeys(names)
    for name in known:
        problem = _problem(name)
        if problem:
            raise FormatError(f"the name {name!r} {problem}, which HDF5 cannot hold; rename the array")
    for name in known:
        parts = name.split("/")
        for end in range(1, len(parts)):
            group = "/".join(parts[:end])
            if group in known:
                raise FormatError(
                    f"the names {group!r} and {name!r} cannot be in one HDF5 file: {group!r} would be both "
                    f"an array and the group of another; rename one of them"
                )


def _problem(name: str) -> str | None:
    parts = name.split("/")
    if "" in parts:
        return "is empty or has an empty part"
    if "." in parts or ".." in parts:
        return "has '.' or '..' as a part"
    if "\0" in name:
        return "has a NUL character"
    try:
        name.encode()
    except UnicodeEncodeError:
        return "is not valid Unicode"
    return None
