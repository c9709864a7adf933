"""Named arrays as an HDF5 file: the life of the file. What becomes of an array is `_hdf5_arrays`' matter.

HDF5 has a hand in the file twice: in `begin`, to give every array of known shape its place, and in `commit`, to add
the rest, which waits in a journal meanwhile. Whatever it does in `begin` it does again, byte for byte, to go on with
an unfinished file, so that an interrupted `commit` leaves no trace either.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from .._errors import FormatError
from .._protocols import State
from .._registry import require
from .._types import ArraySpec, Chunk
from ..layouts.hdf5_types import file_type
from ._file_sink import FileSink
from ._group_names import check_paths
from ._hdf5_arrays import Array, Counted, Described, Growing, Plain
from ._hdf5_chunks import Chunked, check_chunk
from ._hdf5_codecs import Codec, Encoder, codec
from ._hdf5_file import ShieldedFile
from ._hdf5_grid import chunk_shape
from ._hdf5_held import Held
from ._hdf5_journal import Journal
from ._hdf5_strings import Strings
from ._output_file import OutputFile
from ._runs import fit, map_array

_ALIGNMENT_BYTES = 64  # of each array in the file, so that its memory map is aligned for any dtype


class Hdf5Sink(FileSink):
    """An HDF5 file. A name "a/b" is the dataset "b" in the group "a".

    A dtype that NumPy cannot name, and strings, are recorded in the dataset's attribute "dtype". Strings are neither
    compressed nor cut into chunks: their bytes lie where HDF5's filters do not reach.
    """

    _file: OutputFile
    _journal: Journal
    _held: Held
    _encoder: Encoder
    _specs: Mapping[str, ArraySpec]
    _rows: dict[str, int | None]  # how many have come, of the arrays whose number is not known
    _arrays: dict[str, Array]

    def check(self, specs: Mapping[str, ArraySpec]) -> None:
        """Refuse names that HDF5 cannot hold together, arrays it cannot hold, and chunks that a codec cannot take.

        Raises: FormatError; InvalidArgument for the chunks; MissingExtra.
        """
        h5py = require("h5py", "writing HDF5")
        check_paths(specs, "HDF5", "file")
        for name, spec in specs.items():
            file_type(h5py, name, spec)
        self._chunks(specs, codec(h5py, self._layout.compression))

    def begin(self, specs: Mapping[str, ArraySpec], state: State | None = None) -> None:
        """Create the file, and give arrays of known shape their place in it; or go on with it.

        Raises: FormatError for names that HDF5 cannot hold together and for arrays it cannot hold, before
        anything is created, and for a state of another version of HDF5; StorageFull; MissingExtra.
        """
        h5py = require("h5py", "writing HDF5")
        if state is not None:
            self._check_version(h5py, state)
            specs = {name: specs[name] for name in state["rows"]}  # in the order in which they were created
        self.check(specs)
        kinds = {name: file_type(h5py, name, spec) for name, spec in specs.items()}
        compression = codec(h5py, self._layout.compression)
        chunks = self._chunks(specs, compression)
        self._specs = dict(specs)
        self._rows = {name: 0 if None in spec.shape else None for name, spec in specs.items()}
        if state is None:
            plain = (spec for name, spec in specs.items() if name not in chunks)
            self._workspace.require(sum(spec.nbytes or 0 for spec in plain))
        else:
            self._rows |= state["rows"]
        self._workspace.open()
        self._file = self._opened(OutputFile(self._workspace, keep=state is not None))
        self._journal = self._opened(Journal(self._workspace, "staged", None if state is None else state["journal"]))
        self._held = self._opened(Held(self._workspace, None if state is None else state["held"]))
        self._encoder = self._opened(Encoder(compression, self._journal))
        self._arrays = {
            name: self._array(Described(h5py, number, name, spec, kinds[name]), chunks.get(name))
            for number, (name, spec) in enumerate(specs.items())
        }
        self._build("w", [name for name, array in self._arrays.items() if isinstance(array, Counted)])

    def write(self, chunk: Chunk) -> None:
        """Fill one rectangular region; with an unknown number of rows, the next rows.

        Raises: InvalidArgument for a chunk that does not fit; FormatError for strings that are not bytes;
        StorageFull.
        """
        rows = self._rows.get(chunk.name)
        index = fit(chunk, self._specs, rows)
        self._arrays[chunk.name].write(index, chunk.value)
        if rows is not None:
            self._rows[chunk.name] = index[0].stop

    def state(self) -> State:
        """Say how many rows there are, and how much of the journal counts."""
        self._encoder.drain()
        chunked = [array for array in self._arrays.values() if isinstance(array, Chunked)]
        whole = self._held.turn(sum(array.held_bytes for array in chunked))
        for array in chunked:
            array.hold(whole=whole)
        h5py = require("h5py", "writing HDF5")
        return {
            "hdf5": _version(h5py),
            "rows": dict(self._rows),
            "journal": self._journal.mark(),
            "held": self._held.mark(),
        }

    def sync(self) -> None:
        """Make what was written durable."""
        self._file.sync()
        self._journal.sync()
        self._held.sync()

    def check_mappable(self, specs: Mapping[str, ArraySpec]) -> None:
        """Refuse arrays that are not one range of the file.

        Raises: FormatError naming the first such array and the reason.
        """
        for name, spec in specs.items():
            if spec.dtype.hasobject:
                why = "its elements differ in size, so HDF5 keeps it in pieces"
            elif self._in_chunks(spec):
                why = "it is to be cut into chunks, which compression needs too"
            else:
                continue
            raise FormatError(f"array {name!r} cannot be mapped: {why}; save it, and open the file with h5py")

    def mapped(self) -> dict[str, NDArray[Any]]:
        """Give the committed arrays as writable memory maps of their logical dtypes.

        Raises: FormatError for an array that is not one range of the file; InvalidArgument before `commit`.
        """
        path = self._committed()
        self.check_mappable(self._specs)
        return {
            name: map_array(path, array.base, self._shape(name), array.spec.dtype)
            for name, array in self._arrays.items()
            if isinstance(array, Plain)
        }

    def _finish(self) -> None:
        """Add the arrays that have no place yet."""
        self._encoder.drain()
        growing = {name: array for name, array in self._arrays.items() if isinstance(array, Growing)}
        self._build("r+", [*growing])
        self._build("r+", [name for name, array in self._arrays.items() if not isinstance(array, Plain)], aligned=False)
        for array in growing.values():
            array.place(self._file)
        self._file.sync()

    def _build(self, mode: str, names: list[str], *, aligned: bool = True) -> None:
        """Open the file with HDF5, let these arrays build their datasets, and close it.

        aligned: whether they are to be mapped. Chunks are not: HDF5 would look for the place of each one in all the
        gaps that aligning leaves. Of 200,000 of 8 bytes it had not found them in twelve minutes.
        """
        if mode != "w" and not names:
            return
        h5py = require("h5py", "writing HDF5")
        with self._workspace.guard():
            file = ShieldedFile(self._file, empty=mode == "w")
            interval = _ALIGNMENT_BYTES if aligned else 1
            with h5py.File(file, mode, alignment_threshold=1, alignment_interval=interval) as h5:
                for name in names:
                    self._arrays[name].build(h5, self._shape(name), file)
            file.check()

    def _array(self, what: Described, chunk: tuple[int, ...] | None) -> Array:
        if what.spec.dtype == object:
            return Strings(what, self._journal)
        if chunk is not None:
            return Chunked(what, self._journal, self._held, self._encoder, chunk)
        return (Growing if None in what.spec.shape else Counted)(what, self._journal)

    def _shape(self, name: str) -> tuple[int, ...]:
        return tuple((self._rows[name] or 0) if n is None else n for n in self._specs[name].shape)

    def _in_chunks(self, spec: ArraySpec) -> bool:
        """Tell whether an array can be cut into chunks, and whether the layout wants it."""
        if spec.dtype == object or not spec.shape or not spec.row_nbytes or spec.shape[0] == 0:
            return False
        chunks = self._layout.chunks
        return self._layout.compression is not None or (chunks is not None and len(chunks) == len(spec.shape))

    def _chunks(self, specs: Mapping[str, ArraySpec], compression: Codec) -> dict[str, tuple[int, ...]]:
        """Give the shape of the chunks of every array that is cut into some."""
        growing = sum(None in spec.shape for spec in specs.values())
        chunks, wanted = {}, self._layout.chunks
        for name, spec in specs.items():
            if not self._in_chunks(spec):
                continue
            if wanted is not None and len(wanted) == len(spec.shape):
                chunk = tuple(c if n is None else min(c, n) for c, n in zip(wanted, spec.shape, strict=True))
            else:
                chunk = chunk_shape(spec, growing)
            check_chunk(name, spec, chunk, compression.limit)
            chunks[name] = chunk
        return chunks

    def _check_version(self, h5py: Any, state: State) -> None:
        if state["hdf5"] != _version(h5py):
            raise FormatError(
                f"the unfinished file of {str(self._workspace.path)!r} was laid out by {state['hdf5']}, and only that "
                f"can go on with it, found {_version(h5py)}; install that version again, or start over"
            )


def _version(h5py: Any) -> str:
    return f"h5py {h5py.version.version} with HDF5 {h5py.version.hdf5_version}"
